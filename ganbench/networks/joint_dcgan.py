"""Convolutional networks for ALI and VEEGAN: a generator, an encoder and a discriminator of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Fraction
from ganbench.networks.base import Network
from ganbench.networks.parts import layers as layers
from ganbench.networks.parts import pyramid as _pyramid
from ganbench.networks.parts.convolutions import Kernel
from ganbench.networks.parts.joint import ENCODER, JOINT, Encoder, JointDiscriminator
from ganbench.networks.parts.spaces import HALVED, described, halvings, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec

KERNEL = Kernel(5)


@dataclass(frozen=True, kw_only=True)
class JointDCGAN(Network):
    """`dcgan`'s pair, whose D judges a sample's last map beside `units` made of the latent, in two more layers.

    The encoder `e` has D's convolutions, with weights of its own, and a linear layer to a mean and a standard
    deviation. D's latent and pair have a hidden layer of `units` each. Leaky ReLU in D and in the encoder. Batch norm,
    where G has it, is in the encoder too; it follows every hidden layer but the first convolution of D and encoder, and
    a convolution before it has no bias. The parts are ALI's, x and z in layers of their own, then both; sizes DCGAN's.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Dumoulin et al. 2017 (ALI), arXiv:1606.00704, appendix A, in the shape of DCGAN"
    parts: ClassVar[frozenset[str]] = JOINT
    others: ClassVar[frozenset[str]] = ENCODER

    prior: Literal["normal", "uniform"] = "normal"
    width: Count = 64  # channels next to the image, each next layer twice as many, up to 8 times
    units: Count = 1024
    leak: Fraction = 0.2  # slope of leaky ReLU below 0

    def generator(self, space: Space) -> nn.Module:
        net = _pyramid.generator(self._pyramid(space), self.z, layers.norm(batch=self.g_batchnorm))
        return layers.initialise(net, layers.normal(0.02))

    def discriminator(self, space: Space) -> nn.Module:
        trunk, features = self._trunk(space, batchnorm=self.d_batchnorm)
        score = layers.blank(nn.Linear, self.units, 1)
        net = JointDiscriminator(
            self.z,
            sample=trunk,
            latent=nn.Sequential(*self._hidden(self.z)),
            pair=nn.Sequential(*self._hidden(features + self.units), score, nn.Flatten(0)),
        )
        return layers.initialise(net, layers.normal(0.02))

    def other(self, name: str, space: Space) -> nn.Module:
        trunk, features = self._trunk(space, batchnorm=self.g_batchnorm)
        told = layers.blank(nn.Linear, features, 2 * self.z)
        return layers.initialise(Encoder(nn.Sequential(trunk, told)), layers.normal(0.02))

    def unsupported(self, space: Space) -> str | None:
        if halvings(side(space)):
            return None
        return f"joint_dcgan takes {HALVED}, not {described(space)}: use joint_mlp"

    def conflict(self, spec: RunSpec) -> str | None:
        return layers.SINGLE if self.d_batchnorm and spec.batch < 2 else None

    def _pyramid(self, space: Space) -> _pyramid.Pyramid:
        sides = halvings(side(space))
        hidden = (self.width * min(2**stage, 8) for stage in range(len(sides) - 1))
        return _pyramid.Pyramid(sides=sides, channels=(space.shape[0], *hidden), kernel=KERNEL, leak=self.leak)

    def _trunk(self, space: Space, *, batchnorm: bool) -> tuple[nn.Module, int]:
        """The convolutions of D, flattened, and how many numbers they give."""
        pyramid = self._pyramid(space)
        *trunk, _, _ = _pyramid.discriminator(pyramid, layers.norm(batch=batchnorm)).children()
        return nn.Sequential(*trunk), pyramid.channels[-1] * pyramid.sides[-1] ** 2

    def _hidden(self, inputs: int) -> list[nn.Module]:
        return layers.hidden((inputs, self.units), lambda: nn.LeakyReLU(self.leak), norm=self.d_batchnorm)
