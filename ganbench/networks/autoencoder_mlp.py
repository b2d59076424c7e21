"""The fully connected pair of EBGAN's grid on MNIST, whose discriminator is an auto-encoder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import nn

from ganbench.component import Count
from ganbench.networks.parts import layers as layers
from ganbench.networks.parts.autoencoder import PARTS, AutoEncoder
from ganbench.networks.parts.grid import Grid

if TYPE_CHECKING:
    from ganbench.datasets.base import Space


@dataclass(frozen=True, kw_only=True)
class AutoencoderMLP(Grid):
    """G has `g_layers` linear layers; D has `d_layers`, of which the last is the decoder and the others the encoder.

    The paper's nLayerG, nLayerD, sizeG and sizeD, for points and images. Hidden layers have ReLU, after batch norm
    where the run has it (the paper has both; it exempts "the discriminator input layer", read as the input itself). The
    code is the last hidden layer of D. G's output is tanh for images and linear for points; D's is linear. The defaults
    are the paper's best EBGAN.

    Half of the paper's discriminators have dropout (dropoutD). It gives no rate: 0.5 is the default of Torch7, in which
    it was written. Here units are dropped where the next layer reads them, so that the code itself stays whole.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhao, Mathieu and LeCun 2017, arXiv:1609.03126, table 1 and appendix"
    parts: ClassVar[frozenset[str]] = PARTS

    g_width: Count = 800

    def discriminator(self, space: Space) -> nn.Module:
        encoder = nn.Sequential(nn.Flatten(), *self.d_hidden(space))
        back = layers.blank(nn.Linear, self.d_width, math.prod(space.shape))
        decoder = nn.Sequential(back, nn.Unflatten(1, space.shape))
        layers.initialise(nn.Sequential(encoder, decoder), layers.normal(self.d_std))
        return AutoEncoder(self.thinned(encoder, inputs=False), self.thinned(decoder, inputs=True))
