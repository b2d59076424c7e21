"""The non-saturating GAN with a gradient penalty around the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from ganbench.component import Annealable, NonNegative, Positive, Search
from ganbench.penalties.base import displace, input_gradient_conflict, unit_norm_penalty
from ganbench.variants.base import LOGITS, Batch, DecisionBoundary, Draw, LossTerms, Players, Variant
from ganbench.variants.parts.scores import logistic_d, logistic_g

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class DRAGAN(Variant):
    """L_D = E sp(-r) + E sp(f) + gp_weight E (||grad D(x^)||_2 - 1)^2, L_G = E sp(-f), sp(t) = log(1 + e^t).

    The penalty is taken at x^ = x + e `scale` s u, where s is the standard deviation of all values of the real batch,
    e ~ U(0, 1) is drawn for each sample and u ~ U(0, 1) for each value. This is the authors' code, whose noise is never
    negative. With `symmetric`, u ~ U(-1, 1), as in other implementations. The paper's theory has normal noise around
    the data.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Kodali et al. 2017, arXiv:1705.07215, and the authors' code"

    gp_weight: Annotated[Annealable[NonNegative], Search(0.1, 100.0, log=True)] = 10.0
    scale: Positive = 0.5
    symmetric: bool = False

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        direction = 2 * batch.noise["direction"] - 1 if self.symmetric else batch.noise["direction"]
        reach = self.scale * batch.x.std(correction=0)
        around = displace(batch.x, noise=reach * direction, share=batch.noise["share"])
        return logistic_d(net, batch) | {"penalty": self.gp_weight * unit_norm_penalty(net.d, around)}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return logistic_g(net, batch)

    def decision_boundary(self) -> DecisionBoundary:
        return LOGITS

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        return {"share": Draw((n,), "uniform"), "direction": Draw((n, *space.shape), "uniform")}

    def conflict(self, spec: RunSpec) -> str | None:
        return input_gradient_conflict(spec)
