"""What the two fully connected pairs of EBGAN's grid search share: sizes, G, and D's hidden layers and dropout."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Lt
from torch import nn

from ganbench.component import Count, Positive
from ganbench.networks.base import Network
from ganbench.networks.parts import layers, normalisation, weights
from ganbench.networks.parts.dropout import Dropout, before_linear_layers

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class EBGANGrid(Network):
    """The sizes and the generator of both pairs, and the hidden layers of both discriminators."""

    g_layers: Annotated[int, Ge(2)] = 5
    d_layers: Annotated[int, Ge(2)] = 2
    g_width: Count
    d_width: Count = 1024
    g_std: Positive = 0.02  # of the initial weights
    d_std: Positive = 0.002
    d_dropout: Annotated[float, Ge(0), Lt(1)] = 0.0  # of D's hidden units, in training, in G's updates too

    def generator(self, space: Space) -> nn.Module:
        """(n, z) -> (n, *space.shape): ReLU layers, then a linear one, with tanh for images."""
        widths = (self.z, *(self.g_width,) * (self.g_layers - 1))
        out = layers.uninitialised(nn.Linear, widths[-1], math.prod(space.shape))
        squash = [nn.Tanh()] if space.is_image else []
        hidden = layers.hidden(widths, nn.ReLU, norm=self.g_batchnorm)
        net = nn.Sequential(*hidden, out, *squash, nn.Unflatten(1, space.shape))
        return weights.initialise(net, weights.normal(self.g_std))

    def unsupported(self, space: Space) -> str | None:
        return None

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None

    def d_hidden(self, space: Space) -> list[nn.Module]:
        """D's hidden layers, for flat samples."""
        widths = (math.prod(space.shape), *(self.d_width,) * (self.d_layers - 1))
        return layers.hidden(widths, nn.ReLU, norm=self.d_batchnorm)

    def with_dropout(self, net: nn.Sequential, *, inputs: bool) -> nn.Sequential:
        """An initialised network with D's dropout before its linear layers, before the first only if `inputs` is set.

        With a `d_dropout` of 0 the network is unchanged and no random number is drawn.
        """
        include = 1 - self.d_dropout
        first = include if inputs else 1.0
        return before_linear_layers(net, Dropout, first=first, others=include) if self.d_dropout else net
