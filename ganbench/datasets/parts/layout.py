"""What the folders of a user's images mean: splits, classes, parts of one set, or what StyleGAN's dataset.json says."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, TypeVar

from ganbench.datasets.base import SplitName
from ganbench.datasets.parts.listing import INDEX, Listing, shown
from ganbench.errors import RequestError

SPLITS: dict[str, SplitName] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
Class = TypeVar("Class", int, str)
CHUNKS = (100, 1_000, 10_000)  # images in a folder that holds a part of one set
CLASSES = 8  # names in the note
LABELS = f"the labels of {INDEX} are [file, class] for every image, with whole numbers as classes; or null"


@dataclass(frozen=True)
class Layout:
    """The split and the class of every image in the order of the listing.

    `classes` names the classes. `by` says how the classes were found; the file of 0.1 knew only `folders`.
    """

    splits: tuple[SplitName, ...] | None
    labels: tuple[int, ...] | None
    classes: tuple[str, ...]
    by: Literal["folders", "parts", "index"]

    def notes(self) -> list[str]:
        """What was found, in sentences."""
        notes = []
        if self.splits:
            notes.append(f"its folders are the splits {', '.join(dict.fromkeys(self.splits))}")
        if self.by == "parts":
            notes.append("its numbered folders hold parts of one set and are no classes")
        if self.classes:
            source = f"the labels in {INDEX}" if self.by == "index" else "the folders"
            is_below = self.by == "folders" and not any(map(posixpath.isabs, self.classes))  # an archive may hold both
            above = posixpath.commonpath(self.classes) if is_below else ""
            names = [posixpath.relpath(name, above) if above else name for name in self.classes]
            notes.append(f"{len(self.classes)} classes, {source}: {shown(names, CLASSES)}")
        elif self.by == "index":
            notes.append(f"{INDEX} gives no labels, so there are no classes")
        return notes


def layout_of(listing: Listing) -> Layout:
    """The layout by the names of the images and by `dataset.json`, if that is StyleGAN's."""
    splits, names = _splits(listing.images)
    index = _index(listing) if listing.index else None
    if index is not None:
        return Layout(splits, *_numbered(index.labels), "index")
    folders = [str(PurePosixPath(name).parent) for name in names]
    if _are_parts(names):
        return Layout(splits, None, (), "parts")
    return Layout(splits, *_numbered(folders), "folders")


@dataclass(frozen=True)
class _Index:
    labels: Sequence[int] | None


def _numbered(values: Sequence[Class] | None) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
    """Labels 0, 1, ... in the order of the values, and the values' names; none for fewer than two classes."""
    distinct: list[Class] = sorted(set(values or ()))
    if values is None or len(distinct) < 2:
        return None, ()
    number = {value: i for i, value in enumerate(distinct)}
    return tuple(number[value] for value in values), tuple(map(str, distinct))


def _splits(images: Sequence[str]) -> tuple[tuple[SplitName, ...] | None, list[str]]:
    """Each image's split, if the first folders that differ name splits, and the names without these folders."""
    paths = [PurePosixPath(name).parts for name in images]
    for level in range(min(map(len, paths)) - 1):
        found = [SPLITS.get(parts[level].lower()) for parts in paths]
        splits = tuple(split for split in found if split)
        if len(splits) == len(paths) and len(set(splits)) > 1:
            return splits, ["/".join(parts[:level] + parts[level + 1 :]) for parts in paths]
        if len({parts[level] for parts in paths}) > 1:
            break
    return None, list(images)


def _are_parts(images: Sequence[str]) -> bool:
    """Whether the folders are numbered as StyleGAN, FFHQ and img2dataset do: 00001/img00001234.png, 01000/01234.png.

    The number of each image says in which folder it lies, so the folders say nothing else.
    """
    folders = [PurePosixPath(name).parent.name for name in images]
    numbers = [re.search(r"\d+$", PurePosixPath(name).stem) for name in images]
    if len(set(folders)) < 2 or not all(numbers):
        return False
    if not all(re.fullmatch(r"\d{4,}", folder) for folder in set(folders)):
        return False
    pairs = [(int(folder), int(number[0])) for folder, number in zip(folders, numbers, strict=True) if number]
    return any(
        all(number // size == folder for folder, number in pairs)
        or all(number // size * size == folder for folder, number in pairs)
        for size in CHUNKS
    )


def _index(listing: Listing) -> _Index | None:
    """The labels in `dataset.json`, or None where it is another program's file."""
    name = listing.index or ""
    try:
        body = json.loads(listing.read(name))
    except (OSError, ValueError, RuntimeError) as error:
        raise _bad(listing, f"it can't be read ({error})") from error
    if not isinstance(body, dict) or "labels" not in body:
        return None
    if body["labels"] is None:
        return _Index(None)
    try:
        known = {str(file).replace("\\", "/"): label for file, label in body["labels"]}
    except (TypeError, ValueError) as error:
        raise _bad(listing, "its labels are not pairs of a file and a class") from error
    folder = name.removesuffix(INDEX)
    lacking = [image for image in listing.images if image.removeprefix(folder) not in known]
    if lacking:
        raise _bad(listing, f"{len(lacking)} images have no label in it, the first is {lacking[0]}")
    labels = [known[image.removeprefix(folder)] for image in listing.images]
    wrong = next((label for label in labels if type(label) is not int), None)
    if wrong is not None:
        raise _bad(listing, f"the label {wrong!r} is not a whole number")
    return _Index(labels)


def _bad(listing: Listing, given: str) -> RequestError:
    return RequestError(listing.where(listing.index or ""), given, LABELS, "correct the file or remove it")
