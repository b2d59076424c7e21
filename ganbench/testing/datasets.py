"""The contract of datasets."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Dataset, Space, Split, SplitName
from ganbench.rng import stream
from ganbench.testing.claim import claim, same

DRAWN = 16


def check_dataset(dataset: Dataset, root: Path | None = None) -> Data:
    """Check the splits, the random draws and the modes of a dataset, and return the loaded data.

    The splits are of the space that the dataset announces, have no sample in common and are the same each time they are
    read. Draws depend only on the given generator.
    """
    name, data, again = dataset.resolved(root).notation(), dataset.load(root), dataset.load(root)
    check_data(dataset, data, root)
    for split in get_args(SplitName):
        first, second = _split(data, split), _split(again, split)
        claim(same([first.x, first.y], [second.x, second.y]), f"{name}: {split} differs each time it is read")
    for held_out in ("validation", "test"):
        shared = _rows(data.train.x) & _rows(_split(data, held_out).x)
        claim(len(shared) <= 0.01 * len(_split(data, held_out)), f"{name}: {held_out} shares samples with train")
    return data


def check_data(dataset: Dataset, data: Data, root: Path | None = None) -> None:
    """Check loaded data: splits of the space that the dataset announces, random draws, and modes."""
    name = dataset.notation()
    claim(isinstance(data, Data), f"{name} loads a {type(data).__name__}, not `Data`")
    claim(data.space == dataset.space(root), f"{name} loads {data.space} but announces {dataset.space(root)}")
    for split in get_args(SplitName):
        check_split(_split(data, split), data.space, f"{name}: {split}")
    check_draws(data, name)
    check_modes(dataset, data, name)


def check_split(split: Split, space: Space, where: str) -> None:
    """Check a split: uint8 images or finite float32 points of the space, with int64 labels if there are classes."""
    claim(isinstance(split.x, Tensor), f"{where} is a {type(split.x).__name__}, not a tensor")
    claim(
        len(split) > 0 and split.x.shape[1:] == space.shape,
        f"{where} has the shape {tuple(split.x.shape)}, not (n, *{space.shape})",
    )
    dtype = torch.uint8 if space.is_image else torch.float32
    claim(split.x.dtype == dtype, f"{where} is stored as {split.x.dtype}, not {dtype}")
    claim(split.x.isfinite().all(), f"{where} holds a number that is not finite")
    claim(
        (split.y is not None) == (space.classes > 0), f"{where} has labels without classes, or classes without labels"
    )
    if split.y is not None:
        claim(split.y.dtype == torch.int64 and split.y.shape == (len(split),), f"{where}: labels are not int64 (n,)")
        inside = set(split.y.tolist()) <= set(range(space.classes))
        claim(inside, f"{where}: a label is not in 0..{space.classes - 1}")


def check_draws(data: Data, name: str) -> None:
    """Check draws: stored samples that depend only on their generator and advance it."""
    global_state = torch.random.get_rng_state()
    generator = stream(0, "check")
    first, second = data.draw(DRAWN, generator), data.draw(DRAWN, generator)
    claim(torch.equal(global_state, torch.random.get_rng_state()), f"{name} draws from torch's global generator")
    claim(first.shape == (DRAWN, *data.space.shape), f"{name} draws {tuple(first.shape)}")
    claim(first.dtype == data.train.x.dtype, f"{name} draws {first.dtype}, not {data.train.x.dtype}")
    claim(same(first, data.draw(DRAWN, stream(0, "check"))), f"{name}: the same seed gives different draws")
    several = data.fresh is not None or len(data.train) > 1
    claim(not (several and same(first, second)), f"{name} draws the same samples each time")


def check_modes(dataset: Dataset, data: Data, name: str) -> None:
    """Check that modes are there if announced, with centres in the space and weights that sum to 1."""
    claim(
        dataset.has_modes == (data.modes is not None),
        f"{name}: has_modes is {dataset.has_modes}, but the data differ",
    )
    if data.modes is not None:
        claim(data.modes.centres.shape[1:] == data.space.shape, f"{name}: its centres are not points of its space")
        whole = len(data.modes.weights) == len(data.modes.centres) and abs(float(data.modes.weights.sum()) - 1) < 1e-6
        claim(
            whole and data.modes.std > 0,
            f"{name}: its weights don't sum to 1, or its std is not positive",
        )


def _split(data: Data, name: SplitName | str) -> Split:
    return {"train": data.train, "validation": data.validation, "test": data.test}[name]


def _rows(x: Tensor) -> set[bytes]:
    return {row.tobytes() for row in x.numpy()}
