"""The objective of R3GAN: a relativistic GAN with penalties on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from torch.nn.functional import softplus

from ganbench.component import Annealable, NonNegative, Search
from ganbench.penalties.base import input_gradient_conflict, scored, squared_norm
from ganbench.variants.base import Batch, LossTerms, Players, Variant
from ganbench.variants.parts.relativistic import paired_g

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class R3GAN(Variant):
    """L_D = E sp(-(r - f)) + gamma/2 (E ||grad D(x)||^2 + E ||grad D(G(z))||^2), L_G = E sp(-(f - r)).

    Real and fake are paired by index, sp(t) = log(1 + e^t), and norms are over all pixels of a sample. The authors
    start with a `gamma` of 0.05 (CIFAR-10) to 150 (FFHQ at 256) and let it fall to a tenth along a cosine, as in
    `gamma: {from: 0.05, to: 0.005, shape: cosine}`.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Huang et al. 2024, The GAN is dead; long live the GAN, arXiv:2501.05441"

    gamma: Annotated[Annealable[NonNegative], Search(0.1, 100.0, log=True)] = 10.0

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        real, fake = scored(net.d, batch.x), scored(net.d, net.g(batch.z))
        return {
            "pairs": softplus(fake.score - real.score).mean(),
            "real_penalty": self.gamma / 2 * squared_norm(real.gradient).mean(),
            "fake_penalty": self.gamma / 2 * squared_norm(fake.gradient).mean(),
        }

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return paired_g(net, batch)

    def conflict(self, spec: RunSpec) -> str | None:
        return input_gradient_conflict(spec)
