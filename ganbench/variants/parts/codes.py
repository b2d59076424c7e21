"""Categorical and continuous codes of a latent, and how well a network predicts them."""

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
    """The codes in the first numbers of a latent (n, z), or of a prediction of it."""
    rest = latent.shape[1] - sum(categories) - continuous
    *categorical, values, _ = torch.split_with_sizes(latent, [*categories, continuous, rest], 1)
    return Codes(categorical, values)


def chosen(z: Tensor, categories: tuple[int, ...]) -> Tensor:
    """Latents in which the numbers of each categorical code are replaced by the one-hot of the largest."""
    codes = split(z, categories, 0)
    return torch.cat([*map(_largest, codes.categorical), z[:, sum(categories) :]], 1)


def categorical_information(codes: Codes, predicted: Codes) -> Tensor:
    """log Q(c | x) - log P(c) (n,), summed over the codes, with the uniform prior of the one-hot codes."""
    each = [
        (logits.log_softmax(1) * code).sum(1) + math.log(code.shape[1])
        for code, logits in zip(codes.categorical, predicted.categorical, strict=True)
    ]
    return torch.stack(each).sum(0)


def continuous_information(codes: Codes, predicted: Codes, std: float) -> Tensor:
    """log N(c; predicted, std) - log N(c; 0, 1) (n,), summed over the codes."""
    gap = (codes.continuous - predicted.continuous) / std
    return (codes.continuous.square() / 2 - gap.square() / 2 - math.log(std)).sum(1)


def accuracy(codes: Codes, predicted: Codes) -> Tensor:
    """The share (n,) of a sample's categorical codes that are predicted correctly."""
    pairs = zip(codes.categorical, predicted.categorical, strict=True)
    return torch.stack([(code.argmax(1) == logits.argmax(1)).double() for code, logits in pairs]).mean(0)


def correlation(codes: Codes, predicted: Codes) -> Tensor:
    """Products (n,) of standardised codes and predictions, whose mean is Pearson's correlation over these samples.

    It is the mean over the codes. A constant prediction has no correlation, which counts as 0.
    """
    return (_standardised(codes.continuous) * _standardised(predicted.continuous)).mean(1)


def _largest(x: Tensor) -> Tensor:
    return (x.argmax(1, keepdim=True) == torch.arange(x.shape[1], device=x.device)).to(x.dtype)


def _standardised(x: Tensor) -> Tensor:
    return (x - x.mean(0)) / x.std(0, correction=0).clamp(min=1e-12)
