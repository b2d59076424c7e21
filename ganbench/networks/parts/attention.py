"""Self-attention over the pixels of a map. It works under `torch.func` transforms."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganbench.networks.parts.layers import uninitialised


class SelfAttention(nn.Module):
    """x + gain * o(attention(x)) for maps (n, c, h, w) of even sides, with a gain that starts at 0.

    Each pixel is a query over means of other pixels' values: keys and values are the largest of 2x2 pixels. Queries and
    keys have c / 8 channels, values c / 2; the four convolutions of kernel 1 have no bias, which makes 5/4 c^2 + 1
    parameters. Zhang et al. 2019, arXiv:1805.08318, eq. 1 to 3, with the authors' code's channels and pooling.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow, half = max(channels // 8, 1), max(channels // 2, 1)
        self.query = uninitialised(nn.Conv2d, channels, narrow, 1, bias=False)
        self.key = uninitialised(nn.Conv2d, channels, narrow, 1, bias=False)
        self.value = uninitialised(nn.Conv2d, channels, half, 1, bias=False)
        self.out = uninitialised(nn.Conv2d, half, channels, 1, bias=False)
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        query = self.query(x).flatten(2)  # (n, c / 8, h w)
        key, value = (F.max_pool2d(part(x), 2).flatten(2) for part in (self.key, self.value))
        share = (query.transpose(1, 2) @ key).softmax(2)  # (n, h w, h w / 4)
        seen = (value @ share.transpose(1, 2)).reshape(len(x), -1, *x.shape[2:])
        total: Tensor = x + self.gain * self.out(seen)
        return total


def self_attention(channels: int, wanted: bool) -> list[nn.Module]:
    """The self-attention of a map with that many channels, if it is wanted."""
    return [SelfAttention(channels)] if wanted else []
