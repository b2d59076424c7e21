"""Images from a folder or a zip archive. An archive is read without extracting it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganbench.datasets.base import Space, Split, SplitName
from ganbench.datasets.parts.decoding import UNREADABLE, DecodedImage, decoded, is_turned
from ganbench.datasets.parts.files import digest
from ganbench.datasets.parts.layout import Layout, layout_of
from ganbench.datasets.parts.listing import Listing, left_out_text, opened, shown
from ganbench.errors import RequestError

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Size = tuple[int, int]  # height, width


@dataclass(frozen=True)
class Form:
    """The format of images: their centred square, resized by PIL's antialiased Lanczos filter if necessary.

    With `stretched` it is the whole image, resized to a square by PIL's antialiased bilinear filter.
    """

    side: int | None  # the final height and width; None keeps the images, which have to be of one size
    channels: int  # 1 for grey, 3 for RGB
    crop: int | None = None  # side of the square before it is resized; None: the largest one
    stretched: bool = False


@dataclass(frozen=True)
class ImageSet:
    """A user's images by split, their files in the same order, and what a user should know about the reading.

    Without folders that are splits, all images are in `train`.
    """

    space: Space
    parts: dict[SplitName, Split]
    files: dict[SplitName, tuple[str, ...]]
    notes: tuple[str, ...]


@dataclass
class _Remarks:
    """What is counted while images are decoded, by the names of the files."""

    frames: Counter[str] = field(default_factory=Counter)  # beyond the first
    turned: list[str] = field(default_factory=list)
    transparent: list[str] = field(default_factory=list)

    def add(self, name: str, picture: DecodedImage) -> None:
        if picture.frames > 1:
            self.frames[name] = picture.frames - 1
        self.turned += [name] if picture.turned else []
        self.transparent += [name] if picture.transparent else []

    def notes(self) -> Iterator[str]:
        if self.frames:
            files = f"{len(self.frames)} files ({shown(self.frames)})"
            yield (
                f"only the first frame or page of a file is read: {self.frames.total()} further ones of {files} are "
                "left out; save each as a file of its own to use it"
            )
        if self.turned:
            yield f"{len(self.turned)} images ({shown(self.turned)}) were turned as their EXIF orientation says"
        if self.transparent:
            files = f"{len(self.transparent)} images ({shown(self.transparent)})"
            yield f"{files} have transparent pixels: the transparency was dropped, and the colours below it are used"


def listed(place: Path) -> list[str]:
    """The names of the images in a folder or zip archive, relative to it and sorted, without hidden and other files."""
    with opened(place) as listing:
        return list(listing.images)


def labels(names: Sequence[str]) -> Tensor | None:
    """Each image's class, which is its folder, numbered in the order of the folders; None for a single folder."""
    folders = [str(PurePosixPath(name).parent) for name in names]
    classes = {folder: i for i, folder in enumerate(sorted(set(folders)))}
    return torch.tensor([classes[folder] for folder in folders]) if len(classes) > 1 else None


def content_hash(place: Path) -> str:
    """The SHA-256 of a zip archive's bytes, or of the names and bytes of a folder's images.

    What ganbench 0.1 read otherwise counts besides, so that its runs on such images are other runs.
    """
    with opened(place) as listing:
        if place.is_file():
            content = digest(place)
        else:
            lines = "".join(f"{name}\0{digest(place / name)}\n" for name in listing.images)
            content = hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()
        changes = _changes(listing, layout_of(listing))
    text = "\n".join((content, *changes))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest() if changes else content


def read_image(where: str, read: Callable[[], bytes], form: Form) -> Pixels:
    """The image in the bytes that `read` returns, uint8 (channels, height, width). `where` names it in messages."""
    return pixels(decoded(where, read).image, form)


def read_images(place: Path, form: Form, chosen: Sequence[str] | None = None) -> Tensor:
    """The chosen images, or all in the order of `listed`, as uint8 (n, channels, height, width)."""
    with opened(place) as listing:
        return _read(listing, form, listing.images if chosen is None else chosen, _Remarks())


def read_space(place: Path, form: Form) -> Space:
    """The space of a user's images; without a side, their size is that of the first one."""
    with opened(place) as listing:
        height, width = _size(listing, form, listing.images[0])
        return Space((form.channels, height, width), len(layout_of(listing).classes))


def read_set(place: Path, form: Form, source: str) -> ImageSet:
    """A user's images with their splits and classes. `source` names the folder or archive in the notes."""
    remarks = _Remarks()
    with opened(place) as listing:
        layout = layout_of(listing)
        x = _read(listing, form, listing.images, remarks)
    y = None if layout.labels is None else torch.tensor(layout.labels)
    parts: dict[SplitName, Split] = {}
    files: dict[SplitName, tuple[str, ...]] = {}
    every: tuple[SplitName, ...] = layout.splits or ("train",)
    for split in dict.fromkeys(every):
        rows = [i for i, name in enumerate(layout.splits) if name == split] if layout.splits else slice(None)
        parts[split] = Split(x[rows], None if y is None else y[rows])
        files[split] = tuple(np.array(listing.images, dtype=object)[rows])
    left_out = [f"{len(x)} images read, {left_out_text(listing.left_out)}"] if listing.left_out else []
    notes = (f"{source}: {note}" for note in (*left_out, *layout.notes(), *remarks.notes()))
    return ImageSet(Space(tuple(x.shape[1:]), len(layout.classes)), parts, files, tuple(notes))


def pixels(image: Image.Image, form: Form) -> Pixels:
    """One image in the given format, uint8 (channels, height, width)."""
    image = image.convert("L" if form.channels == 1 else "RGB")
    if form.side is not None and form.stretched:
        image = image.resize((form.side, form.side), Image.Resampling.BILINEAR)
    elif form.side is not None:
        square = form.crop or min(image.size)
        if image.size != (square, square):
            left, top = (image.width - square) // 2, (image.height - square) // 2
            image = image.crop(
                (left, top, left + square, top + square)
            )  # resize(box=...) would use pixels outside the crop
        if square != form.side:
            image = image.resize((form.side, form.side), Image.Resampling.LANCZOS)
    array = np.asarray(image, dtype=np.uint8).reshape(image.height, image.width, form.channels)
    return array.transpose(2, 0, 1)


def _read(listing: Listing, form: Form, names: Sequence[str], remarks: _Remarks) -> Tensor:
    height, width = _size(listing, form, names[0])
    samples = np.empty((len(names), form.channels, height, width), dtype=np.uint8)
    for i, name in enumerate(names):
        picture = decoded(listing.where(name), partial(listing.read, name))
        image = picture.image
        if form.side is None and image.size != (width, height):
            first = f"the first one, {names[0]}, is {width}x{height}"
            given = f"the image is {image.width}x{image.height}, and {first}"
            todo = "crop and resize them, or set 'size' of the dataset 'images', which does both"
            raise RequestError(listing.where(name), given, "without 'size' all images must be of one size", todo)
        try:
            samples[i] = pixels(image, form)
        except UNREADABLE as error:  # such as a colour space that Pillow doesn't convert
            given, todo = f"the image can't be converted ({error})", "save it as grey or RGB"
            raise RequestError(listing.where(name), given, "grey and RGB images", todo) from error
        remarks.add(name, picture)
    return torch.from_numpy(samples)


def _size(listing: Listing, form: Form, name: str) -> Size:
    if form.side is not None:
        return form.side, form.side
    image = decoded(listing.where(name), partial(listing.read, name)).image
    return image.height, image.width


def _changes(listing: Listing, layout: Layout) -> list[str]:
    """What ganbench 0.1 read otherwise: splits, classes, names in archives, and images that have to be turned."""
    by_folder = labels(listing.images)
    old = None if by_folder is None else tuple(by_folder.tolist())
    changes = [f"splits {layout.splits} labels {layout.labels}"] if layout.splits or layout.labels != old else []
    changes += [f"renamed {name}" for name in listing.renamed]
    return changes + [f"turned {name}" for name in _turned(listing)]


def _turned(listing: Listing) -> Sequence[str]:
    stat = listing.place.stat()
    if listing.place.is_file():
        return _turned_members(listing.place, stat.st_size, stat.st_mtime_ns)
    return [name for name in listing.images if _is_turned_file(listing.place / name)]


def _is_turned_file(place: Path) -> bool:
    stat = place.stat()
    return _turned_file(place, stat.st_size, stat.st_mtime_ns)


@cache
def _turned_file(place: Path, _size: int, _mtime: int) -> bool:
    return is_turned(place.read_bytes())


@cache
def _turned_members(place: Path, _size: int, _mtime: int) -> tuple[str, ...]:
    with opened(place) as listing:
        return tuple(name for name in listing.images if _is_turned_member(listing, name))


def _is_turned_member(listing: Listing, name: str) -> bool:
    try:
        return is_turned(listing.read(name))
    except UNREADABLE:  # `decoded` will say so
        return False
