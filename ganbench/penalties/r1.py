"""The zero-centred gradient penalty at real samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ganbench.penalties.parts.zero_centred import ZeroCentredPenalty


@dataclass(frozen=True, kw_only=True)
class R1Penalty(ZeroCentredPenalty):
    """D's loss + `weight`/2 E ||grad D(x)||^2 at real samples x; the paper's gamma is the `weight`.

    The authors' code leaves out the 1/2: its 10 is a weight of 20.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mescheder et al. 2018, arXiv:1801.04406, eq. 9"
    places = ("r1",)
