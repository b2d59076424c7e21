"""The fully connected pair of EBGAN's grid search on MNIST, whose discriminator is an auto-encoder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import nn

from ganbench.component import Count
from ganbench.networks.parts import layers, weights
from ganbench.networks.parts.discriminators import AUTOENCODER, AutoEncoder
from ganbench.networks.parts.ebgan import EBGANGrid

if TYPE_CHECKING:
    from ganbench.datasets.base import Space


@dataclass(frozen=True, kw_only=True)
class AutoencoderMLP(EBGANGrid):
    """G has `g_layers` linear layers; D has `d_layers`, of which the last is the decoder and the others the encoder.

    These are the paper's nLayerG, nLayerD, sizeG and sizeD, for points and images. Hidden layers have ReLU, after batch
    norm if the run has it. In the paper both networks have it, except "the discriminator input layer", read here as the
    input itself. The code is the last hidden layer of D. G's output is tanh for images and linear for points; D's is
    linear. The defaults are the paper's best EBGAN.

    Half of the paper's discriminators have dropout (dropoutD). The paper gives no rate; 0.5 is the default of Torch7,
    in which it was written. Here dropout acts on the input of the next layer, so that the code itself has none.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhao, Mathieu and LeCun 2017, arXiv:1609.03126, table 1 and appendix"
    parts: ClassVar[frozenset[str]] = AUTOENCODER

    g_width: Count = 800

    def discriminator(self, space: Space) -> nn.Module:
        encoder = nn.Sequential(nn.Flatten(), *self.d_hidden(space))
        output = layers.uninitialised(nn.Linear, self.d_width, math.prod(space.shape))
        decoder = nn.Sequential(output, nn.Unflatten(1, space.shape))
        weights.initialise(nn.Sequential(encoder, decoder), weights.normal(self.d_std))
        return AutoEncoder(self.with_dropout(encoder, inputs=False), self.with_dropout(decoder, inputs=True))
