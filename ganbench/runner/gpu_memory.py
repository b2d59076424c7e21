"""The memory of GPUs: what is free, what a job has taken at its peak, and what earlier jobs took.

A GPU is `cuda:1`, or `cuda:` and the UUID of a GPU or of a MIG instance. The latter is visible only to processes that
were started for it, in which it is `cuda:0`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

from ganbench.errors import DamagedRun, RequestError
from ganbench.results.state import pack_size, sessions_of
from ganbench.results.store import Store
from ganbench.runner.ledger import MemoryKey

WAIT = 60.0  # seconds for nvidia-smi, and for a process that looks at a GPU
MIB = 2**20
MPS_VARIABLES = ("CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE")
MPS_SERVER = "nvidia-cuda-mps-server"
LOOK = "import torch; print(torch.cuda.mem_get_info()[0], torch.cuda.get_device_name())"


class GpuMemory(Protocol):
    """The GPUs as a command sees them."""

    def name(self, device: str) -> str:
        """The model of a GPU."""

    def free(self, device: str) -> int:
        """Bytes that are free on a GPU."""


class PeakMeter(Protocol):
    """The memory of a worker's GPU during a job."""

    def begin(self) -> None:
        """A job begins: forget the peak of the last one."""

    def peak(self) -> int | None:
        """The most bytes that the process has held since; None on a CPU."""

    def end(self) -> None:
        """A job has ended: give back what torch keeps of it, which jobs of other processes may need."""


@dataclass(frozen=True)
class CudaMemory:
    """GPUs by CUDA; those that are named by a UUID by a process that looks once."""

    def name(self, device: str) -> str:
        if uuid := uuid_of(device):
            return _look(uuid)[1]
        import torch

        return str(torch.cuda.get_device_name(device))

    def free(self, device: str) -> int:
        free = free_on(device)
        assert free is not None, f"{device} is a GPU"
        return free


@dataclass
class TorchPeak:
    """What torch reserves on a device, and what CUDA's context took when it was created."""

    device: str
    context: int | None = field(default=None, init=False)

    def begin(self) -> None:
        if not self.device.startswith("cuda"):
            return
        import torch

        if self.context is None:
            before = _free_by_driver(self.device)
            after = torch.cuda.mem_get_info(self.device)[0]
            self.context = max(0, before - after)
        torch.cuda.reset_peak_memory_stats(self.device)

    def peak(self) -> int | None:
        if self.context is None:
            return None
        import torch

        return int(torch.cuda.max_memory_reserved(self.device)) + self.context

    def end(self) -> None:
        if self.context is not None:
            import torch

            torch.cuda.empty_cache()


def free_on(device: str) -> int | None:
    """Bytes that are free on a GPU; None for the CPU. Raises `RequestError` for a UUID that can't be used."""
    if uuid := uuid_of(device):
        return _look(uuid)[0]
    from ganbench.features.memory import free_on as free_here

    return free_here(device)


def uuid_of(device: str) -> str | None:
    """The UUID in `cuda:MIG-...` or `cuda:GPU-...`; None for other devices."""
    name = device.removeprefix("cuda:")
    return name if name.startswith(("MIG-", "GPU-")) else None


@cache
def mps() -> str | None:
    """How it is known that processes share GPUs by CUDA's multi-process service; None where it isn't in use."""
    for name in MPS_VARIABLES:
        if name in os.environ:
            return f"{name}={os.environ[name]}"
    names = smi("--query-compute-apps=process_name", "--format=csv,noheader") or ""
    return MPS_SERVER if MPS_SERVER in names else None


def smi(*words: str) -> str | None:
    """What nvidia-smi prints; None where there is none, or where it fails."""
    try:
        done = subprocess.run(["nvidia-smi", *words], capture_output=True, encoding="utf-8", timeout=WAIT, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def known_peaks(store: Store) -> dict[MemoryKey, int]:
    """The largest peak of the runs of a results folder, in bytes, for each kind of GPU, cell and number of seeds."""
    peaks: dict[MemoryKey, int] = {}
    for folder in store.runs():
        with suppress(DamagedRun, KeyError, TypeError, ValueError):
            for about in sessions_of(folder.read_json("env.json")):
                if about.get("memory"):  # a session that was cut off has none
                    key = MemoryKey(str(about["device_name"]), str(about["memory"]["cell"]), pack_size(about))
                    peaks[key] = max(int(about["memory"]["peak"]), peaks.get(key, 0))
    return peaks


@cache
def _look(uuid: str) -> tuple[int, str]:
    """The free bytes and the model of a GPU as a process of its own sees it. Raises `RequestError`."""
    words = [sys.executable, "-c", LOOK]
    try:
        seen = subprocess.run(
            words, capture_output=True, encoding="utf-8", timeout=WAIT, check=True, env=os.environ | visible(uuid)
        )
        free, _, name = seen.stdout.strip().partition(" ")
        return int(free), name
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        last = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        raise RequestError("--devices", f"{uuid} can't be used: {last}", "", "nvidia-smi -L lists the UUIDs") from None


def visible(uuid: str) -> dict[str, str]:
    """The environment variable of a process that sees this GPU alone."""
    return {"CUDA_VISIBLE_DEVICES": uuid}


def _free_by_driver(device: str) -> int:
    """Bytes that are free on a GPU before this process has a context there; 0 where nvidia-smi doesn't say."""
    import torch

    uuid = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
    said = smi("-i", uuid, "--query-gpu=memory.free", "--format=csv,noheader,nounits")
    try:
        return int(said or 0) * MIB
    except ValueError:  # [N/A], of a GPU that is divided
        return 0
