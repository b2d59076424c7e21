"""Consistency of D's scores of real images and of fakes under a transformation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from ganbench.component import Annealable, NonNegative, Search
from ganbench.penalties.base import Scored
from ganbench.penalties.parts.consistency import ConsistencyPenalty

if TYPE_CHECKING:
    from ganbench.variants.base import Batch, LossTerms, Players


@dataclass(frozen=True, kw_only=True)
class BalancedConsistency(ConsistencyPenalty):
    """D's loss + `real_weight` E (D(x) - D(T(x)))^2 + `fake_weight` E (D(G(z)) - D(T(G(z))))^2.

    T flips an image in half of the cases and shifts it by up to `shift` pixels along each axis.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhao et al. 2020, arXiv:2002.04724, algorithm 1 (bCR)"
    sides: ClassVar[tuple[str, ...]] = ("real", "fake")

    real_weight: Annotated[Annealable[NonNegative], Search(0.1, 100.0, log=True)] = 10.0
    fake_weight: Annotated[Annealable[NonNegative], Search(0.1, 100.0, log=True)] = 10.0

    def d_terms(self, net: Players, batch: Batch, at: Mapping[str, Scored]) -> LossTerms:
        return {
            "bcr_real": self.real_weight * self.change(net, batch, "real"),
            "bcr_fake": self.fake_weight * self.change(net, batch, "fake"),
        }
