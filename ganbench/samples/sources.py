"""The two sides of a comparison, read from files, folders, archives or datasets, and judged before they are scored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Space, Split, SplitName
from ganbench.datasets.parts.arrays import read_space, read_splits
from ganbench.datasets.parts.images import Form, labels, listed, read_images
from ganbench.errors import RequestError
from ganbench.plugins import Registry, hint

ALLOWED = "a .npy or .npz file, a folder or zip archive of images, or dataset:NAME[:SPLIT]"
DATASET = "dataset:"
ROWS = 4096  # samples looked at at once


@dataclass(frozen=True)
class Named:
    """Samples with their source and, where they are files, the files' names."""

    source: str
    split: Split
    files: tuple[str, ...] = ()

    def place(self, row: int) -> str:
        """Where a sample stands: its file, or its row."""
        return f"file {self.files[row]}" if self.files else f"row {row}"


@dataclass(frozen=True)
class Sides:
    """The reference, whose test split is what scores compare with, and the generated samples.

    A split that was not given is empty. `notes`: what a reader of the scores should know of the samples.
    """

    real: Data
    fake: Split
    about: dict[str, dict[str, str | int]]  # of `generated` and `reference`: source, samples, sha256
    notes: tuple[str, ...] = ()


def read_sides(generated: str, reference: str, validation: str | None, root: Path | None) -> Sides:
    """Read both sides; `root` is the data folder of `dataset:NAME`. Raises `RequestError` for what can't be scored."""
    real, named, notes = _reference(reference, root)
    if validation is not None:
        held_out = _fitted(_samples(validation, "validation", root), real.space, "--validation")
        real, notes = replace(real, validation=held_out.split), notes + _judged(held_out)
    fake = _fitted(_samples(generated, "test", root), real.space, "generated samples")
    notes += _judged(fake)
    about = {"generated": _about(fake), "reference": _about(named)}
    return Sides(real, fake.split, about, notes)


def _reference(source: str, root: Path | None) -> tuple[Data, Named, tuple[str, ...]]:
    """The reference as a dataset whose test split it is; further splits where the source has them."""
    if source.startswith(DATASET):
        data, split = _dataset(source, root)
        named = Named(source, _part(data, split or "test"))
        if split == "validation":  # choosing by the reference itself would flatter
            data = replace(data, validation=_none(data.space))
        if split == "train":  # what was learned from it can't be tested on it
            named = replace(named, split=Split(named.split.x))
        return replace(data, test=named.split), named, ()
    place = _existing(source)
    if place.suffix in (".npy", ".npz"):
        space, parts = read_space(place), read_splits(place)
        if "test" not in parts and len(parts) > 1:
            given = f"it holds {' and '.join(parts)} samples"
            raise RequestError(
                source, given, "one set of samples, or x_test beside others", "name the reference x_test"
            )
        named = Named(source, parts["test"] if "test" in parts else parts.pop("train"))
        train, held_out = (parts.get(name, _none(space)) for name in ("train", "validation"))
        return Data(space, train, held_out, named.split), named, _judged(named)
    named, classes = _folder(source, place)
    if _is_grey(named.split.x):
        named = replace(named, split=Split(named.split.x[:, :1].contiguous(), named.split.y))
    space = Space(tuple(named.split.x.shape[1:]), classes)
    return Data(space, _none(space), _none(space), named.split), named, _judged(named)


def _samples(source: str, default: SplitName, root: Path | None) -> Named:
    """One set of samples."""
    if source.startswith(DATASET):
        data, split = _dataset(source, root)
        return Named(source, _part(data, split or default))
    place = _existing(source)
    if place.suffix not in (".npy", ".npz"):
        return _folder(source, place)[0]
    parts = read_splits(place)
    if len(parts) > 1:
        raise RequestError(source, f"it holds {' and '.join(parts)} samples", "one set of samples", "save them alone")
    return Named(source, next(iter(parts.values())))


def _dataset(source: str, root: Path | None) -> tuple[Data, SplitName | None]:
    name, _, split = source.removeprefix(DATASET).partition(":")
    splits: tuple[SplitName, ...] = get_args(SplitName)
    if split and split not in splits:
        raise RequestError(source, f"there is no split {split!r}", hint(split, splits))
    kind = Registry.of().find("dataset", name)
    try:
        dataset = kind()
    except TypeError:
        raise RequestError(source, f"the dataset {name} is read from a file of yours", ALLOWED, "name it") from None
    return dataset.load(root), next((one for one in splits if one == split), None)  # type: ignore[attr-defined]


def _part(data: Data, split: SplitName) -> Split:
    return {"train": data.train, "validation": data.validation, "test": data.test}[split]


def _existing(source: str) -> Path:
    place = Path(source).expanduser()
    if not place.exists():
        raise RequestError(source, "there is no such file or folder", ALLOWED, "correct the path")
    return place


def _folder(source: str, place: Path) -> tuple[Named, int]:
    """Images as RGB, in the order of their names, and the number of classes that their folders tell."""
    files = listed(place)
    y, classes = labels(files)
    return Named(source, Split(read_images(place, Form(None, 3)), y), tuple(files)), classes


def _fitted(named: Named, space: Space, where: str) -> Named:
    """Grey files saved in colour become grey where the reference is. Raises `RequestError` for another shape."""
    x = named.split.x
    if named.files and space.is_image and space.shape[0] == 1:
        if not _is_grey(x):
            raise RequestError(f"{where}, {named.source}", "they have colours", "grey images, as the reference has")
        named = replace(named, split=Split(x[:, :1].contiguous(), named.split.y))
    shape, wanted = (_shape(tuple(one)) for one in (named.split.x.shape[1:], space.shape))
    if shape != wanted or (x.dtype == torch.uint8) != space.is_image:
        kinds = [f"{'images' if image else 'points'} of {size}"
                 for image, size in ((x.dtype == torch.uint8, shape), (space.is_image, wanted))]  # fmt: skip
        raise RequestError(f"{where}, {named.source}", kinds[0], f"{kinds[1]}, as the reference")
    return named


def _judged(named: Named) -> tuple[str, ...]:
    """What to know of samples. Raises `RequestError` where no number of theirs would mean anything."""
    x = named.split.x
    if x.dtype != torch.uint8:
        return ()
    flat = torch.cat([(part.flatten(1).amax(1) == part.flatten(1).amin(1)) for part in torch.split(x, ROWS)])
    plain = flat.nonzero().flatten().tolist()
    if len(plain) == len(x):
        raise RequestError(
            named.source, f"every image is of one colour, from {named.place(0)} on", "images that show something"
        )
    if int(x.max()) <= 1:
        given = f"no pixel of {len(x)} images is above 1, from {named.place(0)} on"
        raise RequestError(named.source, given, "0..255", "multiply images in 0..1 by 255 before they are saved")
    if plain:
        return (f"{named.source}: {len(plain)} of {len(x)} images are of one colour, first {named.place(plain[0])}",)
    return ()


def _is_grey(x: Tensor) -> bool:
    return all(bool((part == part[:, :1]).all()) for part in torch.split(x, ROWS))


def _none(space: Space) -> Split:
    """No samples of a space."""
    return Split(torch.empty((0, *space.shape), dtype=torch.uint8 if space.is_image else torch.float32))


def _shape(shape: tuple[int, ...]) -> str:
    """`28x28, grey`, `32x32, RGB`, `2 dimensions`."""
    if len(shape) != 3:
        return f"{'x'.join(map(str, shape))} dimensions"
    colours = {1: "grey", 3: "RGB"}.get(shape[0], f"{shape[0]} channels")
    return f"{shape[1]}x{shape[2]}, {colours}"


def _about(named: Named) -> dict[str, str | int]:
    x = named.split.x
    digest = hashlib.sha256(f"{x.dtype} {tuple(x.shape)}\n".encode())
    digest.update(x.contiguous().numpy().data)
    return {"source": named.source, "samples": len(x), "sha256": digest.hexdigest()}
