"""Fully connected pairs, for points and small images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Positive
from ganbench.networks.parts import layers as layers
from ganbench.networks.parts.minibatch import MinibatchNetwork
from ganbench.networks.parts.reader import READER, reader
from ganbench.networks.parts.spectral import spectral

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class MLP(MinibatchNetwork):
    """Hidden linear layers of the given widths, batch norm where the run has it, activation; then a linear output.

    The output of G is tanh for images and linear for points. The defaults are the pair of LSGAN's mixture experiment.
    A layer before batch norm has no bias, since the offset takes its place.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mao et al. 2017, arXiv:1611.04076, the authors' code for the mixture of Gaussians"
    parts: ClassVar[frozenset[str]] = layers.FEATURES
    others: ClassVar[frozenset[str]] = READER

    z: Count = 256
    g_widths: tuple[Count, ...] = (128, 128)
    d_widths: tuple[Count, ...] = (128, 128)  # units; a maxout unit is the largest of `pieces` linear ones
    g_activation: Literal["tanh", "relu", "leaky_relu", "softplus"] = "tanh"
    d_activation: Literal["tanh", "relu", "leaky_relu", "softplus", "maxout"] = "tanh"
    pieces: Count = 5  # of maxout
    init: Literal["orthogonal", "normal", "glorot", "he", "torch"] = "orthogonal"
    gain: Positive = 1.4  # of orthogonal
    init_std: Positive = 0.02  # of normal
    d_input_scale: Positive = 1.0  # D sees x / d_input_scale
    spectral: bool = False  # spectral norm on every layer of D

    def generator(self, space: Space) -> nn.Module:
        widths = (self.z, *self.g_widths)
        hidden = layers.hidden(widths, layers.ACTIVATIONS[self.g_activation], norm=self.g_batchnorm)
        out = layers.blank(nn.Linear, widths[-1], math.prod(space.shape))
        squash = [nn.Tanh()] if space.is_image else []
        return layers.initialise(nn.Sequential(*hidden, out, *squash, nn.Unflatten(1, space.shape)), self._weight())

    def discriminator(self, space: Space) -> nn.Module:
        widths = (math.prod(space.shape), *self.d_widths)
        maxout, pieces = lambda: layers.Maxout(self.pieces), self.pieces if self.d_activation == "maxout" else 1
        activation = layers.ACTIVATIONS.get(self.d_activation, maxout)
        hidden = layers.hidden(widths, activation, norm=self.d_batchnorm, pieces=pieces)
        scale = [layers.Divide(self.d_input_scale)] if self.d_input_scale != 1 else []
        stack = (nn.Flatten(), *scale, *hidden, self.score(widths[-1]), nn.Flatten(0))
        net = layers.initialise(layers.Discriminator(*stack), self._weight())
        return spectral(net) if self.spectral else net

    def other(self, name: str, space: Space) -> nn.Module:
        features = (math.prod(space.shape), *self.d_widths)[-1]
        return layers.initialise(reader(features, self.z, norm=self.d_batchnorm), self._weight())

    def unsupported(self, space: Space) -> str | None:
        return None

    def conflict(self, spec: RunSpec) -> str | None:
        return layers.SINGLE if self.batchnorm != "none" and spec.batch < 2 else None

    def _weight(self) -> layers.Fill:
        return {
            "orthogonal": layers.orthogonal(self.gain),
            "normal": layers.normal(self.init_std),
            "glorot": layers.glorot,
            "he": layers.he,
            "torch": layers.torch_default,
        }[self.init]
