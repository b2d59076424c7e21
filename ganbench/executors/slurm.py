"""Does jobs in an array of Slurm, whose nodes share the results folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import ClassVar

from ganbench.executors.base import UNCOUNTED, Executor, Session
from ganbench.executors.parts.remote import devices_elsewhere
from ganbench.executors.parts.slurm_array import SlurmRequest
from ganbench.executors.parts.slurm_session import opened
from ganbench.runner.settings import WorkerSettings

GPU_OPTIONS = ("gpus", "gpus-per-node", "gpus-per-task")


@dataclass(frozen=True, kw_only=True)
class Slurm(Executor):
    """An array of `--workers` pilots. Each has a worker for each of its GPUs, or else for each of its CPUs.

    The options are those of sbatch by their own names, of which `_` stands for `-`.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Yoo, Jette and Grondona 2003, SLURM: Simple Linux Utility for Resource Management"
    elsewhere: ClassVar[bool] = True

    account: str | None = None
    partition: str | None = None
    qos: str | None = None
    time: str | int | None = None  # of each pilot: minutes, or D-HH:MM:SS; what is left is submitted again
    cpus_per_task: int | None = None
    mem: str | int | None = None
    gres: str | None = None  # "gpu:1" for a GPU
    constraint: str | None = None
    exclude: str | None = None  # nodes
    sbatch: dict[str, str | int] = field(
        default_factory=dict, hash=False, metadata=UNCOUNTED
    )  # further options of sbatch
    detach: bool = field(default=False, metadata={"option": False})

    def devices(self, asked: str, workers: int | None, per_gpu: int | None) -> tuple[str, ...]:
        """As many as `workers`; Slurm decides which GPU each gets."""
        device = "cuda:0" if self._asks_for_gpu() else "cpu"
        todo = "leave --devices and --per-gpu out, and give each pilot a GPU with --on gres=gpu:1"
        return devices_elsewhere("slurm", device, (asked, per_gpu), workers, todo)

    def detached(self) -> Slurm:
        """Submits and does not wait."""
        return replace(self, detach=True)

    @contextmanager
    def open(self, workers: Sequence[WorkerSettings], keep: bool = False) -> Iterator[Session]:
        """Pilots are submitted with the first jobs. Raises `RequestError` where Slurm is not installed."""
        request = SlurmRequest(self._options(), sys.executable)
        with opened(request, workers, keep, self.detach) as session:
            yield session

    def _options(self) -> dict[str, str]:
        own = {
            f.name.replace("_", "-"): getattr(self, f.name) for f in fields(self) if f.name not in ("sbatch", "detach")
        }
        return {name: str(value) for name, value in {**own, **self.sbatch}.items() if value is not None}

    def _asks_for_gpu(self) -> bool:
        options = self._options()
        return options.get("gres", "").startswith("gpu") or any(name in options for name in GPU_OPTIONS)
