"""Samples from a user's .npy and .npz files. Pickled objects are never read."""

from __future__ import annotations

import lzma
import math
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from ganbench.datasets.base import Space, Split, SplitName
from ganbench.datasets.parts.formats import NUMPY, NUMPY_ARCHIVE, cure, format_of
from ganbench.errors import RequestError

Array = np.ndarray[Any, np.dtype[Any]]

SAMPLES = "samples are uint8 images (N, H, W) or (N, H, W, C) with C 1 or 3, or floating-point points (N, d)"
NAMES = "one array; or 'x' and 'y'; or 'x_train', 'x_val', 'x_test' with labels 'y_train', 'y_val', 'y_test'"
ALIASES: dict[SplitName, tuple[str, ...]] = {
    "train": ("train",),
    "validation": ("validation", "val"),
    "test": ("test",),
}
DAMAGED_ZIP = (zipfile.BadZipFile, RuntimeError, KeyError, struct.error, zlib.error, lzma.LZMAError)  # also encrypted
UNREADABLE = (OSError, EOFError, ValueError, OverflowError, MemoryError, *DAMAGED_ZIP)
FIRST, SECOND = "arr_0", "arr_1"  # numpy's names of arrays without names
MEMORY = math.inf if sys.platform == "win32" else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")  # bytes
STATISTICS = frozenset({"mu", "sigma", "mu_s", "sigma_s"})  # of features, in ADM's and other programs' files


@dataclass(frozen=True)
class Header:
    """The shape and type of an array, which are known without reading it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"


@dataclass(frozen=True)
class Pair:
    """The names of a split's samples and of its labels."""

    x: str
    y: str | None


Headers = dict[str, Header]  # by the array's name; the array of a .npy file has the name ""
Pairs = dict[SplitName, Pair]


@dataclass(frozen=True)
class Naming:
    """What the names of a file's arrays say: the samples of each split, and the arrays that are left out."""

    pairs: Pairs
    left_out: tuple[str, ...]


def read_space(place: Path) -> Space:
    """The space of the file's samples. It reads the labels, and only the headers of the samples."""
    known = headers(place)
    pairs = _checked(place, known)
    header = known[pairs["train"].x]
    shape = header.shape[1:]
    if header.dtype == np.uint8:
        shape = (shape[2] if len(shape) == 3 else 1, *shape[:2])
    return Space(shape, classes=len(_classes(place, pairs)))


def read_splits(place: Path) -> dict[SplitName, Split]:
    """The splits in the file; labels are numbered 0, 1, ... in the order of their values."""
    pairs = _checked(place, headers(place))
    classes = _classes(place, pairs)
    splits: dict[SplitName, Split] = {}
    for split, pair in pairs.items():
        y = None if pair.y is None else torch.from_numpy(np.searchsorted(classes, _labels(place, pair.y)))
        splits[split] = Split(_samples(place, pair.x), y)
    return splits


def notes(place: Path) -> tuple[str, ...]:
    """Which arrays were taken and which were left out, if any was."""
    known = headers(place)
    naming = _named(place, known)
    if not naming.left_out:
        return ()
    pairs = naming.pairs.values()
    taken = ", ".join(f"{pair.x!r}" + (f" with the labels {pair.y!r}" if pair.y else "") for pair in pairs)
    left_out = ", ".join(f"{name!r} ({_meaning(name, known[name])})" for name in naming.left_out)
    return (f"{place}: {taken} was read; left out: {left_out}",)


def _meaning(name: str, header: Header) -> str:
    return f"statistics of features, {header}" if name in STATISTICS else str(header)


def headers(place: Path) -> Headers:
    """The header of every array in the file. Raises `RequestError` for what is larger than the memory."""
    kind = format_of(place)
    if kind not in (None, NUMPY, NUMPY_ARCHIVE):
        raise RequestError(str(place), f"it is {kind}", "a .npy or .npz file of plain numbers", cure(str(kind)))
    with _reading(place):
        known = _headers(place)
    for name, header in known.items():
        size = math.prod(header.shape) * header.dtype.itemsize
        if size > MEMORY:  # a small .npz archive can hold terabytes of zeros
            given = f"{_array(name)} takes {size / 2**30:.0f} GiB when it is unpacked: {header}"
            raise RequestError(str(place), given, f"at most {MEMORY / 2**30:.0f} GiB, the memory of this machine",
                               "save fewer samples")  # fmt: skip
    return known


def _headers(place: Path) -> Headers:
    if not place.is_file():  # reading a pipe would wait for ever
        raise OSError("it is not a plain file")
    if zipfile.is_zipfile(place):
        with zipfile.ZipFile(place) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            if len(set(names)) < len(names):
                raise ValueError(f"it holds two arrays of the name {_recurring(names)!r}")
            return {name.removesuffix(".npy"): _header(archive.open(name)) for name in archive.namelist()}
    with place.open("rb") as file:
        return {"": _header(file)}


def _recurring(names: list[str]) -> str:
    return next(name for name in names if names.count(name) > 1)


def _header(file: IO[bytes]) -> Header:
    first = np.lib.format.read_magic(file) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
    try:
        shape, _, dtype = read(file)
    except Exception as error:  # numpy parses it as Python, so that a damaged one gives errors of many kinds
        raise ValueError("the header of an array is damaged") from error
    return Header(shape, dtype)


def _checked(place: Path, known: Headers) -> Pairs:
    """The arrays of each split, checked as far as their headers allow."""
    pairs = _named(place, known).pairs
    first = pairs["train"].x
    for pair in pairs.values():
        _check_samples(place, pair.x, known[pair.x])
        if _kind(known[pair.x]) != _kind(known[first]):
            given = f"{pair.x!r} is {known[pair.x]} but {first!r} is {known[first]}"
            raise RequestError(
                str(place), given, "the samples of all splits have the same shape and type", "correct the file"
            )
        if pair.y is not None:
            _check_labels(place, pair.y, known[pair.y], len_x=known[pair.x].shape[0])
    labelled = [pair.x for pair in pairs.values() if pair.y is not None]
    if 0 < len(labelled) < len(pairs):
        given = f"there are labels only for {', '.join(map(repr, labelled))}"
        raise RequestError(
            str(place), given, "either all splits have labels or none has", "add or remove 'y_...' arrays"
        )
    return pairs


def _kind(header: Header) -> tuple[bool, tuple[int, ...]]:
    return header.dtype == np.uint8, header.shape[1:]


def _named(place: Path, known: Headers) -> Naming:
    """The splits by the names of the arrays; a single array, or `x` with its labels `y`, is the training split.

    So is `arr_0`, with labels in `arr_1` if it holds a whole number for each sample; what else lies there is left out.
    """
    pairs: Pairs = {}
    for split, aliases in ALIASES.items():
        xs = [name for alias in aliases for name in (f"x_{alias}", f"{alias}_images", alias) if name in known]
        ys = [name for alias in aliases for name in (f"y_{alias}", f"{alias}_labels") if name in known]
        if xs:
            pairs[split] = Pair(xs[0], ys[0] if ys else None)
    if not pairs and (len(known) == 1 or "x" in known):
        pairs["train"] = Pair("x" if "x" in known else next(iter(known)), "y" if "y" in known else None)
    elif not pairs and FIRST in known:
        pairs["train"] = Pair(FIRST, _labels_of_first(known))
    unused = known.keys() - {name for pair in pairs.values() for name in (pair.x, pair.y)}
    if "train" in pairs and (pairs["train"].x == FIRST or unused <= STATISTICS):
        return Naming(pairs, tuple(sorted(unused)))
    if unused and unused <= STATISTICS and not pairs:
        given, todo = f"it holds statistics of features, {_listed(unused)}, and no samples", "name a file of samples"
        raise RequestError(str(place), given, NAMES, todo)
    if "train" not in pairs or unused:
        todo = f"rename or remove {_listed(unused)}" if "train" in pairs else "rename the arrays"
        raise RequestError(str(place), f"it holds the arrays {_listed(known) or '(none)'}", NAMES, todo)
    return Naming(pairs, ())


def _labels_of_first(known: Headers) -> str | None:
    """The name of the labels of `arr_0`, or None."""
    header, length = known.get(SECOND), known[FIRST].shape[:1]
    labels = header is not None and header.dtype.kind in "iu" and header.shape in (length, (*length, 1))
    return SECOND if labels else next((name for name in ("labels", "y") if name in known), None)


def _check_samples(place: Path, name: str, header: Header) -> None:
    """Raise unless the array can be samples."""
    shape, dtype = header.shape, header.dtype
    images = dtype == np.uint8 and (len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3)))
    if not images and not (dtype.kind == "f" and len(shape) == 2):
        raise RequestError(str(place), f"{_array(name)} is {header}", SAMPLES, _cure(header))
    if 0 in shape:
        raise RequestError(str(place), f"{_array(name)} is empty: {header}", SAMPLES, "add at least one sample")


def _cure(header: Header) -> str:
    """How to correct an array that can't be samples."""
    shape, dtype = header.shape, header.dtype
    if dtype.hasobject:
        return "save plain numbers; Python objects are never unpickled"
    if dtype.kind == "f" and len(shape) in (3, 4):
        return "scale the images to 0..255, round them and save them as uint8"
    if dtype == np.uint8 and len(shape) == 4 and shape[1] in (1, 3):
        return "move the channels last: x.transpose(0, 2, 3, 1)"
    if dtype == np.uint8 and len(shape) == 2:
        return "reshape images to (N, H, W); save points as float32"
    return "convert the array and save it again"


def _check_labels(place: Path, name: str, header: Header, *, len_x: int) -> None:
    """Raise unless the labels are one whole number per sample, (N,) or (N, 1)."""
    if header.dtype.kind not in "iu" or header.shape[1:] not in ((), (1,)):
        given = f"{_array(name)} is {header}"
        raise RequestError(str(place), given, "labels are whole numbers (N,)", "convert the labels")
    if header.shape[0] != len_x:
        given = f"{_array(name)} holds {header.shape[0]} labels for {len_x} samples"
        raise RequestError(str(place), given, "one label per sample", "correct the file")


def _classes(place: Path, pairs: Pairs) -> Array:
    """The distinct labels of all splits, in order."""
    labels = [_labels(place, pair.y) for pair in pairs.values() if pair.y is not None]
    return np.unique(np.concatenate(labels)) if labels else np.empty(0)


def _labels(place: Path, name: str) -> Array:
    return read_array(place, name).reshape(-1)


def _samples(place: Path, name: str) -> Tensor:
    """The samples as they are stored: uint8 (n, c, h, w) or float32 (n, d), every number finite."""
    values = read_array(place, name)
    if values.dtype == np.uint8:
        images = values[:, None] if values.ndim == 3 else values.transpose(0, 3, 1, 2)
        return torch.from_numpy(np.ascontiguousarray(images))
    with np.errstate(over="ignore"):
        points = np.ascontiguousarray(values, dtype=np.float32)
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        given = (
            f"{_array(name)} has numbers that are not finite in float32 in {len(bad)} rows, the first in row {bad[0]}"
        )
        raise RequestError(str(place), given, "finite numbers only", "correct or remove these rows")
    return torch.from_numpy(points)


def read_array(place: Path, name: str) -> Array:
    with _reading(place):
        loaded = np.load(place, allow_pickle=False)
        if not name:
            return np.asarray(loaded)
        with loaded:
            return np.asarray(loaded[name])


@contextmanager
def _reading(place: Path) -> Iterator[None]:
    """Turn numpy's error about an unusable file into a `RequestError`."""
    try:
        yield
    except UNREADABLE as error:
        allowed, todo = "a .npy or .npz file of plain numbers", "save it again with numpy.save or numpy.savez"
        raise RequestError(str(place), f"the file can't be read ({error})", allowed, todo) from error


def _array(name: str) -> str:
    return f"the array {name!r}" if name else "the array"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, sorted(names)))
