"""Workers that share simulated GPUs: what is admitted together, and what is tried when the memory does not suffice.

The pool and the ledger are the real ones; a simulated job takes memory as it is told, and ends when it is told.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ganbench.executors.parts.pool import WorkerPool
from ganbench.executors.parts.sharing import Sharing
from ganbench.plugins import Registry
from ganbench.results.files import write_json
from ganbench.results.manifest import read_manifest, write_manifest
from ganbench.results.store import State, Store
from ganbench.runner.events import Ended, Event, Noted, OutOfMemory, PeakMemory
from ganbench.runner.gpu_memory import known_peaks
from ganbench.runner.job import EncodedJob, Job, decode, encode, spec_file
from ganbench.runner.ledger import MemoryKey
from ganbench.runner.run import manifest
from ganbench.runner.settings import WorkerSettings
from tests.runner.test_plan import suite
from tests.support.jobs import JOB, SPEC

GIB = 2**30
SINGLE = [replace(JOB, specs=(replace(SPEC, seed=seed),)) for seed in range(5)]
PACK = replace(JOB, specs=tuple(replace(SPEC, seed=seed) for seed in range(4)))


@dataclass
class SimulatedGpu:
    """A GPU of 16 GiB; `held`: what the jobs on it hold. A job holds so many bytes for each seed of its pack."""

    size: int
    capacity: int = 16 * GIB
    held: int = 0
    jobs: list[list[int]] = field(default_factory=list)  # the seeds of each job that was given memory
    most: int = 0  # jobs at a time
    now: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def name(self, device: str) -> str:
        return "H200"

    def free(self, device: str) -> int:
        return self.capacity - self.held

    def take(self, job: Job) -> int | None:
        """The bytes that a job holds now; None where they are not free."""
        size = self.size * len(job.seeds)
        with self.lock:
            if self.held + size > self.capacity:
                return None
            self.held, self.now = self.held + size, self.now + 1
            self.most = max(self.most, self.now)
            self.jobs.append(list(job.seeds))
            return size

    def give_back(self, size: int) -> None:
        with self.lock:
            self.held, self.now = self.held - size, self.now - 1


@dataclass(eq=False)
class SimulatedWorker:
    """Does jobs on the simulated GPU; `during` is called while a job holds its memory."""

    gpu: SimulatedGpu
    during: Callable[[Job], None]
    released: int = 0

    def ready(self) -> Iterator[Noted | None]:
        yield None

    def do(self, sent: Job | EncodedJob) -> Iterator[Event]:
        job = decode(encode(sent), Registry())
        size = self.gpu.take(job)
        if size is None and job.backs_off:
            yield OutOfMemory(job.run_ids, "OutOfMemoryError: CUDA out of memory")
            return
        if size is None:
            yield from (Ended(run_id, "failed", error="CUDA out of memory") for run_id in job.run_ids)
            return
        try:
            self.during(job)
        finally:
            self.gpu.give_back(size)
        yield from (Ended(run_id, "done") for run_id in job.run_ids)
        yield PeakMemory(size)

    def ask_to_stop(self) -> None: ...

    def wait(self, until: float) -> None: ...

    def release(self) -> None:
        self.released += 1


@dataclass
class Site:
    """A results folder, five workers on one simulated GPU, and what was said."""

    root: Path
    gpu: SimulatedGpu
    by_memory: bool = True
    notes: list[str] = field(default_factory=list)

    def run(self, *jobs: Job | EncodedJob, during: Callable[[Job], None] = lambda job: None) -> dict[str, str]:
        """The status of every run, each of which must end once."""
        settings = [WorkerSettings(self.root, device="cuda:0", by_memory=self.by_memory)] * 5
        workers = [SimulatedWorker(self.gpu, during) for _ in settings]
        with WorkerPool.of(workers, self.root, sharing=Sharing.of(settings, self.gpu)) as pool:
            ended = list(pool.run(jobs, self.hear))
        assert sorted(end.run_id for end in ended) == sorted(run_id for job in jobs for run_id in job.run_ids)
        return {end.run_id: end.status for end in ended}

    def hear(self, event: Event) -> None:
        if isinstance(event, Noted):
            self.notes.append(event.text)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(Store(tmp_path).open().root, SimulatedGpu(3 * GIB))


def record(site: Site, seed: int, peak: int, pack: tuple[int, ...]) -> None:
    """The folder of a run of an earlier command on such a GPU."""
    spec = replace(SPEC, seed=seed)
    folder = Store(site.root).run(spec.run_id())
    folder.write_json("spec.json", spec_file(spec))
    memory = {"cell": JOB.cell, "peak": peak}
    folder.write_json("env.json", {"device_name": "H200", "pack": list(pack), "memory": memory})


def test_the_first_job_of_a_cell_is_alone_and_four_of_the_others_share(site: Site) -> None:
    """Each takes 3 GiB, for which 3.8 GiB of 16 are promised; the four wait for each other, so they do overlap."""
    together = threading.Barrier(4, timeout=60)
    first = threading.Event()

    def during(job: Job) -> None:
        if not first.is_set():
            first.set()
            assert site.gpu.now == 1
        else:
            together.wait()

    assert set(site.run(*SINGLE, during=during).values()) == {"done"}
    assert site.gpu.most == 4 and not site.notes


def test_peaks_of_earlier_commands_are_the_first_estimates(site: Site) -> None:
    record(site, 90, 2 * GIB, (90,))
    record(site, 91, 3 * GIB, (91,))
    record(site, 92, 5 * GIB, (92, 93))
    write_json(site.root / "runs" / "no-memory" / "env.json", {"device_name": "H200", "pack": [1], "memory": None})
    (site.root / "runs" / "no-memory" / "spec.json").write_text("{}")
    known = known_peaks(Store(site.root))
    assert known == {MemoryKey("H200", JOB.cell, 1): 3 * GIB, MemoryKey("H200", JOB.cell, 2): 5 * GIB}
    used = [{"device_name": name, "pack": [1], "memory": {"cell": JOB.cell, "peak": GIB}} for name in ("A100", "H200")]
    sessions = [used[0] | {"memory": None}, *used, used[0] | {"memory": None}]
    write_json(site.root / "runs" / "no-memory" / "env.json", {"sessions": sessions})
    assert known_peaks(Store(site.root)) == known | {MemoryKey("A100", JOB.cell, 1): GIB}
    together = threading.Barrier(4, timeout=60)
    assert set(site.run(*SINGLE[:4], during=lambda job: (together.wait(), None)[1]).values()) == {"done"}


def test_a_job_that_did_not_fit_beside_others_is_tried_alone(site: Site) -> None:
    """The estimates say 1 GiB, and each job takes 9: two do not fit on the GPU together."""
    site.gpu.size = 9 * GIB
    record(site, 90, GIB, (90,))
    inside = threading.Semaphore(0)

    def during(job: Job) -> None:
        if len(site.gpu.jobs) == 1:  # the first one stays until another has run out of memory
            while not site.notes and not inside.acquire(timeout=0.01):
                pass

    assert set(site.run(*SINGLE, during=during).values()) == {"done"}
    assert site.gpu.most == 1 and site.notes
    assert all(note.endswith("out of memory on cuda:0; tried again alone on its device") for note in site.notes)


def test_a_number_of_workers_is_taken_as_it_is_and_memory_runs_out_all_the_same(site: Site) -> None:
    site.by_memory, together = False, threading.Barrier(5, timeout=60)
    assert set(site.run(*SINGLE, during=lambda job: (together.wait(), None)[1]).values()) == {"done"}
    site.gpu.size = 9 * GIB
    assert set(site.run(*SINGLE).values()) == {"done"}


@pytest.mark.parametrize("job", [PACK, EncodedJob(encode(PACK))], ids=["here", "in a pilot"])
def test_a_pack_that_is_too_large_is_halved_in_the_manifest(site: Site, job: Job | EncodedJob) -> None:
    """Seed 0 had diverged in the pack of four, and stays so; the others are planned anew and begin anew."""
    site.gpu.size, store, whole = 5 * GIB, Store(site.root), suite(*PACK.specs)
    before = manifest(whole, {run_id: PACK.seeds for run_id in PACK.run_ids})
    write_manifest(store, before)
    for run_id in PACK.run_ids:
        with store.run(run_id).owned(1.0) as folder:
            folder.write_json("spec.json", spec_file(PACK.spec_of(run_id)))
            folder.write_json("env.json", {"pack": list(PACK.seeds)})
            over = run_id == PACK.run_ids[0]
            diverged = {"step": 3, "term": "d/real"} if over else None
            folder.write_state(State("diverged" if over else "running", step=2, diverged=diverged))  # type: ignore[arg-type]
    planned: list[dict[str, tuple[int, ...]]] = []
    statuses = site.run(job, during=lambda _: planned.append(dict(read_manifest(store, whole.name).packs)))
    zero, *others = PACK.run_ids
    assert {statuses[run_id] for run_id in others} == {"done"}
    expected = {zero: (0, 1, 2, 3), others[0]: (1,), others[1]: (2, 3), others[2]: (2, 3)}
    assert planned and all(packs == expected for packs in planned), "before anything of them is done"
    assert sorted(site.gpu.jobs) == [[1], [2, 3]]
    after = json.loads(store.manifest_path(whole.name).read_text())
    assert {key for key in before.as_json() if after[key] != json.loads(json.dumps(before.as_json()[key]))} == {"packs"}
    assert store.run(zero).check() is not None and store.run(others[0]).check() is None


def test_a_run_that_fits_nowhere_fails_and_the_others_are_done(site: Site) -> None:
    site.gpu.capacity = 2 * GIB
    statuses = site.run(SINGLE[0])
    assert statuses == {SINGLE[0].run_ids[0]: "failed"} and len(site.notes) == 1
    site.gpu.size = GIB
    assert set(site.run(*SINGLE).values()) == {"done"}
