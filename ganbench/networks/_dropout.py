"""Dropout whose masks are a function of a buffer, since no module may draw random numbers inside a loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganbench.networks._keep import Keep

BITS = 31  # of a number, of which a share below `include` lets a value through


class Dropout(nn.Module):
    """Each value is kept with probability `include` and then divided by it, else 0; in evaluation x stays.

    Hinton et al. 2012, arXiv:1207.0580. A pass in training hashes `key` into its mask and into the next key: the masks
    of a run are drawn by its seed, come back when it is resumed, and are its own in a pack.
    """

    key: Tensor  # ()

    def __init__(self, include: float) -> None:
        super().__init__()
        self.include = include
        self.register_buffer("key", torch.randint(2**63 - 1, ()))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.include == 1:
            return x
        numbers = hashed(self.key, x.numel() + 1)
        Keep.apply(self.key, numbers[-1])
        kept = _shifted(numbers[:-1], 64 - BITS) < round(self.include * 2**BITS)
        return torch.where(kept.reshape(x.shape), x / self.include, 0.0)


def drop_inputs(net: nn.Sequential, *, first: float, others: float) -> nn.Sequential:
    """Give the linear layers of an initialised network dropout of their inputs, with these include probabilities."""
    include = first
    for name, layer in list(net.named_children()):
        if isinstance(layer, nn.Linear):
            net.add_module(name, nn.Sequential(Dropout(include), layer))
            include = others
    return net


def hashed(key: Tensor, n: int) -> Tensor:
    """The first n numbers of 64 random bits, as int64, of the generator SplitMix64 seeded by `key` ().

    Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195: a counter through a finaliser, in arithmetic modulo 2^64.
    """
    x = key + torch.arange(1, n + 1, device=key.device) * _signed(0x9E3779B97F4A7C15)
    x = (x ^ _shifted(x, 30)) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ _shifted(x, 27)) * _signed(0x94D049BB133111EB)
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, bits: int) -> Tensor:
    """x >> bits with zeros coming in, as of an unsigned number."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _signed(word: int) -> int:
    """The int64 of the same 64 bits."""
    return word - (1 << 64)
