"""Fully connected pairs, for points and small images."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Positive
from ganbench.networks import _layers as layers
from ganbench.networks.base import Network

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class MLP(Network):
    """Hidden linear layers of the given widths, batch norm where the run has it, activation; then a linear output.

    The output of G is tanh for images and linear for points. The defaults are the pair of LSGAN's mixture experiment.
    A layer before batch norm has no bias, since the offset takes its place.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mao et al. 2017, arXiv:1611.04076, the authors' code for the mixture of Gaussians"

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

    def generator(self, space: Space) -> nn.Module:
        widths = (self.z, *self.g_widths)
        hidden = _hidden(widths, layers.ACTIVATIONS[self.g_activation], norm=self.g_batchnorm)
        out = layers.blank(nn.Linear, widths[-1], math.prod(space.shape))
        squash = [nn.Tanh()] if space.is_image else []
        return layers.initialise(nn.Sequential(*hidden, out, *squash, nn.Unflatten(1, space.shape)), self._weight())

    def discriminator(self, space: Space) -> nn.Module:
        widths = (math.prod(space.shape), *self.d_widths)
        if self.d_activation == "maxout":
            hidden = _hidden(widths, lambda: layers.Maxout(self.pieces), norm=self.d_batchnorm, pieces=self.pieces)
        else:
            hidden = _hidden(widths, layers.ACTIVATIONS[self.d_activation], norm=self.d_batchnorm)
        scale = [layers.Divide(self.d_input_scale)] if self.d_input_scale != 1 else []
        out = layers.blank(nn.Linear, widths[-1], 1)
        return layers.initialise(nn.Sequential(nn.Flatten(), *scale, *hidden, out, nn.Flatten(0)), self._weight())

    def misfit(self, space: Space) -> str | None:
        return None

    def objection(self, spec: RunSpec) -> str | None:
        if self.batchnorm != "none" and spec.batch < 2:
            return "batch norm after a linear layer has no statistics of a batch of 1: use a batch of at least 2"
        return None

    def _weight(self) -> layers.Fill:
        return {
            "orthogonal": layers.orthogonal(self.gain),
            "normal": layers.normal(self.init_std),
            "glorot": layers.glorot,
            "he": layers.he,
            "torch": layers.torch_default,
        }[self.init]


def _hidden(
    widths: tuple[int, ...], activation: Callable[[], nn.Module], *, norm: bool, pieces: int = 1
) -> list[nn.Module]:
    """The hidden layers between consecutive widths."""
    stack: list[nn.Module] = []
    for inputs, units in pairwise(widths):
        stack.append(layers.blank(nn.Linear, inputs, units * pieces, bias=not norm))
        stack += [layers.BatchNorm(units * pieces)] if norm else []
        stack.append(activation())
    return stack
