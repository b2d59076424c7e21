"""What a user's file is, by its first bytes, so that a message can name it. This module reads no sample."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ganbench.errors import RequestError

NUMPY, NUMPY_ARCHIVE = "a .npy file", "a .npz file"
TORCH = "a file of torch.save"
BYTES = 512
TAR = b"ustar"  # at byte 257
MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"\x93NUMPY", NUMPY),
    (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", TORCH),  # before torch 1.6
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"PAR1", "a parquet file"),
    (b"MATLAB 5.0", "a MATLAB file"),
    (b"\x89PNG", "a single image"),
    (b"\xff\xd8\xff", "a single image"),
    (b"GIF8", "a single image"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
)
CURES = {
    NUMPY: "read it with the dataset 'arrays'",
    NUMPY_ARCHIVE: "read it with the dataset 'arrays'",
    TORCH: "save the samples with numpy.save(FILE, samples.numpy())",
    "a pickle": "save the samples with numpy.save; pickles are never opened",
    "a single image": "name its folder",
    "an HDF5 file": "save the samples with numpy.save",
    "a parquet file": "save the samples with numpy.save",
    "a MATLAB file": "save the samples with numpy.save",
}  # any other kind is packed


def format_of(place: Path) -> str | None:
    """`a .npz file`, `a file of torch.save`, `a tar archive`, ...; None for a folder, a zip archive, or another file.

    A file whose name ends in .npy or .npz is taken for one unless its content says otherwise.
    """
    if not place.is_file():
        return None
    try:
        with place.open("rb") as file:
            head = file.read(BYTES)
        known = next((name for magic, name in MAGICS if head.startswith(magic)), None) or _archive(place, head)
    except (OSError, zipfile.BadZipFile):  # the reader will say so
        known = None
    return known or {".npy": NUMPY, ".npz": NUMPY_ARCHIVE}.get(place.suffix.lower())


def is_array_file(place: Path) -> bool:
    """Whether the file holds numpy's arrays."""
    return format_of(place) in (NUMPY, NUMPY_ARCHIVE)


def unknown_set(place: Path) -> RequestError:
    """The error about something that is neither a folder nor a zip archive of images."""
    kind, allowed = format_of(place), "a folder or a zip archive of images"
    if kind is None:
        return RequestError(str(place), "it is neither a folder nor a zip archive", allowed, "correct the path")
    return RequestError(str(place), f"it is {kind}", allowed, cure(kind))


def cure(kind: str) -> str:
    """What to do with a file of a kind that isn't read."""
    return CURES.get(kind, "unpack it, and name the folder")


def _archive(place: Path, head: bytes) -> str | None:
    if head[257:262] == TAR:
        return "a tar archive"
    if not zipfile.is_zipfile(place):
        return None
    with zipfile.ZipFile(place) as archive:
        names = archive.namelist()
    if any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
        return TORCH
    return NUMPY_ARCHIVE if names and all(name.lower().endswith(".npy") for name in names) else None
