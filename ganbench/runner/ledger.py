"""Which jobs share a GPU: a ledger of the memory that is promised to them, and what is done when it does not suffice.

Pure: the caller measures free memory and peaks. A job is admitted while 1.1 times its estimate and 512 MiB fit into
what is left. The estimate is the peak of an earlier job of the same device, cell and number of seeds; a job without
one has the GPU for itself, and its peak becomes the estimate. Out of memory is no failure of a job that shared its GPU:
see `after_exhaustion`. Where the user has given the number of workers, and on a CPU, the ledger is `fixed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

MARGIN = 1.1  # peaks of equal jobs differ, and so does what the allocator rounds up
SPARE = 512 * 2**20  # bytes a job, for what CUDA's libraries allocate outside of torch
TOO_LARGE = (
    "The device has too little memory even for this run alone: use a smaller batch or network, or a device with "
    "more memory, and add --retry-failed"
)
TEXTS = ("out of memory", "_status_alloc_failed")  # in the messages of plain RuntimeErrors; the second by cuBLAS


@dataclass(frozen=True)
class MemoryKey:
    """What decides how much memory a job needs. `cell`: the id of the cell. `seeds`: their number in the pack."""

    device_name: str
    cell: str
    seeds: int


@dataclass(frozen=True)
class Claimant:
    """A job that wants memory on a GPU. `alone`: it shares the GPU with no other, because it did not fit before."""

    job: str
    cell: str
    pack: tuple[int, ...]  # seeds, at least one
    alone: bool = False


@dataclass(frozen=True)
class Gpu:
    """A GPU. `capacity`: the bytes that were free before any job of ours was on it."""

    name: str
    device_name: str
    capacity: int


@dataclass(frozen=True)
class Promise:
    """Bytes of a GPU that a job may use until it ends."""

    gpu: Gpu
    claimant: Claimant
    size: int


@dataclass(frozen=True)
class MemoryLedger:
    """Estimates in bytes, and the promises to jobs that have not ended. Methods return the ledger after the event."""

    estimates: Mapping[MemoryKey, int] = field(default_factory=dict)
    promises: tuple[Promise, ...] = ()
    fixed: bool = False  # every worker gets a job, whatever it needs, unless one of them has to be alone

    def on(self, gpu: Gpu) -> list[Promise]:
        """The promises on a GPU."""
        return [promise for promise in self.promises if promise.gpu.name == gpu.name]

    def offer(self, gpu: Gpu, claimant: Claimant, free: int) -> Promise | None:
        """What a GPU with so many free bytes can promise to a job now; None if the job has to wait.

        A GPU without a job of ours takes any job: it is the most that the job can get there.
        """
        held = self.on(gpu)
        if self.fixed:
            exclusive = claimant.alone or any(promise.claimant.alone for promise in held)
            return None if held and exclusive else Promise(gpu, claimant, 0)
        estimate = self.estimates.get(_key(gpu, claimant))
        if not held:
            return Promise(gpu, claimant, gpu.capacity if self._needs_all(estimate, claimant, gpu) else need(estimate))
        if estimate is None or claimant.alone:
            return None
        left = min(gpu.capacity - sum(promise.size for promise in held), free)
        return Promise(gpu, claimant, need(estimate)) if need(estimate) <= left else None

    def promised(self, promise: Promise) -> MemoryLedger:
        """A job begins."""
        return replace(self, promises=(*self.promises, promise))

    def ended(self, promise: Promise, peak: int | None) -> MemoryLedger:
        """A job has ended, with so many bytes at its peak; None if that was not measured. Estimates never shrink."""
        key = _key(promise.gpu, promise.claimant)
        known = {} if peak is None else {key: max(peak, self.estimates.get(key, 0))}
        promises = tuple(other for other in self.promises if other is not promise)
        return replace(self, estimates={**self.estimates, **known}, promises=promises)

    def exhausted(self, promise: Promise) -> MemoryLedger:
        """A job ran out of memory: the estimate of such jobs is doubled, up to the whole GPU."""
        key = _key(promise.gpu, promise.claimant)
        return self.ended(promise, min(2 * self.estimates.get(key, promise.size), promise.gpu.capacity))

    def _needs_all(self, estimate: int | None, claimant: Claimant, gpu: Gpu) -> bool:
        return estimate is None or claimant.alone or need(estimate) > gpu.capacity


def need(estimate: int | None) -> int:
    """The bytes that are promised to a job of this estimate."""
    return int(MARGIN * (estimate or 0)) + SPARE


def after_exhaustion(promise: Promise, shared: bool) -> Sequence[Claimant] | None:
    """What is tried next, in a fresh process, for a job that ran out of memory; None: nothing is left to try.

    A job that `shared` its GPU is tried alone. A pack that was alone is divided into halves, which are planned as packs
    of their own, because the numbers of a run depend on the size of its pack. A single run that was alone has failed.
    """
    claimant = promise.claimant
    if shared:
        return [replace(claimant, alone=True)]
    if len(claimant.pack) == 1:
        return None
    middle = (len(claimant.pack) + 1) // 2
    halves = claimant.pack[:middle], claimant.pack[middle:]
    return [Claimant(f"{claimant.job}/{pack[0]}", claimant.cell, pack) for pack in halves]


def is_exhaustion(error: BaseException) -> bool:
    """Whether an error says that a GPU has no memory left. Torch's own errors of this kind are RuntimeErrors."""
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in TEXTS)


def described(error: BaseException) -> str:
    """The sentence for a run that ended with this error; where its device was too small for it, with what to do."""
    text = f"{type(error).__name__}: {error}"
    return f"{text.rstrip('.')}. {TOO_LARGE}" if is_exhaustion(error) else text


def _key(gpu: Gpu, claimant: Claimant) -> MemoryKey:
    return MemoryKey(gpu.device_name, claimant.cell, len(claimant.pack))
