"""Datasets whose samples are drawn from the samples of another dataset, always from its split of the same name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from ganbench.datasets.base import Data, Space, Split
from ganbench.rng import stream

HELD_OUT = 10_000  # samples of the validation split, and of the test split
DEPTH = 3  # digits in a stack
CLASSES = 10**DEPTH  # of stacked digits

Draw = Callable[[Split, int, torch.Generator], Split]  # n samples with their labels, drawn from those of a split


def drawn(space: Space, source: Data, draw: Draw, train: int, fresh: bool) -> Data:
    """`train` training samples, drawn from the source's training split, and held-out ones from its other splits.

    They are the same in every run. With `fresh`, training draws new samples for every batch instead.
    """
    return Data(
        space=space,
        train=draw(source.train, train, stream(0, "drawn", "train")),
        validation=draw(source.validation, HELD_OUT, stream(0, "drawn", "validation")),
        test=draw(source.test, HELD_OUT, stream(0, "drawn", "test")),
        fresh=partial(draw, source.train) if fresh else None,
    )


def stacked(split: Split, n: int, generator: torch.Generator) -> Split:
    """n images (3, h, w), each of three independent digits (1, h, w); digits a, b, c have the label 100a + 10b + c."""
    assert split.y is not None
    index = torch.randint(len(split), (n, DEPTH), generator=generator)
    return Split(split.x[:, 0][index], (split.y[index] * torch.tensor([100, 10, 1])).sum(dim=1))
