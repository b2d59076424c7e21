"""The memory of a run's GPU: its peak is recorded, and running out of it is passed on where the parent can help."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.executors.local import Local
from ganbench.networks.mlp import MLP
from ganbench.results.state import sessions_of
from ganbench.results.store import Store
from ganbench.runner import gpu_memory
from ganbench.runner.events import Ended, Event, OutOfMemory, PeakMemory
from ganbench.runner.gpu_memory import CudaMemory, TorchPeak, known_peaks, mps
from ganbench.runner.job import Job
from ganbench.runner.settings import WorkerSettings
from ganbench.runner.worker import Worker
from tests.support.jobs import JOB, SPEC
from tests.support.rows import file_rows

SHORT = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


@dataclass
class SimulatedMeter:
    """The meter of a GPU on which every job takes a byte more than the last one."""

    jobs: int = 0
    given_back: int = 0  # after so many jobs

    def begin(self) -> None:
        self.jobs += 1

    def end(self) -> None:
        self.given_back += 1

    def peak(self) -> int:
        return 2**30 + self.jobs


@dataclass(frozen=True, kw_only=True)
class Large(Evaluator):
    """Needs more memory than there is."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "none"

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("large", "lower"),)

    def needs(self) -> tuple[FeatureName, ...]:
        return ()

    def unsupported(self, space: object, samples: int, modes: bool) -> str | None:
        return None

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        raise SHORT


@dataclass
class Site:
    """A worker with a simulated meter, and its events."""

    root: Path
    events: list[Event] = field(default_factory=list)
    meter: SimulatedMeter = field(default_factory=SimulatedMeter)

    def fill(self, job: Job) -> None:
        worker = Worker(WorkerSettings(self.root), self.events.append)
        worker.meter = self.meter
        worker.fill(job)

    def ended(self) -> list[Ended]:
        return [event for event in self.events if isinstance(event, Ended)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(Store(tmp_path).open().root)


def test_the_peak_is_recorded_for_the_cell_and_sealed(site: Site) -> None:
    job = replace(JOB, specs=(SPEC, replace(SPEC, seed=1)))
    site.fill(job)
    for run_id in job.run_ids:
        folder = Store(site.root).run(run_id)
        (about,), state = sessions_of(folder.read_json("env.json")), folder.check()
        assert about["memory"] == {"cell": replace(SPEC, seed=0).run_id(), "peak": 2**30 + 1}
        assert state is not None and state.status == "done"
    assert site.events[-1] == PeakMemory(2**30 + 1)
    assert site.meter.given_back == 1, "no later than the job ends: another process may wait for the memory"


def test_on_a_cpu_nothing_is_measured(tmp_path: Path) -> None:
    events: list[Event] = []
    Worker(WorkerSettings(Store(tmp_path).open().root), events.append).fill(JOB)
    (about,) = sessions_of(Store(tmp_path).run(JOB.run_ids[0]).read_json("env.json"))
    assert about["memory"] is None and about["mps"] is None
    assert not any(isinstance(event, PeakMemory) for event in events)


@pytest.mark.parametrize("error", [SHORT, RuntimeError("cuDNN error: Out of Memory")])
def test_out_of_memory_in_training_is_passed_on(site: Site, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(MLP, "generator", fail)
        site.fill(replace(JOB, backs_off=True))
        (event,) = (event for event in site.events if isinstance(event, OutOfMemory))
        assert event.runs == JOB.run_ids and str(error) in event.error and not site.ended()
        site.fill(JOB)
    (ended,) = site.ended()
    assert ended.status == "failed" and str(error) in str(ended.error)
    assert "use a smaller batch or network, or a device with more memory, and add --retry-failed" in str(ended.error)


def test_out_of_memory_in_an_evaluator_is_passed_on_or_else_its_metrics_are_absent(site: Site) -> None:
    job, folder = replace(JOB, evaluators=(*JOB.evaluators, Large())), Store(site.root).run(JOB.run_ids[0])
    site.fill(replace(job, backs_off=True))
    assert any(isinstance(event, OutOfMemory) for event in site.events) and not site.ended()
    assert not file_rows(folder, "scores.jsonl"), "scores of a mark are written together"
    site.fill(job)
    assert [ended.status for ended in site.ended()] == ["done"]
    assert len(file_rows(folder, "absent.jsonl")) == 2 and file_rows(folder, "scores.jsonl")


def test_mps_is_known_by_its_variables_or_by_its_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in gpu_memory.MPS_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(gpu_memory, "smi", lambda *words: "python3\n/usr/bin/nvidia-cuda-mps-server\n")
    assert mps.__wrapped__() == "nvidia-cuda-mps-server"
    monkeypatch.setattr(gpu_memory, "smi", lambda *words: None)
    assert mps.__wrapped__() is None
    monkeypatch.setenv("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "50")
    assert mps.__wrapped__() == "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=50"


@pytest.mark.gpu
def test_the_peak_on_a_gpu_holds_what_torch_reserved_and_the_context() -> None:
    meter, size = TorchPeak("cuda:0"), 64 * 2**20
    meter.begin()
    held = torch.empty(size, dtype=torch.uint8, device="cuda:0")
    first = meter.peak() or 0
    del held
    meter.end()
    assert torch.cuda.memory_reserved("cuda:0") <= (meter.peak() or 0) - size
    meter.begin()
    assert size <= first and (meter.peak() or 0) <= first - size, "the next job begins with nothing"
    assert CudaMemory().name("cuda:0") == torch.cuda.get_device_name(0) and CudaMemory().free("cuda:0") > 0


@pytest.mark.gpu
def test_a_job_runs_out_of_the_memory_of_a_gpu(tmp_path: Path) -> None:
    events: list[Event] = []
    worker = Worker(WorkerSettings(Store(tmp_path).open().root, device="cuda:0"), events.append)
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-6)
    try:
        worker.fill(replace(JOB, backs_off=True))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert any(isinstance(event, OutOfMemory) for event in events), events


@pytest.mark.gpu
def test_processes_share_a_gpu_by_memory(tmp_path: Path) -> None:
    store = Store(tmp_path).open()
    jobs = [replace(JOB, specs=(replace(SPEC, seed=seed),)) for seed in range(4)]
    own = WorkerSettings(store.root, device="cuda:0", by_memory=True)
    ended = list(Local().run(jobs, [own] * 3, lambda event: None))
    assert [end.status for end in ended] == ["done"] * 4
    (peak,) = known_peaks(store).values()
    assert peak > 0
