"""DCGAN's convolutional pair, for square images of any usual size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Fraction, Positive
from ganbench.networks import _layers as layers
from ganbench.networks import _pyramid
from ganbench.networks.base import Network

if TYPE_CHECKING:
    from ganbench.datasets.base import Space


@dataclass(frozen=True, kw_only=True)
class DCGAN(Network):
    """Strided convolutions down to a small map (D), and transposed convolutions up from it (G).

    The image is halved at least twice and until its side is 7 or less: 64 -> 4 (as in the paper), 28 -> 7, 8 -> 2.
    The hidden layer next to the image has `width` channels, each next one twice as many, up to 8 times `width`. Batch
    norm follows every layer but G's last and D's first and last; a convolution before it has no bias. The authors'
    code has `width=128`; much smaller ones serve small images.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Radford et al. 2016, arXiv:1511.06434, section 3 and the authors' code"

    prior: Literal["normal", "uniform"] = "uniform"
    width: Count = 64
    kernel: Literal[3, 4, 5] = 5
    leak: Fraction = 0.2  # slope of D's leaky ReLU below 0
    padding: Literal["torch", "tf_same"] = "torch"  # torch: symmetric; with kernel 4 both are the same
    init_std: Positive = 0.02  # of the weights, and of the batch norm gains around 1

    def generator(self, space: Space) -> nn.Module:
        return self._initialise(_pyramid.generator(self._pyramid(space), self.z, self.g_batchnorm))

    def discriminator(self, space: Space) -> nn.Module:
        return self._initialise(_pyramid.discriminator(self._pyramid(space), self.d_batchnorm))

    def misfit(self, space: Space) -> str | None:
        if _sides(space):
            return None
        given = f"{'images' if space.is_image else 'points'} of shape {'x'.join(map(str, space.shape))}"
        return f"dcgan takes square images of side 8, 12, 16, 28, 32, 48, 64, 128 and the like, not {given}: use mlp"

    def _initialise(self, net: nn.Module) -> nn.Module:
        return layers.initialise(net, layers.normal(self.init_std), gain_std=self.init_std)

    def _pyramid(self, space: Space) -> _pyramid.Pyramid:
        sides = _sides(space)
        hidden = (self.width * min(2**stage, 8) for stage in range(len(sides) - 1))
        return _pyramid.Pyramid(
            sides=sides,
            channels=(space.shape[0], *hidden),
            kernel=self.kernel,
            leak=self.leak,
            tf_same=self.padding == "tf_same",
        )


def _sides(space: Space) -> tuple[int, ...]:
    """The sides of the maps from the image down; empty where the image is not square or can't be halved enough."""
    square = space.is_image and space.shape[1] == space.shape[2]
    return _pyramid.halvings(space.shape[1]) if square else ()
