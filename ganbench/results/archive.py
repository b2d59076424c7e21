"""A suite's results in one zip file, to publish or to send. Unpacked, it is a results folder.

    README.txt           what it is and how to read it
    suites/SUITE.json    the manifest
    runs/RUN/            the files of each run; see `ganbench.results.store`
    real/                pictures of real samples; see `ganbench.results.real`
    SHA256SUMS           the digest of every other file, as `sha256sum -c` reads it

Equal results give equal bytes: files are sorted, have one date and one mode, and are compressed in one way.
"""

from __future__ import annotations

import hashlib
import secrets
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ganbench.errors import DamagedRun
from ganbench.results.files import read_bytes
from ganbench.results.manifest import Manifest, read_manifest
from ganbench.results.real import FOLDER, written_picture
from ganbench.results.store import RunFolder, Store
from ganbench.results.transfer import IN_PROGRESS, run_files

README, SUMS = "README.txt", "SHA256SUMS"
DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can hold
MODE = 0o100644  # a plain file that its owner may write
LEVEL = 6  # zlib's default


@dataclass(frozen=True)
class Archived:
    """What an archive holds: the number of its runs and files, and a sentence for each run that it lacks."""

    runs: int
    files: int
    left_out: tuple[str, ...]


@dataclass
class _Writer:
    """An open archive and the digests of what it holds."""

    file: zipfile.ZipFile
    digests: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> None:
        entry = zipfile.ZipInfo(name, DATE)
        entry.create_system, entry.external_attr = 3, MODE << 16  # Unix, whatever system writes it
        self.file.writestr(entry, content, zipfile.ZIP_DEFLATED, LEVEL)
        self.digests[name] = hashlib.sha256(content).hexdigest()


def write_archive(store: Store, suite: str, out: Path, checkpoints: bool = False) -> Archived:
    """Write a suite's archive, atomically. Raises `RequestError` for a suite that never ran here, and `OSError`.

    Damaged runs and runs in progress are left out. `checkpoints`: also the generators and the states from which
    unfinished runs resume.
    """
    manifest, left_out = read_manifest(store, suite), list[str]()
    folders = list(_readable(store, manifest, left_out))
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(8)}.tmp")
    try:
        with zipfile.ZipFile(temporary, "x") as file:
            writer = _Writer(file)
            writer.add(README, _readme(manifest, len(folders), checkpoints).encode())
            for picture in sorted(set(filter(None, map(written_picture, folders)))):
                writer.add(f"{FOLDER}/{picture.name}", read_bytes(picture) or b"")
            for folder in folders:
                for name in run_files(folder, checkpoints):
                    writer.add(f"runs/{folder.run_id}/{name}", read_bytes(folder.path / name) or b"")
            writer.add(f"suites/{suite}.json", read_bytes(store.manifest_path(suite)) or b"")
            writer.add(SUMS, "".join(f"{digest}  {name}\n" for name, digest in sorted(writer.digests.items())).encode())
        temporary.replace(out)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    return Archived(len(folders), len(writer.digests), tuple(left_out))


def _readable(store: Store, manifest: Manifest, left_out: list[str]) -> Iterator[RunFolder]:
    """The folders of a suite's runs that have begun, sorted, without those that can't be archived."""
    for folder in map(store.run, sorted(manifest.runs)):
        try:
            content = folder.read()
        except DamagedRun as damage:
            left_out.append(f"left out: {damage}")
            continue
        if content and content.in_progress:
            left_out.append(f"left out: {folder.path}: {IN_PROGRESS}. archive the suite again when the run has ended")
        elif content:
            yield folder


def _readme(manifest: Manifest, runs: int, checkpoints: bool) -> str:
    kept = "" if checkpoints else "\nThe checkpoints of the runs are not included."
    about = f"\n{manifest.about.strip()}\n" if manifest.about.strip() else ""
    return f"""\
Results of the suite "{manifest.suite}" of ganbench {manifest.version}
{about}
{runs} of the suite's {len(manifest.runs)} runs are included, each as a folder of plain files.{kept}

    suites/{manifest.suite}.json    what the suite asked for: runs, metrics, claims
    runs/RUN/spec.json      everything that decides the numbers of the run
    runs/RUN/env.json       versions, device and commit
    runs/RUN/state.json     how the run ended, and the SHA-256 of its rows
    runs/RUN/terms.jsonl    loss terms over the steps of training, a JSON object a line
    runs/RUN/scores.jsonl   every score with its step and fingerprint, a JSON object a line
    runs/RUN/samples/       pictures of samples
    real/                   pictures of real samples, one for each data set
    SHA256SUMS              the digest of every file; check an unpacked archive with: sha256sum -c SHA256SUMS

To print the tables (ganbench is a Python package: pip install ganbench):

    ganbench report FILE.zip
    ganbench report FILE.zip --format html --out report.html
    ganbench show RUN --results FILE.zip

Unpacked into a folder, the archive is a results folder: ganbench report --results FOLDER
"""
