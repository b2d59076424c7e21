"""Zero-centred penalties on D's gradient: R1 at real samples, R2 at fakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from torch import Tensor

from ganbench.component import Annealable, NonNegative, Search
from ganbench.penalties.base import Penalty, Scored, squared_norm

if TYPE_CHECKING:
    from ganbench.variants.base import Batch, LossTerms, Players


@dataclass(frozen=True, kw_only=True)
class ZeroCentredPenalty(Penalty):
    """`weight`/2 times the mean squared norm of D's gradient, a term for each of `places`.

    `r1` is at the real samples x, `r2` at the fakes G(z).
    """

    takes_gradients: ClassVar[bool] = True
    places: ClassVar[tuple[Literal["r1", "r2"], ...]]

    weight: Annotated[Annealable[NonNegative], Search(0.1, 100.0, log=True)] = 10.0

    def points(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        return {place: batch.x if place == "r1" else net.g(batch.z) for place in self.places}

    def d_terms(self, net: Players, batch: Batch, at: Mapping[str, Scored]) -> LossTerms:
        return {place: self.weight / 2 * squared_norm(at[place].gradient).mean() for place in self.places}
