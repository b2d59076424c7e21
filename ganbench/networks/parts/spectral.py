"""Spectral normalisation. Miyato et al. 2018, arXiv:1802.05957, algorithm 1."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ganbench.networks.parts.labels import LabelEmbedding
from ganbench.networks.parts.layers import update_buffer

EPS = 1e-12


class Spectral(nn.Module):
    """A linear layer or convolution whose weight is divided by an estimate of its largest singular value.

    The weight is taken as a matrix (outputs, everything else). A pass takes one step of the power iteration from `u`;
    in training it stores the result in `u`. The gradient goes through sigma = u^T W v at fixed u and v.
    """

    u: Tensor  # (outputs,), the estimated left singular vector

    def __init__(self, layer: nn.Linear | nn.Conv2d) -> None:
        super().__init__()
        self.layer = layer
        self.register_buffer("u", nn.init.normal_(layer.weight.new_empty(layer.weight.shape[0])))

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        weight = layer.weight / self._sigma(layer.weight.flatten(1))
        if isinstance(layer, nn.Linear):
            return F.linear(x, weight, layer.bias)
        return F.conv2d(x, weight, layer.bias, layer.stride, layer.padding)

    def _sigma(self, matrix: Tensor) -> Tensor:
        fixed = matrix.detach()
        v = F.normalize(self.u @ fixed, dim=0, eps=EPS)
        u = F.normalize(fixed @ v, dim=0, eps=EPS)
        if self.training:
            update_buffer(self.u, u)
        return u @ matrix @ v


def spectral(net: nn.Module) -> nn.Module:
    """Give every linear layer and convolution of an initialised network spectral norm, and draw each `u`.

    An `LabelEmbedding` has none.
    """
    for part in list(net.modules()):
        for name, layer in part.named_children():
            if isinstance(layer, nn.Linear | nn.Conv2d) and not isinstance(layer, LabelEmbedding):
                part.add_module(name, Spectral(layer))
    return net
