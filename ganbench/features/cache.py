"""Tensors kept on disk by content. Each is computed once, whichever process needs it first, and checked when read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import Timeout
from torch import Tensor

from ganbench.errors import DamagedRun
from ganbench.results import tensors as tensor_files
from ganbench.results.files import lock_file, remove, remove_leftovers

Tensors = dict[str, Tensor]


@dataclass
class Stopwatch:
    """The seconds spent within `measuring`; nested entries count once."""

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
    """A folder of `<kind>-<key>.pt` files. `log` gets a message when a damaged file is computed again, and once when
    the folder can't be written: then tensors are computed and not kept.

    `making` measures the time spent computing entries, or waiting for another process that computes them: this work
    serves all runs.
    """

    folder: Path
    log: Callable[[str], None]
    making: Stopwatch = field(default_factory=Stopwatch, compare=False)
    _reported: set[str] = field(default_factory=set, compare=False)

    def get(self, kind: str, key: str, compute: Callable[[], Tensors]) -> Tensors:
        """The tensors of that key: read from an intact file, or computed under a lock and written atomically."""
        path = self.folder / f"{kind}-{key}.pt"
        tensors = read_tensors(path)
        if tensors is not None:
            return tensors
        with self.making.measuring(), self._locked(path):
            tensors = read_tensors(path)  # another process may have written it meanwhile
            if tensors is None:
                if path.exists():
                    self.log(f"{path} is damaged and is computed again")
                tensors = {name: tensor.cpu().contiguous() for name, tensor in compute().items()}
                self._keep(path, tensors)
        return tensors

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        """The right to make a file, among processes; where no lock can be made, each makes it for itself."""
        with ExitStack() as held:
            try:
                lock = lock_file(path.with_suffix(".lock"))
                path.with_suffix(".lock").touch()  # raises where nothing can be written; a lock might wait
                held.enter_context(lock.acquire())
                remove_leftovers(self.folder, path.name)
            except OSError as error:
                self._report(error)
            yield

    def _keep(self, path: Path, tensors: Tensors) -> None:
        try:
            tensor_files.save(path, tensors)
        except OSError as error:
            self._report(error)

    def _report(self, error: OSError) -> None:
        text = f"{self.folder}: the cache can't be written ({error.strerror or error}), so nothing is kept"
        if not self._reported:
            self.log(text)
        self._reported.add(text)


def read_tensors(path: Path) -> Tensors | None:
    """The tensors of a file, or None if it is absent, unreadable, truncated or changed."""
    try:
        tensors: Tensors | None = tensor_files.load(path, "cpu")
    except (DamagedRun, OSError):
        return None
    return tensors


@dataclass(frozen=True)
class CacheFile:
    """A file of the cache: its size, and whether it is intact."""

    path: Path
    bytes: int
    whole: bool


def cache_files(folder: Path) -> list[CacheFile]:
    """The files of a cache, sorted by name."""
    return [CacheFile(path, path.stat().st_size, tensor_files.is_whole(path)) for path in sorted(folder.glob("*.pt"))]


def clear_cache(folder: Path) -> int:
    """Remove the files of a cache and return their number. A file that is being computed stays."""
    removed = 0
    for path in sorted(folder.glob("*.pt")):
        with suppress(Timeout), lock_file(path.with_suffix(".lock")).acquire(timeout=0):
            remove_leftovers(folder, path.name)
            remove(path)
            remove(path.with_suffix(".lock"))
            removed += 1
    return removed
