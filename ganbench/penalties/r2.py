"""The zero-centred gradient penalty at fakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ganbench.penalties.parts.zero_centred import ZeroCentredPenalty


@dataclass(frozen=True, kw_only=True)
class R2Penalty(ZeroCentredPenalty):
    """D's loss + `weight`/2 E ||grad D(G(z))||^2; the paper's gamma is the `weight`."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mescheder et al. 2018, arXiv:1801.04406, section 4.1 (R2)"
    places = ("r2",)
