"""Fully connected networks for ALI and VEEGAN: a generator, an encoder and a discriminator of pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import ADDED, Count
from ganbench.networks.base import Network
from ganbench.networks.mlp import MLP
from ganbench.networks.parts import normalisation
from ganbench.networks.parts.discriminators import ENCODER, JOINT, Encoder, JointDiscriminator, NoiseEncoder

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class JointMLP(Network):
    """G and the encoder `e` have ReLU layers; D takes a sample and a latent, concatenated. For points and images.

    The encoder gives a mean and a standard deviation (`e_noise: scaled`), or it maps a sample and noise, concatenated,
    to a latent (`input`). The output of G is tanh for images and linear for points. The encoder has batch norm if G has
    it; a layer before it has no bias. With `e_noise: input` and `batchnorm: generator` the defaults are the networks of
    ALI's experiment on 25 Gaussians. D has no dropout, which the authors' script for it turns off.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Dumoulin et al. 2017 (ALI), arXiv:1606.00704, its experiment on 25 Gaussians"
    parts: ClassVar[frozenset[str]] = JOINT
    others: ClassVar[frozenset[str]] = ENCODER

    z: Count = 2
    g_widths: tuple[Count, ...] = (400, 400, 400, 400)
    e_widths: tuple[Count, ...] = (400, 400)
    d_widths: tuple[Count, ...] = (200, 200, 200)  # units; a maxout unit is the largest of `pieces` linear units
    d_activation: Literal["tanh", "relu", "leaky_relu", "maxout"] = "maxout"
    pieces: Count = 5  # of maxout
    init: Literal["orthogonal", "normal", "glorot", "he"] = "normal"  # orthogonal with gain 1.4, normal with std 0.02
    e_noise: Literal["scaled", "input"] = field(default="scaled", metadata=ADDED)  # how noise enters the encoder

    def generator(self, space: Space) -> nn.Module:
        return self._stack(self.z, self.g_widths, space)

    def discriminator(self, space: Space) -> nn.Module:
        d = MLP(
            d_widths=self.d_widths,
            d_activation=self.d_activation,
            pieces=self.pieces,
            init=self.init,
            batchnorm=self.batchnorm,
        )
        pair = d.discriminator(replace(space, shape=(math.prod(space.shape) + self.z,)))
        return JointDiscriminator(self.z, sample=nn.Flatten(), latent=nn.Identity(), pair=pair)

    def other(self, name: str, space: Space) -> nn.Module:
        numbers = math.prod(space.shape)
        if self.e_noise == "input":
            return NoiseEncoder(self.z, self._stack(numbers + self.z, self.e_widths, replace(space, shape=(self.z,))))
        moments = self._stack(numbers, self.e_widths, replace(space, shape=(2 * self.z,)))
        return Encoder(nn.Sequential(nn.Flatten(), moments))

    def unsupported(self, space: Space) -> str | None:
        return None

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None

    def _stack(self, inputs: int, widths: tuple[int, ...], space: Space) -> nn.Module:
        net = MLP(z=inputs, g_widths=widths, g_activation="relu", init=self.init, batchnorm=self.batchnorm)
        return net.generator(space)
