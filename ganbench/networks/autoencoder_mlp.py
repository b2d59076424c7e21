"""The fully connected pair of EBGAN's grid on MNIST, whose discriminator is an auto-encoder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge
from torch import nn

from ganbench.component import Count, Positive
from ganbench.networks import _grid as grid
from ganbench.networks import _layers as layers
from ganbench.networks._autoencoder import PARTS, AutoEncoder
from ganbench.networks.base import Network

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class AutoencoderMLP(Network):
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

    g_layers: Annotated[int, Ge(2)] = 5
    d_layers: Annotated[int, Ge(2)] = 2
    g_width: Count = 800
    d_width: Count = 1024
    g_std: Positive = 0.02  # of the initial weights
    d_std: Positive = 0.002
    d_dropout: grid.Dropped = 0.0  # of D's hidden units, in training, when G moves too

    def generator(self, space: Space) -> nn.Module:
        widths = (self.z, *(self.g_width,) * (self.g_layers - 1))
        return grid.generator(widths, space, self.g_std, norm=self.g_batchnorm)

    def discriminator(self, space: Space) -> nn.Module:
        inputs = math.prod(space.shape)
        widths = (inputs, *(self.d_width,) * (self.d_layers - 1))
        encoder = nn.Sequential(nn.Flatten(), *layers.hidden(widths, nn.ReLU, norm=self.d_batchnorm))
        decoder = nn.Sequential(layers.blank(nn.Linear, self.d_width, inputs), nn.Unflatten(1, space.shape))
        layers.initialise(nn.Sequential(encoder, decoder), layers.normal(self.d_std))
        encoder = grid.thinned(encoder, self.d_dropout, inputs=False)
        return AutoEncoder(encoder, grid.thinned(decoder, self.d_dropout, inputs=True))

    def misfit(self, space: Space) -> str | None:
        return None

    def objection(self, spec: RunSpec) -> str | None:
        return layers.SINGLE if self.batchnorm != "none" and spec.batch < 2 else None
