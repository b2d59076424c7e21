"""The probe of a machine before its first job: whether it sees the same files and locks, and has the same versions.

Workers on several machines share a results folder. Two of them never fill one run, because a run's folder is locked;
on some network file systems (NFS with `nolock` or `local_lock`) a lock holds on its own machine only. So the parent
holds a lock and writes a nonce, and the other machine must read the nonce and fail to take the lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from ganbench import __version__
from ganbench.errors import RequestError
from ganbench.results.files import write_bytes
from ganbench.runner.settings import WorkerSettings

PATIENCE = 5.0  # seconds in which a file that was written on one machine must be seen on another
LOCKS_ARE_LOCAL = (
    "a lock that another machine holds is free there: mount the file system with locks that hold on all machines "
    "(NFS without nolock and local_lock)"
)


@dataclass(frozen=True)
class Probe:
    """What a machine must find: the locked file and its nonce, paths, and versions."""

    locked: str
    nonce: str
    paths: tuple[str, ...]
    ganbench: str
    torch: str

    @classmethod
    @contextmanager
    def of(cls, settings: WorkerSettings) -> Iterator[Probe]:
        """The probe of a results folder; the lock is held within. Raises `RequestError` where there are no locks."""
        probe = cls.written(settings.results / f".probe.{secrets.token_hex(8)}", settings)
        try:
            with Path(probe.locked).open("rb+") as lock:
                take(lock)
                yield probe
        finally:
            Path(probe.locked).unlink(missing_ok=True)
            probe.nonce_file.unlink(missing_ok=True)

    @classmethod
    def written(cls, file: Path, settings: WorkerSettings) -> Probe:
        """The probe of a results folder, by a file in it that is made here and is not locked yet."""
        paths = (settings.results, settings.data, settings.inception, *settings.plugins)
        found = tuple(str(path) for path in paths if path is not None)
        probe = cls(str(file), secrets.token_hex(16), found, __version__, torch_version())
        write_bytes(file, b"")
        write_bytes(probe.nonce_file, probe.nonce.encode())
        return probe

    @property
    def nonce_file(self) -> Path:
        return Path(f"{self.locked}.nonce")

    def refusal(self) -> str | None:
        """On the machine that is asked: why it must not get jobs, or None."""
        if (self.ganbench, self.torch) != (own := (__version__, torch_version())):
            return f"it has ganbench {own[0]} and torch {own[1]}, not {self.ganbench} and {self.torch}"
        missing = [path for path in self.paths if not Path(path).exists()]
        if missing:
            return f"there is no {', '.join(missing)}; all machines need these paths"
        if not self._reads_nonce():
            return f"{Path(self.locked).parent} is another folder there; all machines need one shared results folder"
        return self._lock_refusal()

    def encode(self) -> str:
        """As a line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, line: str) -> Probe:
        """The probe that was encoded."""
        body = json.loads(line)
        return cls(**body | {"paths": tuple(body["paths"])})

    def _reads_nonce(self) -> bool:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                if self.nonce_file.read_text(encoding="utf-8") == self.nonce:
                    return True
            except OSError:
                pass
            if time.monotonic() > until:
                return False
            time.sleep(0.1)

    def _lock_refusal(self) -> str | None:
        try:
            descriptor = os.open(self.locked, os.O_RDWR)
        except OSError as error:
            return f"can't write into {Path(self.locked).parent} there: {error.strerror}"
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        except OSError as error:
            return f"files can't be locked there: {error.strerror}"
        finally:
            os.close(descriptor)
        return LOCKS_ARE_LOCAL


def take(lock: IO[bytes]) -> None:
    """Lock the file of a probe, unless another process holds it. Raises `RequestError` where there are no locks."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    except OSError as error:
        where, given = str(Path(lock.name).parent), f"files can't be locked here: {error.strerror}"
        todo = "choose a folder on another file system with --results"
        raise RequestError(where, given, "a file system with locks (flock)", todo) from None


def torch_version() -> str:
    """The version of torch, without importing it."""
    try:
        return version("torch")
    except PackageNotFoundError:
        return "none"


def refused(line: str) -> str | None:
    """Why the machine that runs this function must not get jobs, by an encoded probe; None where it may."""
    return Probe.decode(line).refusal()
