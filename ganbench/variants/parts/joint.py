"""What objectives over pairs of a sample and its latent share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


def pac_objection(spec: RunSpec) -> str | None:
    """Why packs of samples don't serve, and what does."""
    return "its D judges pairs of one sample and its latent: set pac to 1" if spec.network.pac > 1 else None
