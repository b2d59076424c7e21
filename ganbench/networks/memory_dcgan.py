"""The convolutional pairs of MemoryGAN, whose discriminator queries a memory."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Positive
from ganbench.networks.base import Network
from ganbench.networks.parts import layers, normalisation, weights
from ganbench.networks.parts.convolutions import Kernel, double, halve
from ganbench.networks.parts.discriminators import QUERY, QueryDiscriminator
from ganbench.networks.parts.normalisation import Norm
from ganbench.networks.parts.spaces import described, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec

KERNEL = Kernel(4, tf_same=True)


@dataclass(frozen=True, kw_only=True)
class MemoryDCGAN(Network):
    """The authors' networks for Fashion-MNIST (28x28) and affine-MNIST (40x40), for square images of other sides too.

    D: three convolutions of stride 2 with `width` channels, twice and four times as many, and one over the whole map
    to the query of `key` dimensions. G of `fashion`: linear layers to `units` and to a quarter of the side, two
    transposed convolutions. `affine`: D has a convolution of kernel 1 after the second and third; G has a linear layer
    to an eighth of the side and D's layers in reverse. D and G's first layer have leaky ReLU, the rest of G has ReLU
    and ends in a sigmoid. Batch norm follows every layer, the query too, but D's first and G's last. With `memory_gan`
    the first `key` of the z latents are a key of the memory, the others the noise.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Kim, Song and Kim 2018, arXiv:1803.01500, the authors' code (whyjay/memoryGAN)"
    parts: ClassVar[frozenset[str]] = QUERY
    pixel_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    z: Count = 258
    prior: Literal["normal", "uniform"] = "uniform"
    key: Count = 256
    form: Literal["fashion", "affine"] = "fashion"
    width: Count = 64
    units: Count = 1024
    init_std: Positive = 0.02  # of the weights, drawn from a truncated normal

    def generator(self, space: Space) -> nn.Module:
        norm, upwards = normalisation.norm(batch=self.g_batchnorm), self._upwards
        base, top = side(space) // 2 ** len(upwards), upwards[0]
        leaky, relu, flat = layers.ACTIVATIONS["leaky_relu"], nn.ReLU, top * base**2
        stack = layers.hidden((self.z, self.units if self.form == "fashion" else flat), leaky, norm=self.g_batchnorm)
        if self.form == "fashion":
            stack += layers.hidden((self.units, flat), relu, norm=self.g_batchnorm)
        stack.append(nn.Unflatten(1, (top, base, base)))
        for inputs, outputs in pairwise(upwards):
            stack += [*double(KERNEL, 2, inputs, outputs, norm is None), *layers.activated(relu(), outputs, norm)]
            stack += self._pointwise(outputs, relu(), norm)
        stack += [*double(KERNEL, 2, upwards[-1], space.shape[0]), nn.Sigmoid()]
        return weights.initialise(nn.Sequential(*stack), weights.truncated_normal(self.init_std))

    def discriminator(self, space: Space) -> nn.Module:
        norm, leaky, size = normalisation.norm(batch=self.d_batchnorm), nn.LeakyReLU(0.2), side(space)
        channels = (space.shape[0], self.width, 2 * self.width, 4 * self.width)
        stack: list[nn.Module] = []
        for inputs, outputs in pairwise(channels):
            own = norm if stack else None
            pointwise = self._pointwise(outputs, leaky, norm) if stack else []
            stack += halve(KERNEL, size, inputs, outputs, own is None)
            stack += [*layers.activated(leaky, outputs, own), *pointwise]
            size = (size + 1) // 2
        query = layers.uninitialised(nn.Conv2d, channels[-1], self.key, size, bias=norm is None)
        stack += [query, *([] if norm is None else [norm(self.key)]), nn.Flatten()]
        return QueryDiscriminator(weights.initialise(nn.Sequential(*stack), weights.truncated_normal(self.init_std)))

    def unsupported(self, space: Space) -> str | None:
        unit = 2 ** len(self._upwards)
        if side(space) >= 8 and side(space) % unit == 0:
            return None
        return f"memory_dcgan takes square images of a side divisible by {unit}, not {described(space)}: use memory_mlp"

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None

    @property
    def _upwards(self) -> tuple[int, ...]:
        """The channels of G's maps, the smallest map first; each stage doubles the side."""
        return (2 * self.width,) * 2 if self.form == "fashion" else (4 * self.width, 2 * self.width, self.width)

    def _pointwise(self, channels: int, activation: nn.Module, norm: Norm | None) -> list[nn.Module]:
        """A convolution of kernel 1, in the `affine` pair only."""
        if self.form == "fashion":
            return []
        layer = layers.uninitialised(nn.Conv2d, channels, channels, 1, bias=norm is None)
        return [layer, *layers.activated(activation, channels, norm)]
