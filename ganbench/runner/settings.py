"""The settings of a worker: a new one is a field here, and its use."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class WorkerSettings:
    """Where and how one worker works. Nothing here changes a run's numbers on the CPU."""

    results: Path
    data: Path | None = None  # the data folder
    plugins: tuple[Path, ...] = ()
    device: str = "cpu"  # "cpu" or "cuda:1"
    threads: int = 1  # CPU threads
    memory: int | None = None  # bytes that scores may take: the worker's share of those that are free; None: all
    share: float = 1.0  # of the free memory of its machine, where `memory` is not known to the parent
    device_memory: int | None = None  # the same on its GPU
    by_memory: bool = False  # several workers share a GPU, and get jobs while these fit into its memory
    inception: Path | None = None  # the weights of the Inception network
    download_inception: bool = False  # download them when they are needed
    record_packages: bool = False  # all that is installed, in `env.json`
    save_every: float = 10.0  # the least number of seconds between two resumable checkpoints


def encode(settings: WorkerSettings) -> str:
    """Settings as one line of JSON, for the pipe of a worker process."""
    return json.dumps(asdict(settings), default=str)


def decode(line: str) -> WorkerSettings:
    """The settings that were encoded."""
    body = json.loads(line)
    paths = {name: Path(body[name]) if body[name] else None for name in ("results", "data", "inception")}
    return WorkerSettings(**body | paths | {"plugins": tuple(map(Path, body["plugins"]))})
