"""Penalties on D's gradient between real samples and fakes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from torch import Tensor

from ganbench.component import Annealable, NonNegative, Search
from ganbench.penalties.base import Penalty, Scored, interpolate
from ganbench.variants.base import Draw

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.variants.base import Batch, LossTerms, Players


@dataclass(frozen=True, kw_only=True)
class BetweenPenalty(Penalty):
    """`weight` times a function of the gradients at x^ = e x + (1 - e) G(z), with e ~ U(0, 1) for each sample."""

    takes_gradients: ClassVar[bool] = True

    weight: Annotated[Annealable[NonNegative], Search(0.1, 100.0, log=True)] = 10.0

    def points(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        return {"between": interpolate(batch.x, net.g(batch.z), batch.noise["share"])}

    def d_terms(self, net: Players, batch: Batch, at: Mapping[str, Scored]) -> LossTerms:
        return {self.kind(): self.weight * self.of_gradients(at["between"].gradient)}

    @abstractmethod
    def of_gradients(self, gradient: Tensor) -> Tensor:
        """The penalty, a scalar, of the gradients of all samples, in the shape of the samples."""

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        return {"share": Draw((n,), "uniform")}
