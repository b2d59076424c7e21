"""The base of datasets, and their data: a space that is known before reading, and splits that are read on demand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import torch
from torch import Tensor

from ganbench.component import Component, Count, Index

if TYPE_CHECKING:
    from ganbench.spec import RunSpec

SplitName = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Space:
    """The shape of one sample: `(d,)` for points, `(channels, height, width)` for images; 0 classes means no labels.

    `stacked`: the number of independent labelled images in the channels, whose labels are the digits of the label.
    """

    shape: tuple[int, ...]
    classes: int = 0
    stacked: int = 1

    @property
    def is_image(self) -> bool:
        return len(self.shape) == 3


@dataclass(frozen=True)
class Split:
    """Stored samples: uint8 images (n, c, h, w) in 0..255 or float32 points (n, d), and int64 labels `y` (n,)."""

    x: Tensor
    y: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: torch.device | str) -> Split:
        return Split(self.x.to(device), None if self.y is None else self.y.to(device))


@dataclass(frozen=True)
class Modes:
    """A Gaussian mixture: centres (k, d), one standard deviation, and weights (k,) that sum to 1."""

    centres: Tensor
    std: float
    weights: Tensor


@dataclass(frozen=True)
class Data:
    """A loaded dataset. Where `fresh` is given, training draws new samples from it instead of samples from `train`.

    `notes`: what a user should know about the reading, such as what was left out.
    """

    space: Space
    train: Split
    validation: Split
    test: Split
    fresh: Callable[[int, torch.Generator], Split] | None = None  # (n, CPU generator) -> n samples
    modes: Modes | None = None
    labelled: Split | None = None  # the only labels that training uses, if not all; evaluators use all
    notes: tuple[str, ...] = ()

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n stored training samples, drawn independently (with replacement)."""
        return self.draw_labelled(n, generator).x

    def draw_labelled(self, n: int, generator: torch.Generator) -> Split:
        """The samples that `draw` returns, with their labels if the training split has labels."""
        drawn = self.draw_each(n, (generator,))
        return Split(drawn.x[0], None if drawn.y is None else drawn.y[0])

    def draw_each(self, n: int, generators: Sequence[torch.Generator]) -> Split:
        """What `draw_labelled` returns for each generator, stacked: (S, n, ...)."""
        if self.fresh is not None:
            drawn = [self.fresh(n, generator) for generator in generators]
            labels = [split.y for split in drawn if split.y is not None]
            return Split(torch.stack([split.x for split in drawn]), torch.stack(labels) if labels else None)
        return _drawn(self.train, n, generators)

    def draw_with_labels(self, n: int, generators: Sequence[torch.Generator]) -> Split:
        """n training samples for each generator, drawn independently from those whose labels training uses, stacked."""
        return self.draw_each(n, generators) if self.labelled is None else _drawn(self.labelled, n, generators)


@dataclass(frozen=True, kw_only=True)
class Dataset(Component):
    """A source of data. It only reads files; nothing is downloaded unless the user asks for it."""

    default_network: ClassVar[str | None] = None  # None: mlp for points, dcgan for images
    has_modes: ClassVar[bool] = False  # the data are a mixture with known modes, `Data.modes`

    @abstractmethod
    def space(self, root: Path | None) -> Space:
        """The shape and the number of classes. `root` is the data folder (`GANBENCH_DATA`), or None."""

    @abstractmethod
    def load(self, root: Path | None) -> Data:
        """Read the splits. Raises `RequestError` with what to do when the data are absent or unusable."""

    def resolved(self, root: Path | None) -> Self:
        """This dataset with the hash of its files' content, if that is part of its identity.

        It is called once, when a suite is loaded, with the data folder that `load` will get. Raises `RequestError` when
        the files are absent.
        """
        return self


@dataclass(frozen=True, kw_only=True)
class Labelled(Dataset):
    """A labelled dataset of which training can use a limited number of labels; evaluators use all of them."""

    labels_per_class: Count | None = None  # the labels of each class that training uses; None: all
    labels_seed: Index = 0  # decides which ones

    def conflict(self, spec: RunSpec) -> str | None:
        if self.labels_per_class is not None and spec.network.conditional:
            return f"{spec.network.kind()} needs every label; leave out labels_per_class"
        return None


class Downloadable(ABC):
    """A dataset whose files `ganbench fetch KIND` can download."""

    @abstractmethod
    def fetch(self, root: Path) -> None:
        """Download the files to where `load(root)` reads them. Raises `RequestError` when that fails."""

    @abstractmethod
    def check(self, root: Path | None) -> None:
        """Raise `RequestError` with what to do unless the files are there as they were published."""


def _drawn(split: Split, n: int, generators: Sequence[torch.Generator]) -> Split:
    index = torch.stack([torch.randint(len(split), (n,), generator=each, device=each.device) for each in generators])
    rows = index.flatten()  # `index_select` copies whole rows, several times faster than indexing

    def chosen(samples: Tensor) -> Tensor:
        return samples.index_select(0, rows).view(*index.shape, *samples.shape[1:])

    return Split(chosen(split.x), None if split.y is None else chosen(split.y))


def to_range(x: Tensor, low: float, high: float) -> Tensor:
    """uint8 images in 0..255 as floats in [low, high] by a fixed linear map; points are returned unchanged."""
    if x.dtype != torch.uint8:
        return x
    return x.to(torch.get_default_dtype()).mul_((high - low) / 255).add_(low)


def to_rest(x: Tensor, low: float, high: float) -> Tensor:
    """Generated images in [low, high] as uint8 in 0..255; points are returned unchanged.

    The inverse of `to_range`: rounded to the nearest level (halves to the even level) and clipped; NaN becomes 0.
    """
    if x.dim() != 4:
        return x
    return x.sub(low).mul(255 / (high - low)).nan_to_num(0).round().clamp(0, 255).to(torch.uint8)
