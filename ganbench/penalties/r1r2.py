"""The zero-centred gradient penalties at real samples and at fakes, as in R3GAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ganbench.penalties.parts.zero_centred import ZeroCentredPenalty


@dataclass(frozen=True, kw_only=True)
class R1R2Penalty(ZeroCentredPenalty):
    """D's loss + `weight`/2 (E ||grad D(x)||^2 + E ||grad D(G(z))||^2); the paper's gamma is the `weight`."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Huang et al. 2024, The GAN is dead; long live the GAN, arXiv:2501.05441"
    places = ("r1", "r2")
