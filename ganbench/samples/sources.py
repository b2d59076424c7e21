"""Generated and reference samples, read from files, folders, archives or datasets, and checked before scoring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, get_args

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Dataset, Space, Split, SplitName
from ganbench.datasets.parts import arrays
from ganbench.datasets.parts.formats import is_array_file
from ganbench.datasets.parts.images import Form, ImageSet, read_set
from ganbench.datasets.parts.statistics import holds_statistics, read_statistics
from ganbench.errors import RequestError
from ganbench.evaluators.base import Moments
from ganbench.evaluators.parts.protocol import content_key
from ganbench.evaluators.parts.statistics import KnownMoments
from ganbench.features.bank import LatentSteps
from ganbench.plugins import Registry, hint

ALLOWED = "a .npy or .npz file, a folder or zip archive of images, or dataset:NAME[:SPLIT]"
DATASET = "dataset:"
TEST_NAMES = "name the reference x_test, or its folder test"
ROWS = 4096  # samples checked at once


@dataclass(frozen=True)
class SourcedSamples:
    """Samples with their source, the files' names if they come from files, and notes about the reading."""

    source: str
    split: Split
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    steps: LatentSteps | None = None  # of the generator, if they are a run's

    def place(self, row: int) -> str:
        """The file or the row of a sample."""
        return f"file {self.files[row]}" if self.files else f"row {row}"


class ReferenceSamples(NamedTuple):
    """A dataset whose test split is compared, with further splits if the source has them; that split; notes."""

    real: Data
    tested: SourcedSamples
    notes: tuple[str, ...]


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
    statistics: KnownMoments | None = None  # of the reference, if it has no samples
    steps: LatentSteps | None = None  # of the generator, if the samples are a run's


Source = str | SourcedSamples | Dataset  # where samples are, or the samples themselves


def read_samples(
    generated: str | SourcedSamples,
    reference: Source,
    validation: str | None,
    root: Path | None,
    registry: Registry | None = None,
) -> ComparedSamples:
    """Read both sides. Raises `RequestError` if they can't be scored.

    `root`: the data folder of `dataset:NAME`; `registry`: the datasets known by a name, None for the installed ones.
    """
    if isinstance(reference, str) and (known := _known_moments(reference)) is not None:
        return _compared_with(known, read_generated(generated, root, registry))
    real, tested, notes = read_reference(reference, root, registry)
    if validation is not None:
        held_out = _fitted(_samples(validation, "validation", root, registry), real.space, "--validation")
        real, notes = replace(real, validation=held_out.split), notes + _check(held_out)
    return compared(ReferenceSamples(real, tested, notes), read_generated(generated, root, registry))


def _known_moments(source: str) -> KnownMoments | None:
    """The statistics of features in a file that holds nothing else."""
    place = Path(source).expanduser()
    if source.startswith(DATASET) or not is_array_file(place) or not holds_statistics(place):
        return None
    return KnownMoments(source, Moments(*read_statistics(place)))


def _compared_with(known: KnownMoments, fake: SourcedSamples) -> ComparedSamples:
    """Generated samples and a reference without samples, which has their space."""
    space = Space(tuple(fake.split.x.shape[1:]))
    nothing = _no_samples(space)
    reference = SampleSource(known.source, 0, content_key(*known.known))
    data = Data(space, nothing, nothing, nothing)
    return ComparedSamples(data, fake.split, _described(fake), reference, _check(fake), known, fake.steps)


def compared(reference: ReferenceSamples, generated: SourcedSamples) -> ComparedSamples:
    """Generated samples beside a reference. Raises `RequestError` if they can't be scored."""
    fake = _fitted(generated, reference.real.space, "generated samples")
    notes = reference.notes + _check(fake)
    sides = (_described(fake), _described(reference.tested))
    return ComparedSamples(reference.real, fake.split, *sides, notes, steps=fake.steps)


def given_reference(samples: SourcedSamples) -> ReferenceSamples:
    """A reference of which there are only these samples. Raises `RequestError` if they can't be one."""
    x = samples.split.x
    nothing = _no_samples(Space(tuple(x.shape[1:])))
    return ReferenceSamples(Data(Space(tuple(x.shape[1:])), nothing, nothing, samples.split), samples, _check(samples))


def read_reference(source: Source, root: Path | None, registry: Registry | None = None) -> ReferenceSamples:
    """A reference from a file, a folder, an archive or a dataset. Raises `RequestError`."""
    if isinstance(source, SourcedSamples):
        return given_reference(source)
    if isinstance(source, Dataset):
        data = source.load(root)
        return ReferenceSamples(data, SourcedSamples(f"{DATASET}{source.notation()}", data.test), data.notes)
    if source.startswith(DATASET):
        data, split = _dataset(source, root, registry)
        samples = SourcedSamples(source, _part(data, split or "test"))
        if split == "validation":  # selecting on the reference itself would bias the scores
            data = replace(data, validation=_no_samples(data.space))
        if split == "train":  # a classifier trained on it can't be tested on it
            samples = replace(samples, split=Split(samples.split.x))
        return ReferenceSamples(replace(data, test=samples.split), samples, data.notes)
    found = _grey_if_possible(_read(source))
    if "test" not in found.parts and len(found.parts) > 1:
        given = f"it holds {' and '.join(found.parts)} samples"
        raise RequestError(source, given, "one set of samples, or test samples beside others", TEST_NAMES)
    tested = "test" if "test" in found.parts else next(iter(found.parts))
    others = {name: part for name, part in found.parts.items() if name != tested}
    train, held_out = (others.get(name, _no_samples(found.space)) for name in ("train", "validation"))
    samples = _sourced(source, found, tested)
    return ReferenceSamples(Data(found.space, train, held_out, samples.split), samples, _check(samples))


def read_generated(source: str | SourcedSamples, root: Path | None, registry: Registry | None = None) -> SourcedSamples:
    """A single set of generated samples from a file, a folder, an archive or a dataset. Raises `RequestError`."""
    return _samples(source, "test", root, registry) if isinstance(source, str) else source


def _samples(source: str, default: SplitName, root: Path | None, registry: Registry | None) -> SourcedSamples:
    """A single set of samples."""
    if source.startswith(DATASET):
        data, split = _dataset(source, root, registry)
        return SourcedSamples(source, _part(data, split or default), notes=data.notes)
    found = _read(source)
    if len(found.parts) > 1:
        given = f"it holds {' and '.join(found.parts)} samples"
        raise RequestError(source, given, "one set of samples", "save the set in a file or folder of its own")
    return _sourced(source, found, next(iter(found.parts)))


def _read(source: str) -> ImageSet:
    """What a file, a folder or an archive holds; images in files as RGB."""
    place = _existing(source)
    if is_array_file(place):
        return ImageSet(arrays.read_space(place), arrays.read_splits(place), {}, arrays.notes(place))
    return read_set(place, Form(None, 3), source)


def _sourced(source: str, found: ImageSet, split: SplitName) -> SourcedSamples:
    return SourcedSamples(source, found.parts[split], found.files.get(split, ()), found.notes)


def _grey_if_possible(found: ImageSet) -> ImageSet:
    """Images in files with one channel, if all are grey."""
    if not found.files or not all(_is_grey(part.x) for part in found.parts.values()):
        return found
    parts = {name: Split(part.x[:, :1].contiguous(), part.y) for name, part in found.parts.items()}
    return replace(found, space=replace(found.space, shape=(1, *found.space.shape[1:])), parts=parts)


def _dataset(source: str, root: Path | None, registry: Registry | None) -> tuple[Data, SplitName | None]:
    name, _, split = source.removeprefix(DATASET).partition(":")
    splits: tuple[SplitName, ...] = get_args(SplitName)
    if split and split not in splits:
        raise RequestError(source, f"there is no split {split!r}", hint(split, splits))
    kind = (registry or Registry.of()).find("dataset", name)
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
        return samples.notes
    uniform = torch.cat([(part.flatten(1).amax(1) == part.flatten(1).amin(1)) for part in torch.split(x, ROWS)])
    rows = uniform.nonzero().flatten().tolist()
    if len(rows) == len(x):
        given = f"every image is of one colour, from {samples.place(0)} on"
        raise RequestError(samples.source, given, "images with some content")
    if int(x.max()) <= 1:
        given = f"no pixel of {len(x)} images is above 1, from {samples.place(0)} on"
        raise RequestError(samples.source, given, "0..255", "multiply images in 0..1 by 255 before saving them")
    if not rows:
        return samples.notes
    note = f"{samples.source}: {len(rows)} of {len(x)} images are of one colour, first {samples.place(rows[0])}"
    return (*samples.notes, note)


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
