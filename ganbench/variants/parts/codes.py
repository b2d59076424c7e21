"""Codes of a latent: categorical ones and continuous ones, and how well somebody tells them."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Codes(NamedTuple):
    """The categorical codes, (n, k) each: one-hot, or logits; and the continuous ones (n, m): values, or means."""

    categorical: list[Tensor]
    continuous: Tensor


def split(latent: Tensor, categories: tuple[int, ...], continuous: int) -> Codes:
    """The codes that lie in the first numbers of a latent (n, z), or of what Q says of it."""
    rest = latent.shape[1] - sum(categories) - continuous
    *categorical, values, _ = torch.split_with_sizes(latent, [*categories, continuous, rest], 1)
    return Codes(categorical, values)


def chosen(z: Tensor, categories: tuple[int, ...]) -> Tensor:
    """Latents whose first numbers, as many as a code has categories, give way to the one-hot of the largest."""
    codes = split(z, categories, 0)
    return torch.cat([*map(_largest, codes.categorical), z[:, sum(categories) :]], 1)


def categorical_information(codes: Codes, told: Codes) -> Tensor:
    """log Q(c | x) - log P(c) (n,), summed over the codes, with the even prior of the one-hot codes."""
    each = [
        (one.log_softmax(1) * code).sum(1) + math.log(code.shape[1])
        for code, one in zip(codes.categorical, told.categorical, strict=True)
    ]
    return torch.stack(each).sum(0)


def continuous_information(codes: Codes, told: Codes, std: float) -> Tensor:
    """log N(c; told, std) - log N(c; 0, 1) (n,), summed over the codes."""
    gap = (codes.continuous - told.continuous) / std
    return (codes.continuous.square() / 2 - gap.square() / 2 - math.log(std)).sum(1)


def accuracy(codes: Codes, told: Codes) -> Tensor:
    """The share (n,) of a sample's categorical codes that are told."""
    pairs = zip(codes.categorical, told.categorical, strict=True)
    return torch.stack([(code.argmax(1) == one.argmax(1)).double() for code, one in pairs]).mean(0)


def correlation(codes: Codes, told: Codes) -> Tensor:
    """Products (n,) of standardised codes and what is told, whose mean is Pearson's correlation over these samples.

    It is the mean over the codes; where one is told as a constant it has none, which counts as 0.
    """
    return (_standardised(codes.continuous) * _standardised(told.continuous)).mean(1)


def _largest(x: Tensor) -> Tensor:
    return (x.argmax(1, keepdim=True) == torch.arange(x.shape[1], device=x.device)).to(x.dtype)


def _standardised(x: Tensor) -> Tensor:
    return (x - x.mean(0)) / x.std(0, correction=0).clamp(min=1e-12)
