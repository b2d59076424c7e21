"""Which devices the workers of a run use."""

from __future__ import annotations

import os
import re

from ganbench.errors import RequestError
from ganbench.runner.gpu_memory import smi

ALLOWED = "allowed: auto, cpu, or indices like 0,1"
MOST_ON_A_GPU = 8  # workers; a GPU that so many can't fill has wider packs to gain from


def resolve(devices: str, workers: int | None = None, per_gpu: int | None = 1) -> tuple[str, ...]:
    """One device name a worker: `auto` | `cpu` | CUDA indices or UUIDs like `0,1`, with `per_gpu` workers on each.

    On the CPU there is one worker for each core that this process may use, unless `workers` says otherwise; on GPUs
    `workers` is an upper bound. Where `per_gpu` is None memory decides how many of a GPU's workers have jobs at a time;
    there are as many as the machine has cores for each GPU, 8 at most. Raises `RequestError` for a device that does not
    exist.
    """
    gpus, cores = _gpus(devices), len(os.sched_getaffinity(0))
    if not gpus:
        return ("cpu",) * (workers or cores)
    per_gpu = per_gpu or min(MOST_ON_A_GPU, max(1, cores // len(gpus)))
    slots = tuple(f"cuda:{gpu}" for _ in range(per_gpu) for gpu in gpus)
    return slots[: workers or len(slots)]


def headline(devices: tuple[str, ...]) -> str:
    """`2 workers on cpu`, `4 workers on cuda:0, cuda:1`."""
    plural = "s" if len(devices) > 1 else ""
    return f"{len(devices)} worker{plural} on {', '.join(dict.fromkeys(devices))}"


def _gpus(devices: str) -> list[int] | list[str]:
    if devices == "cpu":
        return []
    import torch  # only here: `cpu` does not need it

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if devices == "auto":
        return list(range(count))
    if "GPU-" in devices or "MIG-" in devices:
        return _by_uuid(devices.split(","))
    try:
        indices = [int(part) for part in devices.split(",")]
    except ValueError:
        raise RequestError("--devices", f"{devices!r} is not a device", ALLOWED) from None
    absent = [gpu for gpu in indices if not 0 <= gpu < count]
    if absent:
        known = ", ".join(map(str, range(count))) or "none"
        raise RequestError(
            "--devices", f"there is no CUDA device {absent[0]}", f"CUDA devices here: {known}", "use cpu or auto"
        )
    return indices


def _by_uuid(uuids: list[str]) -> list[str]:
    """UUIDs that nvidia-smi knows. Raises `RequestError`."""
    known = re.findall(r"UUID: ([^)\s]+)", smi("-L") or "")
    absent = [uuid for uuid in uuids if uuid not in known]
    if absent:
        given, allowed = f"there is no GPU {absent[0]!r}", f"UUIDs here: {', '.join(known) or 'none'}"
        raise RequestError("--devices", given, allowed, "nvidia-smi -L lists them")
    return uuids
