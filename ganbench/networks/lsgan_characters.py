"""LSGAN's conditional pair for thousands of characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.parts import layers, normalisation, weights
from ganbench.networks.parts.convolutions import Kernel, double, halve
from ganbench.networks.parts.discriminators import FEATURES
from ganbench.networks.parts.labels import ConditionalStages, unlabelled
from ganbench.networks.parts.spaces import described

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec

KERNEL = Kernel(5, tf_same=True)
LEAK = 0.2


@dataclass(frozen=True, kw_only=True)
class LSGANCharacters(Network):
    """For 28x28x1 and any number of classes. Each network maps the one-hot label linearly to a code of `code` numbers.

    In G the code is concatenated to the latent only; in D to the input of every layer but the first, so not to the
    image. As in the authors' code the first convolution of D has 1 + `code` channels and the second `d_width` + `code`:
    257 and 320. Batch norm follows every layer but G's last and D's first and last. The published pair has it in both
    networks, and 3740 classes: 9,417,857 parameters in G, 21,392,155 in D.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mao et al. 2017, arXiv:1611.04076, the authors' code for Chinese characters"
    parts: ClassVar[frozenset[str]] = FEATURES
    conditional: ClassVar[bool] = True
    pixel_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    z: Count = 1024
    prior: Literal["normal", "uniform"] = "uniform"
    code: Count = 256
    g_width: Count = 128
    d_width: Count = 64
    units: Count = 1024

    def generator(self, space: Space) -> nn.Module:
        width, norm = self.g_width, normalisation.norm(batch=self.g_batchnorm)
        top = 49 * width
        stage = nn.Sequential(
            layers.uninitialised(nn.Linear, self.z + self.code, top),
            *layers.activated(nn.ReLU(), top, norm),
            nn.Unflatten(1, (width, 7, 7)),
            *double(KERNEL, 14, width, width),
            *layers.activated(nn.ReLU(), width, norm),
            *double(KERNEL, 28, width, 1),
            nn.Sigmoid(),
        )
        net = ConditionalStages(space.classes, [stage], width=self.code)
        return weights.initialise(net, weights.lsgan, gain_std=0.02)

    def discriminator(self, space: Space) -> nn.Module:
        first, second = space.shape[0] + self.code, self.d_width + self.code
        norm = normalisation.norm(batch=self.d_batchnorm)
        plain = nn.Sequential(*halve(KERNEL, 28, space.shape[0], first), nn.LeakyReLU(LEAK))
        stages = [
            nn.Sequential(
                *halve(KERNEL, 14, first + self.code, second),
                *layers.activated(nn.LeakyReLU(LEAK), second, norm),
                nn.Flatten(),
            ),
            nn.Sequential(
                layers.uninitialised(nn.Linear, 49 * second + self.code, self.units),
                *layers.activated(nn.LeakyReLU(LEAK), self.units, norm),
            ),
            nn.Sequential(layers.uninitialised(nn.Linear, self.units + self.code, 1), nn.Flatten(0)),
        ]
        net = ConditionalStages(space.classes, stages, width=self.code, plain=plain)
        return weights.initialise(net, weights.lsgan, gain_std=0.02)

    def unsupported(self, space: Space) -> str | None:
        if space.shape == (1, 28, 28):
            return unlabelled(self.kind(), space)
        other = "conditional_mlp" if space.classes >= 2 else "mlp"
        return f"lsgan_characters takes images of shape 1x28x28 with labels, not {described(space)}: use {other}"

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None
