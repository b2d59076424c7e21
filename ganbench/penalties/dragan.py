"""The gradient penalty around the data, of DRAGAN and of LSGANs-GP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from torch import Tensor

from ganbench.component import Annealable, NonNegative, Positive, Search
from ganbench.penalties.base import Penalty, Scored, displace, from_unit_norm
from ganbench.variants.base import Draw

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.variants.base import Batch, LossTerms, Players


@dataclass(frozen=True, kw_only=True)
class AroundDataPenalty(Penalty):
    """D's loss + `weight` E (||grad D(x^)||_2 - 1)^2 at x^ = x + e `scale` s u.

    e ~ U(0, 1) is drawn for each sample and u ~ U(0, 1) for each value, or with `symmetric` u ~ U(-1, 1). s is the
    standard deviation of all values of the real batch, or 1 with `relative` false. `frozen` draws u once for the whole
    run. The defaults are DRAGAN's code; the code of LSGANs-GP has a `scale` of 30, `relative` false and `frozen`.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Kodali et al. 2017, arXiv:1705.07215, and the authors' code; Mao et al. 2019, 1712.06391"
    takes_gradients: ClassVar[bool] = True

    weight: Annotated[Annealable[NonNegative], Search(0.1, 100.0, log=True)] = 10.0
    scale: Positive = 0.5
    relative: bool = True
    symmetric: bool = False
    frozen: bool = False

    def points(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        direction = 2 * batch.noise["direction"] - 1 if self.symmetric else batch.noise["direction"]
        reach = self.scale * batch.x.std(correction=0) if self.relative else self.scale
        return {"around": displace(batch.x, noise=reach * direction, share=batch.noise["share"])}

    def d_terms(self, net: Players, batch: Batch, at: Mapping[str, Scored]) -> LossTerms:
        return {self.kind(): self.weight * from_unit_norm(at["around"].gradient)}

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        return {"share": Draw((n,), "uniform"), "direction": Draw((n, *space.shape), "uniform", once=self.frozen)}
