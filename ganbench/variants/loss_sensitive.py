"""Loss-sensitive GAN of Qi (not the least squares GAN, which has the same initials)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from torch import Tensor
from torch.nn.functional import relu, softplus

from ganbench.component import NonNegative, Search
from ganbench.variants.base import Batch, LossTerms, Players, Variant

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class LossSensitiveGAN(Variant):
    """D is a loss L >= 0 that is low for reals, and higher for fakes by a margin that grows with their distance.

    L_D = gamma E L(x) + E relu(margin_weight ||x - G(z)||_1 + L(x) - L(G(z))), L_G = E L(G(z)). Real and fake are
    paired by index; the distance is summed over all pixels. The paper also has gamma > 0; the author's code, whose
    constants are the defaults here, leaves that term out, as the theory allows. `output` maps D's raw score to L:
    `relu` is the author's choice, `softplus` has a gradient everywhere.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Qi 2017, arXiv:1701.06264, and the author's code"

    gamma: NonNegative = 0.0
    margin_weight: Annotated[NonNegative, Search(1e-5, 1e-2, log=True)] = 2e-4
    output: Literal["relu", "softplus"] = "relu"

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        fakes = net.g(batch.z)
        real, fake = self._loss(net.d(batch.x)), self._loss(net.d(fakes))
        margin = self.margin_weight * (batch.x - fakes).abs().flatten(1).sum(1)
        return {"real": self.gamma * real.mean(), "margin": relu(margin + real - fake).mean()}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {"fake": self._loss(net.d(net.g(batch.z))).mean()}

    def scores(self, net: Players, batch: Batch) -> tuple[Tensor, Tensor]:
        return -net.d(batch.x), -net.d(net.g(batch.z))

    def conflict(self, spec: RunSpec) -> str | None:
        if self.output == "relu" and not spec.network.d_batchnorm:
            return (
                "without batch norm in D all scores may be negative, where relu has no gradient and learning stops; "
                "use output softplus, or batchnorm discriminator or both"
            )
        return None

    def _loss(self, score: Tensor) -> Tensor:
        return relu(score) if self.output == "relu" else softplus(score)
