"""What the two fully connected pairs of EBGAN's grid share: the generator, and a discriminator's dropout."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Lt
from torch import nn

from ganbench.networks import _layers as layers
from ganbench.networks._dropout import Dropout, disturbed

if TYPE_CHECKING:
    from ganbench.datasets.base import Space

Dropped = Annotated[float, Ge(0), Lt(1)]  # the probability with which dropout leaves a unit out


def generator(widths: tuple[int, ...], space: Space, std: float, *, norm: bool) -> nn.Module:
    """(n, widths[0]) -> (n, *space.shape): ReLU layers, then a linear one, with tanh for images. Weights N(0, std)."""
    out = layers.blank(nn.Linear, widths[-1], math.prod(space.shape))
    squash = [nn.Tanh()] if space.is_image else []
    net = nn.Sequential(*layers.hidden(widths, nn.ReLU, norm=norm), out, *squash, nn.Unflatten(1, space.shape))
    return layers.initialise(net, layers.normal(std))


def thinned(net: nn.Sequential, dropped: float, *, inputs: bool) -> nn.Sequential:
    """An initialised network with dropout before its linear layers: before the first one only where `inputs` says so.

    Nothing changes, and nothing is drawn, where no unit is dropped.
    """
    kept = 1 - dropped
    return disturbed(net, Dropout, first=kept if inputs else 1.0, others=kept) if dropped else net
