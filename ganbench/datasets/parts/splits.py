"""Splits that are the same in every run, with every class in proportion."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Labelled, Space, Split, SplitName
from ganbench.errors import RequestError
from ganbench.rng import stream

Parts = dict[SplitName, Split]


def data_of(space: Space, parts: Parts) -> Data:
    """The data of three given splits."""
    return Data(space=space, train=parts["train"], validation=parts["validation"], test=parts["test"])


def set_aside(split: Split, sizes: dict[SplitName, int], where: str) -> Parts:
    """Splits of the given sizes and the rest as `train`: always the same samples, with every class in proportion."""
    kept = len(split) - sum(sizes.values())
    if kept < 1:
        given = f"{len(split)} samples can't be split into {_listed(sizes)} and at least one for training"
        raise RequestError(where, given, "", "add samples")
    order = _interleaved(split.y if split.y is not None else torch.zeros(len(split), dtype=torch.int64))
    parts: Parts = {}
    start = 0
    for name, size in {**sizes, "train": kept}.items():
        index = order[start : start + size]
        parts[name] = Split(split.x[index], None if split.y is None else split.y[index])
        start += size
    return parts


def with_few_labels(data: Data, dataset: Labelled) -> Data:
    """The data with `labels_per_class` labelled training samples of each class, where the dataset limits them.

    They are chosen by `labels_seed` alone. Raises `RequestError` where a class has fewer samples.
    """
    each, y = dataset.labels_per_class, data.train.y
    if each is None or y is None:
        return data
    fewest = int(y.bincount(minlength=data.space.classes).min())
    if each > fewest:
        given = f"labels_per_class is {each}"
        allowed = f"at most {fewest}, the size of the rarest class"
        raise RequestError(
            f"dataset {dataset.kind()}", given, allowed, "choose fewer, or leave it out to use every label"
        )
    shuffle = torch.randperm(len(y), generator=stream(dataset.labels_seed, "labels"))
    index = torch.cat([shuffle[y[shuffle] == label][:each] for label in range(data.space.classes)])
    return replace(data, labelled=Split(data.train.x[index], y[index]))


def completed(parts: Parts, where: str) -> Parts:
    """The given splits; a missing one is made of a tenth of the given training samples, which are taken from them."""
    names: tuple[SplitName, ...] = ("validation", "test")
    tenth = max(1, len(parts["train"]) // 10)
    absent: dict[SplitName, int] = {name: tenth for name in names if name not in parts}
    return (parts | set_aside(parts["train"], absent, where)) if absent else parts


def _interleaved(y: Tensor) -> Tensor:
    """A fixed shuffle of 0..n-1 in which any range holds every class in proportion, as nearly as possible.

    This is systematic sampling: each sample is placed at its quantile within its class, (rank + u) / count. The random
    start u of each class spreads rare classes over the whole range instead of its middle.
    """
    generator = stream(0, "split")
    shuffle = torch.randperm(len(y), generator=generator)
    y = y[shuffle]
    counts = torch.bincount(y)
    by_class = y.argsort(stable=True)
    rank = torch.empty_like(y)
    rank[by_class] = torch.arange(len(y)) - (counts.cumsum(0) - counts)[y[by_class]]
    start = torch.rand(len(counts), generator=generator, dtype=torch.float64)
    return shuffle[((rank + start[y]) / counts[y]).argsort(stable=True)]


def _listed(sizes: dict[SplitName, int]) -> str:
    return ", ".join(f"{n} for {name}" for name, n in sizes.items())
