"""The zero-centred gradient penalty at real samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from torch import Tensor

from ganbench.component import Annealable, NonNegative, Search
from ganbench.penalties.base import Penalty, Scored, squared_norm

if TYPE_CHECKING:
    from ganbench.variants.base import Batch, LossTerms, Players


@dataclass(frozen=True, kw_only=True)
class R1Penalty(Penalty):
    """D's loss + `weight`/2 E ||grad D(x)||^2 at real samples x; the paper's gamma is the `weight`.

    The authors' code leaves out the 1/2: its 10 is a weight of 20.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mescheder et al. 2018, arXiv:1801.04406, eq. 9"
    takes_gradients: ClassVar[bool] = True

    weight: Annotated[Annealable[NonNegative], Search(0.1, 100.0, log=True)] = 10.0

    def points(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        return {"real": batch.x}

    def d_terms(self, net: Players, batch: Batch, at: Mapping[str, Scored]) -> LossTerms:
        return {"r1": self.weight / 2 * squared_norm(at["real"].gradient).mean()}
