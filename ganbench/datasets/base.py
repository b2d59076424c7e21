"""What a dataset is: a space that is known beforehand, and splits that are read on demand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor

from ganbench.component import Component, Count, Index

if TYPE_CHECKING:
    from ganbench.spec import RunSpec

SplitName = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Space:
    """What one sample looks like: `(d,)` for points, `(channels, height, width)` for images; 0 classes: no labels.

    `stacked`: so many independent labelled images lie in the channels, and their labels are the label's digits.
    """

    shape: tuple[int, ...]
    classes: int = 0
    stacked: int = 1

    @property
    def is_image(self) -> bool:
        return len(self.shape) == 3


@dataclass(frozen=True)
class Split:
    """Samples as they rest: uint8 images (n, c, h, w) in 0..255 or float32 points (n, d); labels `y` are int64 (n,)."""

    x: Tensor
    y: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: torch.device | str) -> Split:
        return Split(self.x.to(device), None if self.y is None else self.y.to(device))


@dataclass(frozen=True)
class Modes:
    """A Gaussian mixture's truth: centres (k, d), one standard deviation, weights (k,) that sum to 1."""

    centres: Tensor
    std: float
    weights: Tensor


@dataclass(frozen=True)
class Data:
    """A loaded dataset. Where `fresh` is given, training draws new samples by it instead of from `train`."""

    space: Space
    train: Split
    validation: Split
    test: Split
    fresh: Callable[[int, torch.Generator], Split] | None = None  # (n, generator on the CPU) -> n samples, labels
    modes: Modes | None = None
    labelled: Split | None = None  # the only training samples whose labels training may see; evaluators see all

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n training samples, drawn independently (with replacement), as they rest."""
        return self.draw_labelled(n, generator).x

    def draw_labelled(self, n: int, generator: torch.Generator) -> Split:
        """The samples that `draw` gives, with their labels where the training split has any."""
        if self.fresh is not None:
            return self.fresh(n, generator)
        return _drawn(self.train, n, generator)

    def draw_told(self, n: int, generator: torch.Generator) -> Split:
        """n training samples whose labels training may see, drawn independently."""
        return self.draw_labelled(n, generator) if self.labelled is None else _drawn(self.labelled, n, generator)


@dataclass(frozen=True, kw_only=True)
class Dataset(Component):
    """A source of data. Reading is the only thing it does; nothing is downloaded unless the user asked for it."""

    default_network: ClassVar[str | None] = None  # None: mlp for points, dcgan for images
    has_modes: ClassVar[bool] = False  # the data are a mixture with known modes: `Data.modes` is given

    @abstractmethod
    def space(self, root: Path | None) -> Space:
        """The shape and number of classes. `root` is the data folder (`GANBENCH_DATA`), or None."""

    @abstractmethod
    def load(self, root: Path | None) -> Data:
        """Read the splits. Raises `RequestError` with what to do when the data are absent or unusable."""


@dataclass(frozen=True, kw_only=True)
class Labelled(Dataset):
    """A labelled dataset of which training may be told few labels; evaluators know them all."""

    labels_per_class: Count | None = None  # training is told so many labels of each class; None: every label
    labels_seed: Index = 0  # which ones

    def conflict(self, spec: RunSpec) -> str | None:
        if self.labels_per_class is not None and spec.network.conditional:
            return f"{spec.network.kind()} needs every label: leave out labels_per_class"
        return None


class Downloadable(ABC):
    """A dataset whose files can be had from the internet, when the user asks: `ganbench fetch KIND`."""

    @abstractmethod
    def fetch(self, root: Path) -> None:
        """Download the files to where `load(root)` looks. Raises `RequestError` when that fails."""

    @abstractmethod
    def check(self, root: Path | None) -> None:
        """Raises `RequestError`, saying what to do, when the files aren't there as they were published."""


def _drawn(split: Split, n: int, generator: torch.Generator) -> Split:
    index = torch.randint(len(split), (n,), generator=generator, device=generator.device)
    return Split(split.x[index], None if split.y is None else split.y[index])


def to_range(x: Tensor, low: float, high: float) -> Tensor:
    """uint8 images in 0..255 as floats in [low, high] by a fixed mapping; points are returned as they are."""
    if x.dtype != torch.uint8:
        return x
    return x.to(torch.get_default_dtype()).mul_((high - low) / 255).add_(low)


def to_rest(x: Tensor, low: float, high: float) -> Tensor:
    """Generated images in [low, high] as uint8 in 0..255; points are returned as they are.

    The inverse of `to_range`: rounded to the nearest level (a half to the even one) and clipped; NaN becomes 0.
    """
    if x.dim() != 4:
        return x
    return x.sub(low).mul(255 / (high - low)).nan_to_num(0).round().clamp(0, 255).to(torch.uint8)
