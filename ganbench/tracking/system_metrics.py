"""The load of this machine, for the runs that it trains: what MLflow's UI shows as system metrics."""

from __future__ import annotations

import time
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ganbench.errors import RequestError

if TYPE_CHECKING:
    from mlflow.system_metrics.metrics.base_metrics_monitor import BaseMetricsMonitor

EVERY = 10.0  # seconds between two readings


def check_system_metrics() -> None:
    """Raises `RequestError` if what reads them is not installed."""
    if find_spec("psutil") is None:
        todo = "pip install psutil, and nvidia-ml-py for GPUs"
        raise RequestError("--system-metrics", "the package psutil is not installed", todo=todo)


class SystemMonitor:
    """Reads CPU, memory and, where `nvidia-ml-py` is installed, the GPUs of this machine, at most every 10 seconds."""

    def __init__(self) -> None:
        self._last = -EVERY
        self._monitors: list[BaseMetricsMonitor] = []

    def read(self) -> dict[str, float]:
        """`system/cpu_utilization_percentage` and so on, in the units of the names; empty until it is time again."""
        if time.monotonic() - self._last < EVERY:
            return {}
        self._last = time.monotonic()
        self._monitors = self._monitors or _monitors()
        read: dict[str, float] = {}
        for monitor in self._monitors:
            monitor.collect_metrics()
            read |= monitor.aggregate_metrics()
            monitor.clear_metrics()
        return {f"system/{name}": value for name, value in read.items()}


def _monitors() -> list[BaseMetricsMonitor]:
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor

    monitors = [CPUMonitor()]
    with suppress(ImportError, RuntimeError):  # no GPU, or no package that reads it
        monitors.append(GPUMonitor())
    return monitors
