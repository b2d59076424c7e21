"""Convolutional networks for ALI and VEEGAN: a generator, an encoder and a discriminator of pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Fraction
from ganbench.networks.base import Network
from ganbench.networks.parts import convolutions, layers, normalisation, weights
from ganbench.networks.parts.convolutions import Kernel
from ganbench.networks.parts.discriminators import ENCODER, JOINT, Encoder, JointDiscriminator
from ganbench.networks.parts.spaces import HALVED, described, halvings, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec

KERNEL = Kernel(5)


@dataclass(frozen=True, kw_only=True)
class JointDCGAN(Network):
    """`dcgan`'s pair; D concatenates a sample's last map and `units` features of the latent, and has two more layers.

    The encoder `e` has convolutions like D's, with separate weights, and a linear layer to a mean and a standard
    deviation. In D the latent and the pair each have a hidden layer of `units`. D and the encoder have leaky ReLU. The
    encoder has batch norm if G has it. Batch norm follows every hidden layer but the first convolution of D and of the
    encoder; a convolution before it has no bias. The structure is ALI's, first x and z in separate layers, then both;
    the sizes are DCGAN's.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Dumoulin et al. 2017 (ALI), arXiv:1606.00704, appendix A, in the shape of DCGAN"
    parts: ClassVar[frozenset[str]] = JOINT
    others: ClassVar[frozenset[str]] = ENCODER

    prior: Literal["normal", "uniform"] = "normal"
    width: Count = 64  # channels of the layer next to the image; each next layer has twice as many, up to 8 times
    units: Count = 1024
    leak: Fraction = 0.2  # slope of leaky ReLU below 0

    def generator(self, space: Space) -> nn.Module:
        net = convolutions.generator(self._stages(space), self.z, normalisation.norm(batch=self.g_batchnorm))
        return weights.initialise(net, weights.normal(0.02))

    def discriminator(self, space: Space) -> nn.Module:
        trunk, features = self._trunk(space, batchnorm=self.d_batchnorm)
        score = layers.uninitialised(nn.Linear, self.units, 1)
        net = JointDiscriminator(
            self.z,
            sample=trunk,
            latent=nn.Sequential(*self._hidden(self.z)),
            pair=nn.Sequential(*self._hidden(features + self.units), score, nn.Flatten(0)),
        )
        return weights.initialise(net, weights.normal(0.02))

    def other(self, name: str, space: Space) -> nn.Module:
        trunk, features = self._trunk(space, batchnorm=self.g_batchnorm)
        moments = layers.uninitialised(nn.Linear, features, 2 * self.z)
        return weights.initialise(Encoder(nn.Sequential(trunk, moments)), weights.normal(0.02))

    def unsupported(self, space: Space) -> str | None:
        if halvings(side(space)):
            return None
        return f"joint_dcgan takes {HALVED}, not {described(space)}: use joint_mlp"

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.d_batchnorm and spec.batch < 2 else None

    def _stages(self, space: Space) -> convolutions.Stages:
        return replace(convolutions.dcgan_stages(space, self.width, KERNEL), leak=self.leak)

    def _trunk(self, space: Space, *, batchnorm: bool) -> tuple[nn.Module, int]:
        """The convolutions of D, with flattened output, and the number of features that they give."""
        stages = self._stages(space)
        *trunk, _, _ = convolutions.discriminator(stages, normalisation.norm(batch=batchnorm)).children()
        return nn.Sequential(*trunk), stages.features

    def _hidden(self, inputs: int) -> list[nn.Module]:
        return layers.hidden((inputs, self.units), lambda: nn.LeakyReLU(self.leak), norm=self.d_batchnorm)
