"""The pool of workers, with workers that only say what they were asked: no process, no training."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ganbench.executors.base import CannotStart, MachineLost, WorkerFailed
from ganbench.executors.parts import pool as pools
from ganbench.executors.parts.pool import ATTEMPTS, LOSSES, WorkerPool
from ganbench.results.store import Store
from ganbench.runner.events import Ended, Event, Noted
from ganbench.runner.job import Job
from tests.support.jobs import JOB, SPEC

JOBS = [replace(JOB, specs=(replace(SPEC, seed=seed),)) for seed in range(4)]


@dataclass(eq=False)
class Place:
    """A cluster with room for so many workers."""

    room: threading.Semaphore


@dataclass(eq=False)
class Pretending:
    """Waits for a place in the cluster, and ends jobs as it is told; `calls` holds what it was asked."""

    place: Place
    act: Callable[[Job], None] = lambda job: None
    calls: list[str] = field(default_factory=list)
    seated: bool = False

    def ready(self) -> Iterator[Noted | None]:
        self.calls.append("ready")
        while not self.seated:
            self.seated = self.place.room.acquire(timeout=0.01)
            yield None

    def do(self, job: Job) -> Iterator[Event]:
        assert self.seated
        self.calls.append("do")
        try:
            self.act(job)
        except BaseException:
            self.release()
            raise
        yield from (Ended(run_id, "done") for run_id in job.run_ids)

    def ask_to_stop(self) -> None:
        self.calls.append("ask_to_stop")

    def wait(self, until: float) -> None:
        self.calls.append("wait")

    def release(self) -> None:
        self.calls.append("release")
        if self.seated:
            self.seated = False
            self.place.room.release()


def cluster(room: int) -> Place:
    return Place(threading.Semaphore(room))


def statuses(ended: list[Ended]) -> dict[str, str]:
    return {end.run_id: end.status for end in ended}


def test_one_place_serves_several_workers_and_no_job_waits_without_a_place(tmp_path: Path) -> None:
    place = cluster(1)
    workers = [Pretending(place) for _ in range(3)]
    with WorkerPool.of(workers, tmp_path) as pool:
        ended = list(pool.run(JOBS, lambda event: None))
        assert statuses(ended) == {job.run_ids[0]: "done" for job in JOBS}
        assert not any(worker.seated for worker in workers), "a worker without jobs gives its place back at once"
    assert all(worker.calls[-3:] == ["ask_to_stop", "wait", "release"] for worker in workers)


def test_workers_of_a_kept_session_stay_for_the_next_jobs(tmp_path: Path) -> None:
    workers = [Pretending(cluster(1))]
    with WorkerPool.of(workers, tmp_path, keep=True) as pool:
        for jobs in (JOBS[:2], JOBS[2:]):
            assert len(list(pool.run(jobs, lambda event: None))) == 2
            assert workers[0].seated
        assert "release" not in workers[0].calls
    assert not workers[0].seated


@pytest.mark.parametrize("keep", [False, True])
def test_the_job_of_a_lost_place_is_done_in_another(tmp_path: Path, keep: bool) -> None:
    """The place does not come back, and the other worker must not hold the last one for nothing."""
    place, lost = cluster(2), threading.Event()

    def lose(job: Job) -> None:
        if not lost.is_set():
            lost.set()
            place.room.acquire(blocking=False)  # the place of the next worker, or else of this one, is gone too
            raise MachineLost("node n1 is gone")

    heard: list[Event] = []
    with WorkerPool.of([Pretending(place, lose), Pretending(place)], tmp_path, keep) as pool:
        ended = list(pool.run(JOBS[:2], heard.append))
    assert statuses(ended) == {job.run_ids[0]: "done" for job in JOBS[:2]}
    notes = [event.text for event in heard if isinstance(event, Noted)]
    assert all("node n1 is gone while it worked on ring8" in note or "another worker" in note for note in notes)


@pytest.mark.parametrize(
    ("failure", "times"), [(WorkerFailed("it died", "its log"), ATTEMPTS), (MachineLost("it is gone"), LOSSES)]
)
def test_a_job_fails_after_two_dead_workers_or_ten_lost_machines(
    tmp_path: Path, failure: WorkerFailed, times: int
) -> None:
    tried: list[str] = []

    def fail(job: Job) -> None:
        tried.extend(job.run_ids)
        raise failure

    with WorkerPool.of([Pretending(cluster(1), fail)], Store(tmp_path).open().root) as pool:
        (ended,) = pool.run(JOBS[:1], lambda event: None)
    assert (ended.status, ended.error) == ("failed", failure.reason) and len(tried) == times
    assert failure.log in Store(tmp_path).run(ended.run_id).log_end()[-1:] or not failure.log


def test_a_lost_machine_counts_as_no_attempt(tmp_path: Path) -> None:
    endings: list[WorkerFailed] = [MachineLost("gone"), WorkerFailed("died"), MachineLost("gone")]

    def act(job: Job) -> None:
        if endings:
            raise endings.pop(0)

    with WorkerPool.of([Pretending(cluster(1), act)], tmp_path) as pool:
        (ended,) = pool.run(JOBS[:1], lambda event: None)
    assert ended.status == "done"


def test_a_worker_that_cannot_start_takes_no_job(tmp_path: Path) -> None:
    class Refused(Pretending):
        def ready(self) -> Iterator[Noted | None]:
            yield Noted("node n2 is refused")
            raise CannotStart("no node is left")

    heard: list[Event] = []
    with WorkerPool.of([Refused(cluster(1))], tmp_path) as pool:
        ended = list(pool.run(JOBS[:2], heard.append))
    assert [end.error for end in ended] == ["no node is left; run the same line again to start this run"] * 2
    assert [event.text for event in heard if isinstance(event, Noted)] == ["node n2 is refused", "no node is left"]


def test_an_engine_that_is_gone_ends_the_jobs(tmp_path: Path) -> None:
    with WorkerPool.of([Pretending(cluster(0))], tmp_path) as pool:
        pool.abort(ConnectionError("the head is gone"))
        with pytest.raises(ConnectionError, match="the head is gone"):
            list(pool.run(JOBS, lambda event: None))


def test_a_lock_that_a_lost_machine_holds_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file server keeps the locks of a dead machine for a while."""
    monkeypatch.setattr(pools, "LEASE", 0.0)
    store = Store(tmp_path).open()
    heard: list[Event] = []

    def fail(job: Job) -> None:
        raise WorkerFailed("it died")

    with (
        store.run(JOB.run_ids[0]).lock().acquire(),
        WorkerPool.of([Pretending(cluster(1), fail)], store.root) as pool,
    ):
        (ended,) = pool.run([JOB], heard.append)
    assert ended.status == "failed"
    assert any("could not be recorded" in event.text for event in heard if isinstance(event, Noted))
