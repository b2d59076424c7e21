"""Generated and reference samples, read from files, folders, archives or datasets, and checked before scoring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Dataset, Space, Split, SplitName
from ganbench.datasets.parts.arrays import read_space, read_splits
from ganbench.datasets.parts.images import Form, labels, listed, read_images
from ganbench.errors import RequestError
from ganbench.evaluators.parts.protocol import content_key
from ganbench.plugins import Registry, hint

ALLOWED = "a .npy or .npz file, a folder or zip archive of images, or dataset:NAME[:SPLIT]"
DATASET = "dataset:"
ROWS = 4096  # samples checked at once


@dataclass(frozen=True)
class SourcedSamples:
    """Samples with their source and, if they come from files, the files' names."""

    source: str
    split: Split
    files: tuple[str, ...] = ()

    def place(self, row: int) -> str:
        """The file or the row of a sample."""
        return f"file {self.files[row]}" if self.files else f"row {row}"


@dataclass(frozen=True)
class SampleSource:
    """Where samples come from, how many there are, and the SHA-256 of their content."""

    source: str
    samples: int
    sha256: str


@dataclass(frozen=True)
class ComparedSamples:
    """The reference, whose test split is compared, and the generated samples.

    A split that wasn't given is empty. `notes` tell the reader of the scores about unusual samples.
    """

    real: Data
    fake: Split
    generated: SampleSource
    reference: SampleSource
    notes: tuple[str, ...] = ()


def read_samples(generated: str, reference: str, validation: str | None, root: Path | None) -> ComparedSamples:
    """Read both sides; `root` is the data folder of `dataset:NAME`. Raises `RequestError` if they can't be scored."""
    real, tested, notes = _reference(reference, root)
    if validation is not None:
        held_out = _fitted(_samples(validation, "validation", root), real.space, "--validation")
        real, notes = replace(real, validation=held_out.split), notes + _check(held_out)
    fake = _fitted(_samples(generated, "test", root), real.space, "generated samples")
    notes += _check(fake)
    return ComparedSamples(real, fake.split, _described(fake), _described(tested), notes)


def _reference(source: str, root: Path | None) -> tuple[Data, SourcedSamples, tuple[str, ...]]:
    """A dataset whose test split is the reference, with further splits if the source has them; the reference; notes."""
    if source.startswith(DATASET):
        data, split = _dataset(source, root)
        samples = SourcedSamples(source, _part(data, split or "test"))
        if split == "validation":  # selecting on the reference itself would bias the scores
            data = replace(data, validation=_no_samples(data.space))
        if split == "train":  # a classifier trained on it can't be tested on it
            samples = replace(samples, split=Split(samples.split.x))
        return replace(data, test=samples.split), samples, ()
    place = _existing(source)
    if place.suffix in (".npy", ".npz"):
        space, parts = read_space(place), read_splits(place)
        if "test" not in parts and len(parts) > 1:
            given = f"it holds {' and '.join(parts)} samples"
            raise RequestError(
                source, given, "one set of samples, or x_test beside others", "name the reference x_test"
            )
        samples = SourcedSamples(source, parts["test"] if "test" in parts else parts.pop("train"))
        train, held_out = (parts.get(name, _no_samples(space)) for name in ("train", "validation"))
        return Data(space, train, held_out, samples.split), samples, _check(samples)
    samples, classes = _folder(source, place)
    if _is_grey(samples.split.x):
        samples = replace(samples, split=Split(samples.split.x[:, :1].contiguous(), samples.split.y))
    space = Space(tuple(samples.split.x.shape[1:]), classes)
    return Data(space, _no_samples(space), _no_samples(space), samples.split), samples, _check(samples)


def _samples(source: str, default: SplitName, root: Path | None) -> SourcedSamples:
    """A single set of samples."""
    if source.startswith(DATASET):
        data, split = _dataset(source, root)
        return SourcedSamples(source, _part(data, split or default))
    place = _existing(source)
    if place.suffix not in (".npy", ".npz"):
        return _folder(source, place)[0]
    parts = read_splits(place)
    if len(parts) > 1:
        given = f"it holds {' and '.join(parts)} samples"
        raise RequestError(source, given, "one set of samples", "save the set in a file of its own")
    return SourcedSamples(source, next(iter(parts.values())))


def _dataset(source: str, root: Path | None) -> tuple[Data, SplitName | None]:
    name, _, split = source.removeprefix(DATASET).partition(":")
    splits: tuple[SplitName, ...] = get_args(SplitName)
    if split and split not in splits:
        raise RequestError(source, f"there is no split {split!r}", hint(split, splits))
    kind = Registry.of().find("dataset", name)
    try:
        dataset = kind()
    except TypeError:
        raise RequestError(source, f"the dataset {name} reads your own file", ALLOWED, "name that file") from None
    assert isinstance(dataset, Dataset)
    return dataset.load(root), next((name for name in splits if name == split), None)


def _part(data: Data, split: SplitName) -> Split:
    return {"train": data.train, "validation": data.validation, "test": data.test}[split]


def _existing(source: str) -> Path:
    place = Path(source).expanduser()
    if not place.exists():
        raise RequestError(source, "there is no such file or folder", ALLOWED, "correct the path")
    return place


def _folder(source: str, place: Path) -> tuple[SourcedSamples, int]:
    """Images as RGB, in the order of their names, and the number of classes given by their folders."""
    files = listed(place)
    y, classes = labels(files)
    return SourcedSamples(source, Split(read_images(place, Form(None, 3)), y), tuple(files)), classes


def _fitted(samples: SourcedSamples, space: Space, where: str) -> SourcedSamples:
    """The samples in the reference's space: grey files saved in colour become grey. Raises `RequestError`."""
    x = samples.split.x
    if samples.files and space.is_image and space.shape[0] == 1:
        if not _is_grey(x):
            raise RequestError(
                f"{where}, {samples.source}", "they are in colour", "grey images, as the reference", "convert them"
            )
        samples = replace(samples, split=Split(x[:, :1].contiguous(), samples.split.y))
    given = _kind(x.dtype == torch.uint8, tuple(samples.split.x.shape[1:]))
    wanted = _kind(space.is_image, space.shape)
    if given != wanted:
        raise RequestError(f"{where}, {samples.source}", given, f"{wanted}, as the reference")
    return samples


def _check(samples: SourcedSamples) -> tuple[str, ...]:
    """Notes on unusual images. Raises `RequestError` if no score of the samples would be meaningful."""
    x = samples.split.x
    if x.dtype != torch.uint8:
        return ()
    uniform = torch.cat([(part.flatten(1).amax(1) == part.flatten(1).amin(1)) for part in torch.split(x, ROWS)])
    rows = uniform.nonzero().flatten().tolist()
    if len(rows) == len(x):
        given = f"every image is of one colour, from {samples.place(0)} on"
        raise RequestError(samples.source, given, "images with some content")
    if int(x.max()) <= 1:
        given = f"no pixel of {len(x)} images is above 1, from {samples.place(0)} on"
        raise RequestError(samples.source, given, "0..255", "multiply images in 0..1 by 255 before saving them")
    if rows:
        return (f"{samples.source}: {len(rows)} of {len(x)} images are of one colour, first {samples.place(rows[0])}",)
    return ()


def _is_grey(x: Tensor) -> bool:
    return all(bool((part == part[:, :1]).all()) for part in torch.split(x, ROWS))


def _no_samples(space: Space) -> Split:
    """An empty split of a space."""
    return Split(torch.empty((0, *space.shape), dtype=torch.uint8 if space.is_image else torch.float32))


def _kind(image: bool, shape: tuple[int, ...]) -> str:
    """`images of 28x28, grey`, `images of 32x32, RGB`, `points of 2 dimensions`."""
    if len(shape) != 3:
        size = f"{'x'.join(map(str, shape))} dimensions"
    else:
        size = f"{shape[1]}x{shape[2]}, {({1: 'grey', 3: 'RGB'}).get(shape[0], f'{shape[0]} channels')}"
    return f"{'images' if image else 'points'} of {size}"


def _described(samples: SourcedSamples) -> SampleSource:
    return SampleSource(samples.source, len(samples.split), content_key(samples.split.x))
