"""Least squares GAN with a gradient penalty around the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from ganbench.component import Annealable, NonNegative, Positive, Search
from ganbench.penalties.base import displace, input_gradient_conflict, unit_norm_penalty
from ganbench.variants.base import Batch, DecisionBoundary, Draw, LossTerms, Players, Variant
from ganbench.variants.parts.scores import Reduction, squared_distance

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class LSGANGP(Variant):
    """L_D = 1/2 sum (r - b)^2 + 1/2 sum (f - a)^2 + gp_weight E (||grad D(x^)||_2 - 1)^2, L_G = 1/2 sum (f - c)^2.

    The penalty is taken at x^ = x + e `scale` u, where e ~ U(0, 1) is drawn for each sample and u ~ U(0, 1) for each
    value, both anew in every step. `frozen` draws u once for the whole run, as the authors' code does. `reduction` is
    the code's: its `gp_weight` of 150 with sums over its batch of 64 is as strong as 150 / 64 with `half_mean`.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mao et al. 2019, arXiv:1712.06391, LSGANs-GP in the authors' code"

    a: float = 0.0
    b: float = 1.0
    c: float = 1.0
    reduction: Reduction = "half_sum"
    gp_weight: Annotated[Annealable[NonNegative], Search(1.0, 1000.0, log=True)] = 150.0
    scale: Positive = 30.0
    frozen: bool = False

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        around = displace(batch.x, noise=self.scale * batch.noise["direction"], share=batch.noise["share"])
        return {
            "real": squared_distance(net.d(batch.x), self.b, self.reduction),
            "fake": squared_distance(net.d(net.g(batch.z)), self.a, self.reduction),
            "penalty": self.gp_weight * unit_norm_penalty(net.d, around),
        }

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {"fake": squared_distance(net.d(net.g(batch.z)), self.c, self.reduction)}

    def decision_boundary(self) -> DecisionBoundary | None:
        return DecisionBoundary((self.a + self.b) / 2) if self.a < self.b else None

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        return {"share": Draw((n,), "uniform"), "direction": Draw((n, *space.shape), "uniform", once=self.frozen)}

    def conflict(self, spec: RunSpec) -> str | None:
        return input_gradient_conflict(spec)
