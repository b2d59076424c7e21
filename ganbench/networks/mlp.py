"""Fully connected pairs, for points and small images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Positive
from ganbench.networks.parts import layers, normalisation, weights
from ganbench.networks.parts.discriminators import FEATURES, RECOGNITION, Discriminator, recognition_network
from ganbench.networks.parts.minibatch import MinibatchNetwork
from ganbench.networks.parts.spectral import spectral

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class MLP(MinibatchNetwork):
    """Linear layers of the given widths, each with batch norm if the run has it and an activation; a linear output.

    The output of G is tanh for images and linear for points. The defaults are the pair of LSGAN's mixture experiment.
    A layer before batch norm has no bias, since batch norm adds an offset.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mao et al. 2017, arXiv:1611.04076, the authors' code for the mixture of Gaussians"
    parts: ClassVar[frozenset[str]] = FEATURES
    others: ClassVar[frozenset[str]] = RECOGNITION

    z: Count = 256
    g_widths: tuple[Count, ...] = (128, 128)
    d_widths: tuple[Count, ...] = (128, 128)  # units; a maxout unit is the largest of `pieces` linear units
    g_activation: Literal["tanh", "relu", "leaky_relu", "softplus"] = "tanh"
    d_activation: Literal["tanh", "relu", "leaky_relu", "softplus", "maxout"] = "tanh"
    pieces: Count = 5  # of maxout
    init: Literal["orthogonal", "normal", "glorot", "he", "torch"] = "orthogonal"
    gain: Positive = 1.4  # of orthogonal
    init_std: Positive = 0.02  # of normal
    d_input_scale: Positive = 1.0  # D divides its input by it
    spectral: bool = False  # spectral norm on every layer of D

    def generator(self, space: Space) -> nn.Module:
        widths = (self.z, *self.g_widths)
        hidden = layers.hidden(widths, layers.ACTIVATIONS[self.g_activation], norm=self.g_batchnorm)
        out = layers.uninitialised(nn.Linear, widths[-1], math.prod(space.shape))
        squash = [nn.Tanh()] if space.is_image else []
        return weights.initialise(nn.Sequential(*hidden, out, *squash, nn.Unflatten(1, space.shape)), self._rule())

    def discriminator(self, space: Space) -> nn.Module:
        widths = (math.prod(space.shape), *self.d_widths)
        pieces = self.pieces if self.d_activation == "maxout" else 1
        activation = layers.ACTIVATIONS.get(self.d_activation, lambda: layers.Maxout(self.pieces))
        hidden = layers.hidden(widths, activation, norm=self.d_batchnorm, pieces=pieces)
        scale = [layers.Divide(self.d_input_scale)] if self.d_input_scale != 1 else []
        stack = (nn.Flatten(), *scale, *hidden, self.score(widths[-1]), nn.Flatten(0))
        net = weights.initialise(Discriminator(*stack), self._rule())
        return spectral(net) if self.spectral else net

    def other(self, name: str, space: Space) -> nn.Module:
        features = (math.prod(space.shape), *self.d_widths)[-1]
        return weights.initialise(recognition_network(features, self.z, norm=self.d_batchnorm), self._rule())

    def unsupported(self, space: Space) -> str | None:
        return None

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None

    def _rule(self) -> weights.Fill:
        return {
            "orthogonal": weights.orthogonal(self.gain),
            "normal": weights.normal(self.init_std),
            "glorot": weights.glorot,
            "he": weights.he,
            "torch": weights.torch_default,
        }[self.init]
