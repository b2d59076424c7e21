"""Which devices the workers of a run use."""

from __future__ import annotations

import os

from ganbench.errors import RequestError


def resolve(devices: str, workers: int | None = None, per_gpu: int = 1) -> tuple[str, ...]:
    """One device name a worker: `auto` | `cpu` | CUDA indices like `0,1`, with `per_gpu` workers on each.

    On the CPU there is one worker for each core that this process may use, unless `workers` says otherwise; on GPUs
    `workers` is an upper bound. Raises `RequestError` for a device that does not exist.
    """
    gpus = _gpus(devices)
    if not gpus:
        return ("cpu",) * (workers or len(os.sched_getaffinity(0)))
    slots = tuple(f"cuda:{gpu}" for _ in range(per_gpu) for gpu in gpus)
    return slots[: workers or len(slots)]


def headline(devices: tuple[str, ...]) -> str:
    """`2 workers on cpu`, `4 workers on cuda:0, cuda:1`."""
    plural = "s" if len(devices) > 1 else ""
    return f"{len(devices)} worker{plural} on {', '.join(dict.fromkeys(devices))}"


def _gpus(devices: str) -> list[int]:
    if devices == "cpu":
        return []
    import torch  # only here: `cpu` does not need it

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if devices == "auto":
        return list(range(count))
    try:
        indices = [int(part) for part in devices.split(",")]
    except ValueError:
        raise RequestError(
            "--devices", f"{devices!r} is not a device", "allowed: auto, cpu, or indices like 0,1"
        ) from None
    absent = [gpu for gpu in indices if not 0 <= gpu < count]
    if absent:
        known = ", ".join(map(str, range(count))) or "none"
        raise RequestError(
            "--devices", f"there is no CUDA device {absent[0]}", f"CUDA devices here: {known}", "use cpu or auto"
        )
    return indices
