"""The non-saturating GAN with zero-centred gradient penalties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from torch import Tensor

from ganbench.component import Annealable, NonNegative, Search
from ganbench.penalties.base import input_gradient_conflict, scored, squared_norm
from ganbench.variants.base import LOGITS, Batch, DecisionBoundary, LossTerms, Players, Variant
from ganbench.variants.parts.scores import logistic, logistic_g

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class R1(Variant):
    """L_D = E sp(-r) + E sp(f) + gamma/2 E ||grad D||^2, L_G = E sp(-f), sp(t) = log(1 + e^t).

    `on`: the penalty is taken at real samples (R1), at fakes (R2) or at both. `convention`: `half` is the paper's
    gamma/2; `full` is gamma without the 1/2, as in the authors' code, whose 10 equals a gamma of 20 with `half`.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mescheder et al. 2018, arXiv:1801.04406, section 4.1"

    gamma: Annotated[Annealable[NonNegative], Search(0.1, 100.0, log=True)] = 10.0
    on: Literal["real", "fake", "both"] = "real"
    convention: Literal["half", "full"] = "half"

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        weight = self.gamma / 2 if self.convention == "half" else self.gamma
        scores: dict[str, Tensor] = {}
        penalties: LossTerms = {}
        for side, x in {"real": batch.x, "fake": net.g(batch.z)}.items():
            if self.on in (side, "both"):
                scores[side], gradient = scored(net.d, x)
                penalties[f"{side}_penalty"] = weight * squared_norm(gradient).mean()
            else:
                scores[side] = net.d(x)
        return logistic(real=scores["real"], fake=scores["fake"]) | penalties

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return logistic_g(net, batch)

    def decision_boundary(self) -> DecisionBoundary:
        return LOGITS

    def conflict(self, spec: RunSpec) -> str | None:
        return input_gradient_conflict(spec)
