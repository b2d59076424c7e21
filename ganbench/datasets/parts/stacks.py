"""Digits stacked as the channels of one image."""

from __future__ import annotations

import torch

from ganbench.datasets.base import Split

DEPTH = 3  # digits in a stack
CLASSES = 10**DEPTH


def stacked(split: Split, n: int, generator: torch.Generator) -> Split:
    """n images (3, h, w) of three independent digits (1, h, w) each; 100 a + 10 b + c is the label of a, b and c."""
    assert split.y is not None
    index = torch.randint(len(split), (n, DEPTH), generator=generator)
    return Split(split.x[:, 0][index], (split.y[index] * torch.tensor([100, 10, 1])).sum(dim=1))
