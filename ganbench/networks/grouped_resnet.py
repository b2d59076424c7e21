"""R3GAN's pair: residual bottlenecks of grouped convolutions, without normalisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.parts.discriminators import FEATURES, Discriminator
from ganbench.networks.parts.grouped import BASE, Basis, Bottlenecks, Resample, filled, pixelwise
from ganbench.networks.parts.layers import uninitialised
from ganbench.networks.parts.spaces import described, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class GroupedResNet(Network):
    """Stages of `blocks` residual bottlenecks at each side from 4 to the image's, all `width` channels wide.

    A bottleneck: kernel 1 to `expansion` times the channels, kernel 3 in `cardinality` groups, kernel 1 back, which
    starts at 0; leaky ReLU with offsets between them. G scales learned maps of 4x4 by a linear function of the latent;
    D's last map is weighed by a depthwise kernel of 4x4. The defaults are the authors' for CIFAR-10, unconditional: at
    32x32x3 G has 20,732,160 parameters and D 20,683,776. G ends in a tanh here; the authors' G has none.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Huang et al. 2024, arXiv:2501.05441, section 4, and the authors' code (brownvc/R3GAN)"
    parts: ClassVar[frozenset[str]] = FEATURES

    z: Count = 64
    width: Count = 768  # channels
    blocks: Count = 2  # of each stage
    cardinality: Count = 96
    expansion: Count = 2

    def generator(self, space: Space) -> nn.Module:
        stages, bottlenecks = self._stages(space), self._bottlenecks(space)
        net = [filled(uninitialised(nn.Linear, self.z, self.width, bias=False)), Basis(self.width)]
        for stage in range(stages):
            net += [*([Resample(up=True)] if stage else []), *bottlenecks.stage()]
        return nn.Sequential(*net, filled(pixelwise(self.width, space.shape[0])), nn.Tanh())

    def discriminator(self, space: Space) -> nn.Module:
        stages, bottlenecks, width = self._stages(space), self._bottlenecks(space), self.width
        net = [filled(pixelwise(space.shape[0], width))]
        for stage in range(stages):
            net += [*([Resample(up=False)] if stage else []), *bottlenecks.stage()]
        weighed = uninitialised(nn.Conv2d, width, width, BASE, groups=width, bias=False)
        score = uninitialised(nn.Linear, width, 1, bias=False)
        return Discriminator(*net, filled(weighed), nn.Flatten(), filled(score), nn.Flatten(0))

    def unsupported(self, space: Space) -> str | None:
        length = side(space)
        if length >= 2 * BASE and length & (length - 1) == 0:
            return None
        return f"grouped_resnet takes square images of side 8, 16, 32, 64 and so on, not {described(space)}: use mlp"

    def conflict(self, spec: RunSpec) -> str | None:
        if self.batchnorm != "none":
            return "it is a pair without normalisation: use batchnorm none"
        if self.width * self.expansion % self.cardinality:
            channels = self.width * self.expansion
            return (
                f"{channels} channels are no {self.cardinality} equal groups: use a cardinality that divides {channels}"
            )
        return None

    def _stages(self, space: Space) -> int:
        return side(space).bit_length() - BASE.bit_length() + 1

    def _bottlenecks(self, space: Space) -> Bottlenecks:
        total = self.blocks * self._stages(space)
        return Bottlenecks(self.width, self.expansion, self.cardinality, self.blocks, total)
