"""The reader of codes: a further network over the discriminator's features."""

from __future__ import annotations

from torch import nn

from ganbench.networks.parts.layers import ACTIVATIONS, blank, hidden

READER = frozenset({"q"})
UNITS = 128


def reader(features: int, z: int, *, norm: bool) -> nn.Module:
    """D's features (n, k) -> 128 units with leaky ReLU, after batch norm where `norm` -> (n, z), linear.

    It tells a latent in the order in which G is fed it. Chen et al. 2016, arXiv:1606.03657, appendix C.1.
    """
    return nn.Sequential(*hidden((features, UNITS), ACTIVATIONS["leaky_relu"], norm=norm), blank(nn.Linear, UNITS, z))
