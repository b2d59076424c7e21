"""Dropout and noise that are functions of a buffer, since no module may draw random numbers inside a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import torch
from annotated_types import Gt, Le
from torch import Tensor, nn

from ganbench.networks.parts.keep import Keep

Include = Annotated[float, Gt(0), Le(1)]  # the probability with which a value passes; 1 is no dropout

BITS = 31  # of a number that enter a mask, of which a share below `include` lets a value through


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
        kept = _head(drawn(self.key, x.numel())) < round(self.include * 2**BITS)
        return torch.where(kept.reshape(x.shape), x / self.include, 0.0)


class GaussianNoise(nn.Module):
    """x + N(0, std) in training, drawn as the masks of `Dropout` are; in evaluation x stays."""

    key: Tensor  # ()

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = std
        self.register_buffer("key", torch.randint(2**63 - 1, ()))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.std == 0:
            return x
        return x + self.std * normal(drawn(self.key, x.numel())).to(x.dtype).reshape(x.shape)


def disturbed(net: nn.Sequential, by: Callable[[float], nn.Module], *, first: float, others: float) -> nn.Sequential:
    """The layers of an initialised network, dropout or noise before the linear ones: `first` strong, then `others`."""
    layers: list[nn.Module] = []
    strength = first
    for layer in net:
        if isinstance(layer, nn.Linear):
            layers.append(nn.Sequential(by(strength), layer))
            strength = others
        else:
            layers.append(layer)
    return type(net)(*layers)


def normal(numbers: Tensor) -> Tensor:
    """N(0, 1) of each number's first and last 31 bits, by Box and Muller's transform, in float32."""
    length: Tensor = (-2 * ((_head(numbers) + 1) / 2**BITS).log()).sqrt()
    angle: Tensor = 2 * torch.pi * (numbers & (2**BITS - 1)) / 2**BITS
    return length * angle.cos()


def drawn(key: Tensor, n: int) -> Tensor:
    """n numbers of 64 random bits of a key, which the next one then takes the place of."""
    numbers = hashed(key, n + 1)
    Keep.apply(key, numbers[-1])
    return numbers[:-1]


def hashed(key: Tensor, n: int) -> Tensor:
    """The first n numbers of 64 random bits, as int64, of the generator SplitMix64 seeded by `key` ().

    Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195: a counter through a finaliser, in arithmetic modulo 2^64.
    """
    x = key + torch.arange(1, n + 1, device=key.device) * _signed(0x9E3779B97F4A7C15)
    x = (x ^ _shifted(x, 30)) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ _shifted(x, 27)) * _signed(0x94D049BB133111EB)
    return x ^ _shifted(x, 31)


def _head(numbers: Tensor) -> Tensor:
    """Their first 31 bits."""
    return _shifted(numbers, 64 - BITS)


def _shifted(x: Tensor, bits: int) -> Tensor:
    """x >> bits with zeros coming in, as of an unsigned number."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _signed(word: int) -> int:
    """The int64 of the same 64 bits."""
    return word - (1 << 64)
