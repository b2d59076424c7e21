"""The fully connected pair of the plain GANs in EBGAN's grid search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import nn

from ganbench.component import Count
from ganbench.networks.parts import layers, weights
from ganbench.networks.parts.discriminators import FEATURES, Discriminator
from ganbench.networks.parts.ebgan import EBGANGrid

if TYPE_CHECKING:
    from ganbench.datasets.base import Space


@dataclass(frozen=True, kw_only=True)
class GridMLP(EBGANGrid):
    """G has `g_layers` linear layers and D `d_layers`, of which the last one gives the score.

    These are the paper's nLayerG, nLayerD, sizeG and sizeD, for points and images. `autoencoder_mlp` has the same G and
    the same hidden layers of D, but a decoder instead of the score. Hidden layers have ReLU, after batch norm if the
    run has it. G's output is tanh for images and linear for points. The defaults are the sizes of the paper's best GAN.
    Dropout is as in `autoencoder_mlp`: 0.5 for the paper's dropoutD.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhao, Mathieu and LeCun 2017, arXiv:1609.03126, table 1 and appendix"
    parts: ClassVar[frozenset[str]] = FEATURES

    g_width: Count = 1600

    def discriminator(self, space: Space) -> nn.Module:
        out = layers.uninitialised(nn.Linear, self.d_width, 1)
        net = Discriminator(nn.Flatten(), *self.d_hidden(space), out, nn.Flatten(0))
        weights.initialise(net, weights.normal(self.d_std))
        return self.with_dropout(net, inputs=False)
