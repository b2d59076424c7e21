"""Datasets whose samples are drawn from those of another one, always from the same split of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from ganbench.datasets.base import Data, Space, Split
from ganbench.rng import stream

HELD_OUT = 10_000  # samples of the validation and of the test split

Draw = Callable[[Split, int, torch.Generator], Split]  # n samples with their labels, from those of a split


def drawn(space: Space, source: Data, draw: Draw, train: int, fresh: bool) -> Data:
    """`train` samples to train on, drawn from the source's training split, and held-out ones from its others.

    The same in every run. With `fresh`, training draws new ones for every batch instead.
    """
    return Data(
        space=space,
        train=draw(source.train, train, stream(0, "drawn", "train")),
        validation=draw(source.validation, HELD_OUT, stream(0, "drawn", "validation")),
        test=draw(source.test, HELD_OUT, stream(0, "drawn", "test")),
        fresh=partial(draw, source.train) if fresh else None,
    )
