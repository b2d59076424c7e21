"""Tensors kept on disk by content: computed once by however many processes want them, and checked when read."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from torch import Tensor

from ganbench.results.store import write_bytes

Tensors = dict[str, Tensor]
DIGEST = 32  # bytes of a SHA-256, which end each file


def content_key(*parts: Tensor | str) -> str:
    """SHA-256 (64 hex digits) over texts and over tensors' bytes, shapes and dtypes."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(f"text {len(part)}\n{part}".encode())
        else:
            digest.update(f"{part.dtype} {tuple(part.shape)}\n".encode())
            digest.update(part.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


@dataclass
class Stopwatch:
    """The seconds within `measuring`, however deep it is entered."""

    seconds: float = 0.0
    depth: int = 0

    @contextmanager
    def measuring(self) -> Iterator[None]:
        started, self.depth = time.monotonic(), self.depth + 1
        try:
            yield
        finally:
            self.depth -= 1
            self.seconds += 0 if self.depth else time.monotonic() - started


@dataclass(frozen=True)
class Cache:
    """A folder of `<kind>-<key>.pt` files; `log` is told when something is computed anew for a damaged file.

    `making` measures what is made here once and serves all runs, or is waited for while another process makes it.
    """

    folder: Path
    log: Callable[[str], None]
    making: Stopwatch = field(default_factory=Stopwatch, compare=False)

    def get(self, kind: str, key: str, compute: Callable[[], Tensors]) -> Tensors:
        """The tensors of that key: read where they are whole, else computed under a lock and written atomically."""
        path = self.folder / f"{kind}-{key}.pt"
        found = read(path)
        if found is not None:
            return found
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.making.measuring(), FileLock(path.with_suffix(".lock")):
            found = read(path)  # another process may have been faster
            if found is None:
                if path.exists():
                    self.log(f"{path} is damaged and is made again")
                found = {name: tensor.cpu().contiguous() for name, tensor in compute().items()}
                write(path, found)
        return found


def write(path: Path, tensors: Tensors) -> None:
    """Write tensors and, as the last bytes, the SHA-256 of what comes before; `torch.load` reads such a file."""
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    body = buffer.getvalue()
    write_bytes(path, body + hashlib.sha256(body).digest())


def read(path: Path) -> Tensors | None:
    """The tensors of a file, or None when it is absent, truncated or changed."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    body, digest = content[:-DIGEST], content[-DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        return None
    tensors: Tensors = torch.load(io.BytesIO(body), weights_only=True)
    return tensors


@dataclass(frozen=True)
class Kept:
    """A file of the cache: its size, and whether its content is what was written."""

    path: Path
    bytes: int
    whole: bool


def kept(folder: Path) -> list[Kept]:
    """The files of a cache, sorted by name."""
    return [Kept(path, path.stat().st_size, whole(path)) for path in sorted(folder.glob("*.pt"))]


def clear(folder: Path) -> int:
    """Remove the files of a cache, and tell how many. One that is being computed stays."""
    removed = 0
    for path in sorted(folder.glob("*.pt")):
        with suppress(Timeout), FileLock(path.with_suffix(".lock"), timeout=0):
            path.unlink(missing_ok=True)
            path.with_suffix(".lock").unlink(missing_ok=True)
            removed += 1
    return removed


def whole(path: Path) -> bool:
    """Whether a file ends with the SHA-256 of what comes before."""
    rest, digest = path.stat().st_size - DIGEST, hashlib.sha256()
    with path.open("rb") as file:
        while rest > 0 and (block := file.read(min(rest, 2**20))):
            digest.update(block)
            rest -= len(block)
        return file.read() == digest.digest()
