"""Wasserstein GAN with gradient penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from ganbench.component import Annealable, Count, NonNegative, Search
from ganbench.penalties.base import input_gradient_conflict, interpolate, unit_norm_penalty
from ganbench.variants.base import Batch, Draw, LossTerms, Players, Variant
from ganbench.variants.parts.scores import critic_g

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class WGANGP(Variant):
    """L_D = E f - E r + gp_weight E (||grad D(x^)||_2 - 1)^2, L_G = -E f.

    The penalty is taken at x^ = e x + (1 - e) G(z), with e ~ U(0, 1) drawn for each sample.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Gulrajani et al. 2017, arXiv:1704.00028, eq. 3 and Algorithm 1"

    gp_weight: Annotated[Annealable[NonNegative], Search(0.1, 100.0, log=True)] = 10.0
    n_critic: Count = 5

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        fake = net.g(batch.z)
        between = interpolate(batch.x, fake, batch.noise["share"])
        return {
            "real": -net.d(batch.x).mean(),
            "fake": net.d(fake).mean(),
            "penalty": self.gp_weight * unit_norm_penalty(net.d, between),
        }

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return critic_g(net, batch)

    def d_steps(self, step: int) -> int:
        return self.n_critic

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        return {"share": Draw((n,), "uniform")}

    def conflict(self, spec: RunSpec) -> str | None:
        return input_gradient_conflict(spec)
