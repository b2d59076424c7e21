"""Deterministic, stratified splits."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Labelled, Space, Split, SplitName
from ganbench.errors import RequestError
from ganbench.rng import stream

Parts = dict[SplitName, Split]


def data_of(space: Space, parts: Parts) -> Data:
    """A dataset of three finished splits."""
    return Data(space=space, train=parts["train"], validation=parts["validation"], test=parts["test"])


def set_aside(split: Split, sizes: dict[SplitName, int], where: str) -> Parts:
    """Samples set aside for each name, the rest as `train`: always the same, every class in its share."""
    kept = len(split) - sum(sizes.values())
    if kept < 1:
        given = f"{len(split)} samples can't be split into {_listed(sizes)} and at least one to train on"
        raise RequestError(where, given, "", "give more samples")
    order = _interleaved(split.y if split.y is not None else torch.zeros(len(split), dtype=torch.int64))
    parts: Parts = {}
    start = 0
    for name, size in {**sizes, "train": kept}.items():
        index = order[start : start + size]
        parts[name] = Split(split.x[index], None if split.y is None else split.y[index])
        start += size
    return parts


def told(data: Data, dataset: Labelled) -> Data:
    """The dataset with the training samples whose labels training may see, where it says that they are few.

    As many of each class, chosen by `labels_seed` alone. Raises `RequestError` where a class has fewer.
    """
    each, y = dataset.labels_per_class, data.train.y
    if each is None or y is None:
        return data
    fewest = int(y.bincount(minlength=data.space.classes).min())
    if each > fewest:
        given = f"labels_per_class is {each}"
        allowed = f"at most {fewest}, the size of the rarest class"
        raise RequestError(f"dataset {dataset.kind()}", given, allowed, "give fewer, or leave it out for every label")
    shuffle = torch.randperm(len(y), generator=stream(dataset.labels_seed, "labels"))
    index = torch.cat([shuffle[y[shuffle] == label][:each] for label in range(data.space.classes)])
    return replace(data, labelled=Split(data.train.x[index], y[index]))


def completed(parts: Parts, where: str) -> Parts:
    """The given splits; one that is absent is a tenth of the given training samples, set aside from them."""
    names: tuple[SplitName, ...] = ("validation", "test")
    tenth = max(1, len(parts["train"]) // 10)
    absent: dict[SplitName, int] = {name: tenth for name in names if name not in parts}
    return (parts | set_aside(parts["train"], absent, where)) if absent else parts


def _interleaved(y: Tensor) -> Tensor:
    """A fixed shuffle of 0..n-1 in which any run of indices holds every class in its share, as near as may be.

    Systematic sampling: each sample stands at its quantile within its class, (rank + u) / count, where u is a random
    start for each class, so that rare classes scatter instead of meeting in the middle.
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
