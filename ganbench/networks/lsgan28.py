"""The pair of LSGAN's experiment on datasets with small variability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.parts import layers, normalisation, weights
from ganbench.networks.parts.convolutions import Kernel, double, halve
from ganbench.networks.parts.discriminators import FEATURES, Discriminator
from ganbench.networks.parts.spaces import described, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec

KERNEL = Kernel(5, tf_same=True)
LEAK = 0.2


@dataclass(frozen=True, kw_only=True)
class LSGAN28(Network):
    """DCGAN's generator from 4x4 over 7x7 and 14x14 to 28x28, against LeNet as the discriminator.

    With width w, G has a linear layer to 4w channels and three transposed convolutions, to 2w, w and the image. D has
    convolutions to 20 and 50 channels and a layer of `units`. Batch norm follows every layer but G's last and D's first
    and last; in the experiment both networks have it. The first one in G is per feature, not per channel. At 28x28x1 G
    has 4,926,977 parameters and D 1,251,571, not counting batch norm. Sides are multiples of 4, and half of an odd side
    is rounded up.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mao et al. 2018, arXiv:1712.06391, the authors' code for datasets with small variability"
    parts: ClassVar[frozenset[str]] = FEATURES

    prior: Literal["normal", "uniform"] = "uniform"
    width: Count = 128
    units: Count = 500

    def generator(self, space: Space) -> nn.Module:
        whole, w, norm = side(space), self.width, normalisation.norm(batch=self.g_batchnorm)
        half, quarter, eighth = whole // 2, whole // 4, (whole // 4 + 1) // 2
        top = 4 * w * eighth**2
        net = nn.Sequential(
            layers.uninitialised(nn.Linear, self.z, top),
            *layers.activated(nn.ReLU(), top, norm),
            nn.Unflatten(1, (4 * w, eighth, eighth)),
            *double(KERNEL, quarter, 4 * w, 2 * w),
            *layers.activated(nn.ReLU(), 2 * w, norm),
            *double(KERNEL, half, 2 * w, w),
            *layers.activated(nn.ReLU(), w, norm),
            *double(KERNEL, whole, w, space.shape[0]),
            nn.Tanh(),
        )
        return weights.initialise(net, weights.lsgan, gain_std=0.02)

    def discriminator(self, space: Space) -> nn.Module:
        whole, norm = side(space), normalisation.norm(batch=self.d_batchnorm)
        net = Discriminator(
            *halve(KERNEL, whole, space.shape[0], 20),
            nn.LeakyReLU(LEAK),
            *halve(KERNEL, whole // 2, 20, 50),
            *layers.activated(nn.LeakyReLU(LEAK), 50, norm),
            nn.Flatten(),
            layers.uninitialised(nn.Linear, 50 * (whole // 4) ** 2, self.units),
            *layers.activated(nn.LeakyReLU(LEAK), self.units, norm),
            layers.uninitialised(nn.Linear, self.units, 1),
            nn.Flatten(0),
        )
        return weights.initialise(net, weights.lsgan, gain_std=0.02)

    def unsupported(self, space: Space) -> str | None:
        if side(space) >= 8 and side(space) % 4 == 0:
            return None
        return f"lsgan28 takes square images whose side is a multiple of 4, from 8, not {described(space)}: use mlp"

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None
