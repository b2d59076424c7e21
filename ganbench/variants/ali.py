"""Adversarially learned inference: the discriminator distinguishes (x, E(x)) from (G(z), z)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.variants.base import LOGITS, Batch, Better, DecisionBoundary, Draw, LossTerms, Players, Variant

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class ALI(Variant):
    """D(x, z) is the log-odds that a pair comes from the encoder E (the network `e`) rather than from G.

    L_D = E sp(-D(x, E(x))) + E sp(D(G(z), z)); G and E minimise E sp(D(x, E(x))) + E sp(-D(G(z), z)) together, with
    sp(t) = log(1 + e^t). A `stochastic` encoder draws its latent as mean + std * noise, where the noise has the law of
    the latents (Gaussian if they are); a `deterministic` encoder returns the mean, which is BiGAN (Donahue et al. 2017,
    arXiv:1605.09782). The paper's experiment on Gaussians updates all networks at once: use a schedule in
    `simultaneous` order. The measure is the mean over the coordinates of (x - G(E(x)))^2, at the mean of E(x), in the
    network's own range.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Dumoulin et al. 2017, arXiv:1606.00704, Algorithm 1, and the authors' code"
    needs: ClassVar[frozenset[str]] = frozenset({"joint"})
    scores_samples: ClassVar[bool] = False
    others: ClassVar[tuple[str, ...]] = ("e",)
    g_moves: ClassVar[tuple[str, ...]] = ("g", "e")
    measures: ClassVar[Mapping[str, Better]] = MappingProxyType({"reconstruction_error": "lower"})

    encoder: Literal["stochastic", "deterministic"] = "stochastic"

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        real, fake = self.scores(net, batch)
        return {"real": softplus(-real).mean(), "fake": softplus(fake).mean()}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        real, fake = self.scores(net, batch)
        return {"real": softplus(real).mean(), "fake": softplus(-fake).mean()}

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        return {"encoder": Draw((n,), "latent")} if self.encoder == "stochastic" else {}

    def measure(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        error = batch.x - net.g(net["e"](batch.x))
        return {"reconstruction_error": error.flatten(1).square().mean(1)}

    def scores(self, net: Players, batch: Batch) -> tuple[Tensor, Tensor]:
        """D's scores of pairs from the encoder and of pairs from the generator."""
        noise = (batch.noise["encoder"],) if self.encoder == "stochastic" else ()
        inferred = net["e"](batch.x, *noise)
        return net.d.part("joint", batch.x, inferred), net.d.part("joint", net.g(batch.z), batch.z)

    def decision_boundary(self) -> DecisionBoundary:
        return LOGITS

    def conflict(self, spec: RunSpec) -> str | None:
        return "its D judges pairs of one sample and its latent: set pac to 1" if spec.network.pac > 1 else None
