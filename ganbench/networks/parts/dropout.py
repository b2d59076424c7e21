"""Dropout and Gaussian noise. Their random numbers are a function of a buffer, since losses may not draw any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import torch
from annotated_types import Gt, Le
from torch import Tensor, nn

from ganbench.networks.parts.layers import update_buffer

Include = Annotated[float, Gt(0), Le(1)]  # the probability of keeping a value; 1 is no dropout

BITS = 31  # the bits of a number that a mask uses; a value is kept if they are below the share `include` of their range


class Dropout(nn.Module):
    """Each value is kept with probability `include` and then divided by it, else 0; in evaluation x is unchanged.

    Hinton et al. 2012, arXiv:1207.0580. A pass in training hashes `key` into its mask and into the next key. So a
    run's masks are decided by its seed, continue when it is resumed, and are the same in a pack as alone.
    """

    key: Tensor  # ()

    def __init__(self, include: float) -> None:
        super().__init__()
        self.include = include
        self.register_buffer("key", torch.randint(2**63 - 1, ()))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.include == 1:
            return x
        kept = _first_bits(draw(self.key, x.numel())) < round(self.include * 2**BITS)
        return torch.where(kept.reshape(x.shape), x / self.include, 0.0)


class GaussianNoise(nn.Module):
    """x + N(0, std) in training, drawn like the masks of `Dropout`; in evaluation x is unchanged."""

    key: Tensor  # ()

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = std
        self.register_buffer("key", torch.randint(2**63 - 1, ()))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.std == 0:
            return x
        return x + self.std * box_muller(draw(self.key, x.numel())).to(x.dtype).reshape(x.shape)


def before_linear_layers(
    net: nn.Sequential, make: Callable[[float], nn.Module], *, first: float, others: float
) -> nn.Sequential:
    """An initialised network with dropout or noise before its linear layers.

    `make` makes the dropout or noise of a given strength: `first` before the first linear layer, `others` before the
    rest.
    """
    layers: list[nn.Module] = []
    strength = first
    for layer in net:
        if isinstance(layer, nn.Linear):
            layers.append(nn.Sequential(make(strength), layer))
            strength = others
        else:
            layers.append(layer)
    return type(net)(*layers)


def box_muller(numbers: Tensor) -> Tensor:
    """N(0, 1) in float32 from each number's first and last 31 bits, by Box and Muller's transform."""
    length: Tensor = (-2 * ((_first_bits(numbers) + 1) / 2**BITS).log()).sqrt()
    angle: Tensor = 2 * torch.pi * (numbers & (2**BITS - 1)) / 2**BITS
    return length * angle.cos()


def draw(key: Tensor, n: int) -> Tensor:
    """n numbers of 64 random bits from a key. The key is then replaced by the number after them."""
    numbers = splitmix64(key, n + 1)
    update_buffer(key, numbers[-1])
    return numbers[:-1]


def splitmix64(key: Tensor, n: int) -> Tensor:
    """The first n numbers of 64 random bits, as int64, of the generator SplitMix64 seeded by `key` ().

    Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195: a counter through a finaliser, in arithmetic modulo 2^64.
    """
    x = key + torch.arange(1, n + 1, device=key.device) * _signed(0x9E3779B97F4A7C15)
    x = (x ^ _shifted(x, 30)) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ _shifted(x, 27)) * _signed(0x94D049BB133111EB)
    return x ^ _shifted(x, 31)


def _first_bits(numbers: Tensor) -> Tensor:
    """The first 31 bits of each number."""
    return _shifted(numbers, 64 - BITS)


def _shifted(x: Tensor, bits: int) -> Tensor:
    """x >> bits, filled with zeros as for an unsigned number."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _signed(word: int) -> int:
    """The int64 with the same 64 bits."""
    return word - (1 << 64)
