"""Which job a worker gets next, where several workers share a device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ganbench.results.store import Store
from ganbench.runner.gpu_memory import CudaMemory, GpuMemory, known_peaks
from ganbench.runner.ledger import Claimant, Gpu, MemoryLedger, Promise
from ganbench.runner.settings import WorkerSettings


@dataclass
class Sharing:
    """The device of each worker, by the worker's index, and what has been promised of it. Callers hold a lock."""

    gpus: Sequence[Gpu]
    memory: GpuMemory = field(default_factory=CudaMemory)
    ledger: MemoryLedger = field(default_factory=lambda: MemoryLedger(fixed=True))

    @classmethod
    def apart(cls, workers: int) -> Sharing:
        """So many workers, each on a device of its own."""
        return cls([Gpu(f"device of worker {index}", "", 0) for index in range(workers)])

    @classmethod
    def of(cls, workers: Sequence[WorkerSettings], memory: GpuMemory | None = None) -> Sharing:
        """Workers on this machine. Their GPUs are shared by memory if their settings say so."""
        memory, devices = memory or CudaMemory(), [own.device for own in workers]
        if not workers[0].by_memory or "cpu" in devices:
            return cls([Gpu(device, "", 0) for device in devices], memory)
        gpus = {device: Gpu(device, memory.name(device), memory.free(device)) for device in dict.fromkeys(devices)}
        ledger = MemoryLedger(known_peaks(Store(workers[0].results)))
        return cls([gpus[device] for device in devices], memory, ledger)

    def offer(self, worker: int, claimants: Iterable[Claimant]) -> tuple[int, Promise] | None:
        """Which of the jobs that wait is the first that fits on a worker's device, and what it is promised there.

        None if each of them has to wait. The promise holds until `end`.
        """
        gpu = self.gpus[worker]
        free = 0 if self.ledger.fixed else self.memory.free(gpu.name)
        for index, claimant in enumerate(claimants):
            if promise := self.ledger.offer(gpu, claimant, free):
                self.ledger = self.ledger.promised(promise)
                return index, promise
        return None

    def is_wanted_empty(self, worker: int, claimants: Iterable[Claimant]) -> bool:
        """Whether a job has the worker's device for itself or waits for that, so that no idle process may hold any."""
        held = [promise.claimant for promise in self.ledger.on(self.gpus[worker])]
        return any(claimant.alone for claimant in (*held, *claimants))

    def end(self, promise: Promise, peak: int | None) -> None:
        """A job has ended, with so many bytes at its peak; None if that was not measured."""
        self.ledger = self.ledger.ended(promise, peak)

    def exhaust(self, promise: Promise) -> None:
        """A job has run out of memory."""
        self.ledger = self.ledger.exhausted(promise)
