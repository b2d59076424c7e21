"""Consistency of D's scores of real images under a transformation."""

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
class Consistency(ConsistencyPenalty):
    """D's loss + `weight` E (D(x) - D(T(x)))^2 over real images.

    T flips an image in half of the cases and shifts it by up to `shift` pixels along each axis.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhang et al. 2020, arXiv:1910.12027, algorithm 1 (CR)"
    sides: ClassVar[tuple[str, ...]] = ("real",)

    weight: Annotated[Annealable[NonNegative], Search(0.1, 100.0, log=True)] = 10.0

    def d_terms(self, net: Players, batch: Batch, at: Mapping[str, Scored]) -> LossTerms:
        return {"cr": self.weight * self.change(net, batch, "real")}
