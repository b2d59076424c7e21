"""The files in a folder or zip archive of images: which are read, and which are left out and why."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ganbench.datasets.parts.formats import format_of, unknown_set
from ganbench.errors import RequestError

EARLIER = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})  # of 0.1
SUFFIXES = EARLIER | {
    *(".jfif", ".jpe", ".apng", ".avif", ".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"),
    *(".dib", ".pbm", ".pnm", ".tga", ".pcx", ".qoi", ".mpo"),
}
INDEX = "dataset.json"  # StyleGAN's file of labels
SYSTEM_FILES = (".DS_Store", "Thumbs.db", "desktop.ini")
MOST_BYTES = 2**28  # of one image file; a small zip archive can hold terabytes of zeros
SHOWN = 3  # names in a message

Reader = Callable[[str], bytes]  # the bytes of the named file


@dataclass(frozen=True)
class Entry:
    """A file below a folder or in an archive, with `/` between folders, and why it can't be read, if it can't."""

    name: str
    problem: str = ""


@dataclass(frozen=True)
class Listing:
    """The images of a folder or zip archive, sorted, and what is left out, as (reason, name).

    `index`: the name of StyleGAN's file of labels, or None. `renamed`: the names that ganbench 0.1 read otherwise.
    """

    place: Path
    images: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    index: str | None
    renamed: tuple[str, ...]
    read: Reader

    def where(self, name: str) -> str:
        """The name of a file for messages; a member of an archive may have an absolute one."""
        return f"{self.place}/{name.lstrip('/')}"


@contextmanager
def opened(place: Path) -> Iterator[Listing]:
    """The listing of a folder or zip archive. Raises `RequestError` where there is none, or no image in it."""
    if place.is_dir():
        yield _listing(place, entries(place), (), lambda name: _file(place / name))
    elif place.is_file() and format_of(place) is None and zipfile.is_zipfile(place):
        with _archive(place) as archive:
            members, replaced = _members(archive)
            found = [*map(Entry, members), *(Entry(name, "replaced by a later file of its name") for name in replaced)]
            earlier = {info.filename for info in archive.infolist() if _suffix(info.filename) in EARLIER}
            renamed = ({name for name in members if is_image(name)} - earlier) | set(replaced)
            yield _listing(place, found, renamed, lambda name: _member(archive, members[name]))
    else:
        raise unknown_set(place)


def _archive(place: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(place)
    except (OSError, zipfile.BadZipFile) as error:
        given = f"the zip archive can't be read ({error})"
        raise RequestError(str(place), given, "a whole zip archive", "make or copy it again") from error


def _file(path: Path) -> bytes:
    _check_size(str(path), path.stat().st_size)
    return path.read_bytes()


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of a member, in memory: nothing is extracted, so that `..` and links in an archive lead nowhere."""
    _check_size(f"{archive.filename}/{info.filename}", info.file_size)  # zipfile reads no more than this size
    return archive.read(info)


def _check_size(where: str, size: int) -> None:
    if size > MOST_BYTES:
        given = f"the file takes {size / 2**20:.0f} MiB when it is unpacked"
        raise RequestError(where, given, f"image files of at most {MOST_BYTES // 2**20} MiB", "remove the file")


def entries(place: Path) -> list[Entry]:
    """Everything below a folder but folders, sorted by name. Linked folders are followed, never in a circle."""
    return sorted(_entries(place, PurePosixPath(), frozenset()), key=lambda entry: entry.name)


def _entries(folder: Path, inside: PurePosixPath, above: frozenset[tuple[int, int]]) -> Iterator[Entry]:
    try:
        stat = folder.stat()
        children = [] if (stat.st_dev, stat.st_ino) in above else list(os.scandir(folder))
    except OSError:
        yield Entry(str(inside), "folders that can't be read")
        return
    if (stat.st_dev, stat.st_ino) in above:
        yield Entry(str(inside), "links to a folder above them")
    for child in children:
        path, name = Path(child.path), inside / child.name
        if path.is_dir():
            yield from _entries(path, name, above | {(stat.st_dev, stat.st_ino)})
        elif path.is_file():
            yield Entry(str(name))
        else:
            yield Entry(str(name), "broken links" if child.is_symlink() else "devices and pipes")


def _members(archive: zipfile.ZipFile) -> tuple[dict[str, zipfile.ZipInfo], list[str]]:
    """The files of an archive by their names with `/`, also where Windows wrote `\\`, and the names that recur."""
    members: dict[str, zipfile.ZipInfo] = {}
    replaced = []
    for info in archive.infolist():
        name = info.filename.replace("\\", "/")
        if not name.endswith("/"):
            replaced += [name] if name in members else []
            members[name] = info
    return members, replaced


def _listing(place: Path, found: Iterable[Entry], renamed: Iterable[str], read: Reader) -> Listing:
    images: list[str] = []
    left_out: list[tuple[str, str]] = []
    others: list[str] = []
    for entry in found:
        if entry.problem:
            left_out.append((entry.problem, entry.name))
        elif _is_system_file(entry.name):
            continue
        elif is_image(entry.name):
            images.append(entry.name)
        else:
            others.append(entry.name)
    index = _index(others, images)
    left_out += [(_reason(name), name) for name in others if name != index]
    if not images:
        given = "there is no image in it" + (f" ({left_out_text(left_out)})" if left_out else "")
        allowed = f"files whose names end in {' '.join(sorted(SUFFIXES))}"
        raise RequestError(str(place), given, allowed, "correct the path")
    return Listing(place, tuple(sorted(images)), tuple(left_out), index, tuple(sorted(renamed)), read)


def is_image(name: str) -> bool:
    """Whether a file's name is that of an image, and neither hidden nor in a hidden folder."""
    path = PurePosixPath(name)
    return path.suffix.lower() in SUFFIXES and not _is_hidden(path)


def left_out_text(left_out: Iterable[tuple[str, str]]) -> str:
    """`left out: broken links: 1 (b.png); other files: 14 (12 .txt, 2 .heic)`."""
    by_reason: dict[str, list[str]] = {}
    for reason, name in left_out:
        by_reason.setdefault(reason, []).append(name)
    parts = (f"{reason}: {len(names)} ({_shown(reason, names)})" for reason, names in sorted(by_reason.items()))
    return f"left out: {'; '.join(parts)}"


def shown(names: Iterable[str], limit: int = SHOWN) -> str:
    """The first names, and dots for the others."""
    every = list(names)
    return ", ".join(every[:limit]) + (", ..." if len(every) > limit else "")


def _shown(reason: str, names: list[str]) -> str:
    if reason != "other files":
        return shown(names)
    suffixes = Counter(_suffix(name) or "no suffix" for name in names)
    return ", ".join(f"{count} {suffix}" for suffix, count in suffixes.most_common())


def _reason(name: str) -> str:
    return "hidden files" if _is_hidden(PurePosixPath(name)) else "other files"


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _is_hidden(path: PurePosixPath) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _is_system_file(name: str) -> bool:
    """Whether the operating system put the file there beside the user's own."""
    path = PurePosixPath(name)
    return path.name in SYSTEM_FILES or path.name.startswith("._") or "__MACOSX" in path.parts


def _index(others: Iterable[str], images: Iterable[str]) -> str | None:
    """The file of labels that lies above all images, or None."""
    for name in sorted(others, key=len):
        folder = name.removesuffix(INDEX)
        if PurePosixPath(name).name == INDEX and all(image.startswith(folder) for image in images):
            return name
    return None
