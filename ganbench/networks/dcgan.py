"""DCGAN's convolutional pair, for square images of any common size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Fraction, Index, Positive
from ganbench.networks.parts import convolutions, normalisation, weights
from ganbench.networks.parts.convolutions import Kernel
from ganbench.networks.parts.discriminators import FEATURES, RECOGNITION, recognition_network
from ganbench.networks.parts.minibatch import MinibatchNetwork
from ganbench.networks.parts.normalisation import WithReferenceBatch, reference_latents
from ganbench.networks.parts.spaces import HALVED, described, halvings, side
from ganbench.networks.parts.spectral import spectral

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class DCGAN(MinibatchNetwork):
    """Strided convolutions down to a small map (D), and transposed convolutions up from it (G).

    The image is halved at least twice and until its side is 7 or less: 64 -> 4 (as in the paper), 28 -> 7, 8 -> 2.
    The hidden layer next to the image has `width` channels, each next one twice as many, up to 8 times `width`. Batch
    norm follows every layer but G's last and D's first and last; a convolution before it has no bias. The authors'
    code has `width=128`; small images need much less.

    WGAN-GP's difficult architectures are options: no batch norm, `constant_width`, `activation`. With `gated` each
    hidden layer has twice the channels, half of which gate the others.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Radford et al. 2016, arXiv:1511.06434, section 3 and the authors' code"
    parts: ClassVar[frozenset[str]] = FEATURES
    others: ClassVar[frozenset[str]] = RECOGNITION

    prior: Literal["normal", "uniform"] = "uniform"
    width: Count = 64
    constant_width: bool = False  # every hidden layer of G has `width` channels
    kernel: Literal[3, 4, 5] = 5
    activation: Literal["relu", "tanh", "gated"] = "relu"  # relu is leaky in D
    leak: Fraction = 0.2  # slope of D's leaky ReLU below 0
    layer_norm: bool = False  # in D, instead of batch norm
    virtual_norm: Index = 0  # in G, instead of batch norm: the size of the reference batch; 0 is none
    spectral: bool = False  # spectral norm on every layer of D
    padding: Literal["torch", "tf_same"] = "torch"  # torch: symmetric; both are the same with kernel 4
    init_std: Positive = 0.02  # of the weights, and of the batch norm gains around 1

    def generator(self, space: Space) -> nn.Module:
        stages = self._stages(space)
        image, *hidden = stages.channels
        if self.constant_width:
            stages = replace(stages, channels=(image, *(self.width for _ in hidden)))
        norm = normalisation.norm(batch=self.g_batchnorm, virtual=self.virtual_norm)
        net = self._initialise(convolutions.generator(stages, self.z, norm))
        if not self.virtual_norm:
            return net
        return WithReferenceBatch(net, reference_latents(self.virtual_norm, self.z, self.prior))

    def discriminator(self, space: Space) -> nn.Module:
        norm = normalisation.norm(batch=self.d_batchnorm, layer=self.layer_norm)
        net = self._initialise(convolutions.discriminator(self._stages(space), norm, self.score))
        return spectral(net) if self.spectral else net

    def other(self, name: str, space: Space) -> nn.Module:
        features = self._stages(space).features
        return self._initialise(recognition_network(features, self.z, norm=self.d_batchnorm))

    def unsupported(self, space: Space) -> str | None:
        if halvings(side(space)):
            return None
        return f"dcgan takes {HALVED}, not {described(space)}: use mlp"

    def conflict(self, spec: RunSpec) -> str | None:
        if self.virtual_norm and self.g_batchnorm:
            return normalisation.VIRTUAL_AND_BATCH_NORM
        return normalisation.LAYER_AND_BATCH_NORM if self.layer_norm and self.d_batchnorm else None

    def _initialise(self, net: nn.Module) -> nn.Module:
        return weights.initialise(net, weights.normal(self.init_std), gain_std=self.init_std)

    def _stages(self, space: Space) -> convolutions.Stages:
        kernel = Kernel(self.kernel, tf_same=self.padding == "tf_same")
        stages = convolutions.dcgan_stages(space, self.width, kernel)
        return replace(stages, activation=self.activation, leak=self.leak)
