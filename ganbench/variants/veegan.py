"""VEEGAN: a reconstructor network maps data to latents, to reduce mode collapse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, ClassVar

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.component import NonNegative, Search
from ganbench.variants.base import LOGITS, Batch, Better, DecisionBoundary, LossTerms, Players, Variant

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class VEEGAN(Variant):
    """D(z, x) is the log-odds that a pair comes from G; the reconstructor F, the network `e`, maps x to a latent.

    L_D = E sp(-D(z, G(z))) + E sp(D(F(x), x)), sp(t) = log(1 + e^t). G minimises E D(z, G(z)) + w E |z - F(G(z))|^2,
    and F the second term alone; w, `weight`, is 1 in the paper. With `adversarial_reconstructor` F also minimises
    -E D(F(x), x), as in the Julia adaptation in the authors' repository (there with F(G(z)) beside x). The paper
    updates all three networks at once: use a schedule in `simultaneous` order. The measure is E |z - F(G(z))|^2.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Srivastava et al. 2017, arXiv:1705.07761, Algorithm 1"
    needs: ClassVar[frozenset[str]] = frozenset({"joint"})
    scores_samples: ClassVar[bool] = False
    others: ClassVar[tuple[str, ...]] = ("e",)
    g_moves: ClassVar[tuple[str, ...]] = ("g", "e")
    measures: ClassVar[Mapping[str, Better]] = MappingProxyType({"latent_error": "lower"})

    weight: Annotated[NonNegative, Search(0.1, 10.0, log=True)] = 1.0
    adversarial_reconstructor: bool = False

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        real, fake = self.scores(net, batch)
        return {"real": softplus(-real).mean(), "fake": softplus(fake).mean()}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        terms = {
            "fake": net.d.part("joint", net.g(batch.z), batch.z).mean(),
            "latent": self.weight * latent_error(net, batch).mean(),
        }
        if self.adversarial_reconstructor:
            terms["real"] = -net.d.part("joint", batch.x, net["e"](batch.x)).mean()
        return terms

    def measure(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        return {"latent_error": latent_error(net, batch)}

    def scores(self, net: Players, batch: Batch) -> tuple[Tensor, Tensor]:
        """-D of pairs from the reconstructor and of pairs from the generator: higher for the real."""
        return -net.d.part("joint", batch.x, net["e"](batch.x)), -net.d.part("joint", net.g(batch.z), batch.z)

    def decision_boundary(self) -> DecisionBoundary:
        return LOGITS

    def conflict(self, spec: RunSpec) -> str | None:
        return "its D judges pairs of one sample and its latent: set pac to 1" if spec.network.pac > 1 else None


def latent_error(net: Players, batch: Batch) -> Tensor:
    """|z - F(G(z))|^2 (n,), summed over the coordinates."""
    return (batch.z - net["e"](net.g(batch.z))).square().sum(1)
