"""Weight normalisation with a data-dependent initialisation, as in the code of Salimans et al. 2016."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganbench.networks.parts.layers import update_buffer

EPS = 1e-6


class WeightNorm(nn.Module):
    """A linear layer whose output i is scale_i (w_i / |w_i|) . x + offset_i.

    Salimans and Kingma 2016, arXiv:1602.07868, eq. 2. With `from_data` the first pass in training sets scales and
    offsets so that each output has mean 0 and variance 1 over its batch (eq. 5 and 6); later passes keep them. What
    training learns is added to them: the offsets' part in `bias`, and the scales' in `change` if `train_scale` is set.
    """

    ready: Tensor  # (), 1 after the first pass
    scale: Tensor  # (outputs,), as the data decided
    offset: Tensor

    def __init__(self, layer: nn.Module, *, train_scale: bool, from_data: bool) -> None:
        super().__init__()
        assert isinstance(layer, nn.Linear)
        self.weight, self.bias = layer.weight, layer.bias
        outputs = layer.out_features
        self.change = nn.Parameter(torch.zeros(outputs)) if train_scale else None  # of the scale, in training
        self.register_buffer("ready", torch.tensor(0.0 if from_data else 1.0))
        self.register_buffer("scale", torch.ones(outputs))
        self.register_buffer("offset", torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        direction = self.weight / (self.weight.square().sum(1, keepdim=True) + EPS).sqrt()
        out = x @ direction.t()
        scale, offset = self._scale_and_offset(out.detach()) if self.training else (self.scale, self.offset)
        if self.change is not None:
            scale = scale + self.change
        return out * scale + offset + self.bias

    def _scale_and_offset(self, out: Tensor) -> tuple[Tensor, Tensor]:
        """As stored; from this batch, and then stored, if there was none before."""
        own = 1 / (out.var(0, correction=0) + EPS).sqrt()
        scale = torch.where(self.ready > 0, self.scale, own)
        offset = torch.where(self.ready > 0, self.offset, -out.mean(0) * own)
        for buffer, value in ((self.scale, scale), (self.offset, offset), (self.ready, torch.ones_like(self.ready))):
            update_buffer(buffer, value)
        return scale, offset
