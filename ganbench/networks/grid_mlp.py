"""The fully connected pair of the GANs that EBGAN's grid compares with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge
from torch import nn

from ganbench.component import Count, Positive
from ganbench.networks import _grid as grid
from ganbench.networks import _layers as layers
from ganbench.networks.base import Network

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class GridMLP(Network):
    """G has `g_layers` linear layers and D `d_layers`, of which the last one gives the score.

    The paper's nLayerG, nLayerD, sizeG and sizeD, for points and images: `autoencoder_mlp` has the same G and the same
    hidden layers of D, but a decoder in the place of the score. Hidden layers have ReLU, after batch norm where the run
    has it. G's output is tanh for images and linear for points. The defaults are the sizes of the paper's best GAN.
    Dropout is as in `autoencoder_mlp`: 0.5 for the paper's dropoutD.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhao, Mathieu and LeCun 2017, arXiv:1609.03126, table 1 and appendix"
    parts: ClassVar[frozenset[str]] = layers.FEATURES

    g_layers: Annotated[int, Ge(2)] = 5
    d_layers: Annotated[int, Ge(2)] = 2
    g_width: Count = 1600
    d_width: Count = 1024
    g_std: Positive = 0.02  # of the initial weights
    d_std: Positive = 0.002
    d_dropout: grid.Dropped = 0.0  # of D's hidden units, in training, when G moves too

    def generator(self, space: Space) -> nn.Module:
        widths = (self.z, *(self.g_width,) * (self.g_layers - 1))
        return grid.generator(widths, space, self.g_std, norm=self.g_batchnorm)

    def discriminator(self, space: Space) -> nn.Module:
        widths = (math.prod(space.shape), *(self.d_width,) * (self.d_layers - 1))
        hidden = layers.hidden(widths, nn.ReLU, norm=self.d_batchnorm)
        out = layers.blank(nn.Linear, self.d_width, 1)
        net = layers.Discriminator(nn.Flatten(), *hidden, out, nn.Flatten(0))
        layers.initialise(net, layers.normal(self.d_std))
        return grid.thinned(net, self.d_dropout, inputs=False)

    def misfit(self, space: Space) -> str | None:
        return None

    def objection(self, spec: RunSpec) -> str | None:
        return layers.SINGLE if self.batchnorm != "none" and spec.batch < 2 else None
