"""Reading an archive of a suite, which may be a stranger's. See `ganbench.results.archive`.

Only files whose names are those of a results folder are unpacked, into a temporary folder that is removed afterwards;
each is compared with its digest. Checkpoints are not unpacked.
"""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ganbench.errors import RequestError
from ganbench.results.archive import README, SUMS
from ganbench.results.names import why_no_name
from ganbench.results.real import is_picture
from ganbench.results.store import Store
from ganbench.results.transfer import is_run_file

MOST_BYTES = 2**28  # of one file
MOST_IN_ALL = 2**32
AGAIN = "ask for the file again, or make it again with `ganbench archive`"
_SUM = re.compile(r"([0-9a-f]{64})  (.+)")
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def is_archive(path: Path) -> bool:
    """Whether a path names an archive and not a results folder."""
    return path.suffix.lower() == ".zip" and not path.is_dir()


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """The results in a folder or in an archive. What is written into those of an archive is lost.

    Raises `RequestError` for a file that is cut, changed, no archive of a suite, or larger than the limits.
    """
    if not is_archive(path):
        yield Store(path)
        return
    with TemporaryDirectory(prefix="ganbench-archive-") as folder:
        try:
            with path.open("rb") as raw, zipfile.ZipFile(raw) as file:
                _unpack(file, path, Path(folder))
        except FileNotFoundError:
            raise RequestError(str(path), "there is no such file", todo="correct the name") from None
        except _UNREADABLE as error:
            raise RequestError(str(path), f"it is damaged, truncated or not a zip file ({error})", todo=AGAIN) from None
        yield Store(Path(folder))


def _unpack(file: zipfile.ZipFile, path: Path, folder: Path) -> None:
    entries = _entries(file, path)
    sums = _sums(file.read(entries[SUMS]).decode())
    if lacking := sorted(sums.keys() - entries.keys()):
        raise RequestError(str(path), f"damaged: {lacking[0]} is missing", todo=AGAIN)
    for name, entry in sorted(entries.items()):
        if name == SUMS or "/checkpoints/" in name:
            continue
        content = file.read(entry)
        if sums.get(name) != hashlib.sha256(content).hexdigest():
            raise RequestError(str(path), f"damaged: {name} does not match its checksum in {SUMS}", todo=AGAIN)
        if name != README:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


def _entries(file: zipfile.ZipFile, path: Path) -> Mapping[str, zipfile.ZipInfo]:
    """The files of an archive by their names. Raises `RequestError` for what no archive of a suite holds."""
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in file.infolist():
        if entry.is_dir():
            continue
        if not _is_known(entry.filename) or entry.filename in entries or stat.S_ISLNK(entry.external_attr >> 16):
            given = f"{entry.filename!r:.200} is no file of an archive of a suite"
            raise RequestError(str(path), given, "such a file is written by `ganbench archive`", "unpack it yourself")
        entries[entry.filename] = entry
    if SUMS not in entries:
        raise RequestError(str(path), f"it is not an archive of a suite: {SUMS} is missing", todo=AGAIN)
    sizes = {name: entry.file_size for name, entry in entries.items() if "/checkpoints/" not in name}
    largest = max(sizes, key=sizes.__getitem__)
    if sizes[largest] > MOST_BYTES or sum(sizes.values()) > MOST_IN_ALL:
        given = f"it takes {sum(sizes.values()) / 2**20:.0f} MiB when it is unpacked, {largest} the most of them"
        allowed = f"at most {MOST_BYTES // 2**20} MiB for a file, and {MOST_IN_ALL // 2**20} MiB in all"
        raise RequestError(str(path), given, allowed, "unpack it yourself and give the folder with --results")
    return entries


def _is_known(name: str) -> bool:
    if name in (README, SUMS) or is_picture(name):
        return True
    first, _, rest = name.partition("/")
    if first == "suites":
        return rest.endswith(".json") and not why_no_name(rest.removesuffix(".json"))
    run_id, _, inner = rest.partition("/")
    return first == "runs" and not why_no_name(run_id) and is_run_file(inner)


def _sums(text: str) -> dict[str, str]:
    """The digest of each file. Raises `ValueError` for a line that is none."""
    found = [_SUM.fullmatch(line) for line in text.splitlines()]
    if not all(found):
        raise ValueError(f"{SUMS} is damaged")
    return {match[2]: match[1] for match in found if match}
