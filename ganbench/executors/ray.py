"""Does jobs in worker processes on the machines of a Ray cluster, which share the results folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from ganbench.component import NonNegative
from ganbench.errors import RequestError
from ganbench.executors.base import UNCOUNTED, Executor, Session
from ganbench.executors.parts.remote import devices_elsewhere
from ganbench.runner.settings import WorkerSettings


@dataclass(frozen=True, kw_only=True)
class Ray(Executor):
    """Workers on a Ray cluster that is up. Each takes CPUs, and a whole GPU with `num_gpus: 1`."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Moritz et al. 2018, Ray: A Distributed Framework for Emerging AI Applications"
    elsewhere: ClassVar[bool] = True

    address: str = "auto"  # HOST:PORT of the head; auto: the cluster that this machine is in
    num_cpus: NonNegative = 1.0  # of each worker, as Ray counts them
    num_gpus: Literal[0, 1] = 0
    resources: dict[str, float] = field(
        default_factory=dict, hash=False, metadata=UNCOUNTED
    )  # further resources of each worker
    runtime_env: dict[str, Any] = field(
        default_factory=dict, hash=False, metadata=UNCOUNTED
    )  # Ray's; GANBENCH_* and torch's variables are added

    def devices(self, asked: str, workers: int | None, per_gpu: int | None) -> tuple[str, ...]:
        """As many as `workers`; the machine on which each runs decides what the first GPU is."""
        todo = "leave --devices and --per-gpu out, and give each worker a GPU with --on num_gpus=1"
        return devices_elsewhere("ray", "cuda:0" if self.num_gpus else "cpu", (asked, per_gpu), workers, todo)

    @contextmanager
    def open(self, workers: Sequence[WorkerSettings], keep: bool = False) -> Iterator[Session]:
        """Connect to the cluster and try its machines. Raises `RequestError` where no machine can be used."""
        os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")  # else a call after the end starts a cluster of its own
        try:
            from ganbench.executors.parts import ray_cluster
        except ModuleNotFoundError as error:
            if error.name != "ray":
                raise
            given, todo = "the package ray is not installed", "install it: pip install 'ganbench[ray]'"
            raise RequestError("--executor ray", given, "", todo) from None
        actor = {"num_cpus": self.num_cpus, "num_gpus": self.num_gpus, "resources": dict(self.resources)}
        request = ray_cluster.Request(self.address, actor, dict(self.runtime_env))
        with ray_cluster.opened(request, workers, keep) as session:
            yield session
