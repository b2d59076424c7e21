"""The fully connected pair of the GANs that EBGAN's grid compares with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import nn

from ganbench.component import Count
from ganbench.networks.parts import layers as layers
from ganbench.networks.parts.grid import Grid

if TYPE_CHECKING:
    from ganbench.datasets.base import Space


@dataclass(frozen=True, kw_only=True)
class GridMLP(Grid):
    """G has `g_layers` linear layers and D `d_layers`, of which the last one gives the score.

    The paper's nLayerG, nLayerD, sizeG and sizeD, for points and images: `autoencoder_mlp` has the same G and the same
    hidden layers of D, but a decoder in the place of the score. Hidden layers have ReLU, after batch norm where the run
    has it. G's output is tanh for images and linear for points. The defaults are the sizes of the paper's best GAN.
    Dropout is as in `autoencoder_mlp`: 0.5 for the paper's dropoutD.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhao, Mathieu and LeCun 2017, arXiv:1609.03126, table 1 and appendix"
    parts: ClassVar[frozenset[str]] = layers.FEATURES

    g_width: Count = 1600

    def discriminator(self, space: Space) -> nn.Module:
        out = layers.blank(nn.Linear, self.d_width, 1)
        net = layers.Discriminator(nn.Flatten(), *self.d_hidden(space), out, nn.Flatten(0))
        layers.initialise(net, layers.normal(self.d_std))
        return self.thinned(net, inputs=False)
