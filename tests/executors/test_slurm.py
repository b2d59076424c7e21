"""Slurm without Slurm: what a session does where the queue answers this or that, and what a pilot leaves to others."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from ganbench.errors import RequestError
from ganbench.executors.base import Detached
from ganbench.executors.parts import slurm_array, slurm_pilot, slurm_queue, slurm_session
from ganbench.executors.parts.probe import LOCKS_ARE_LOCAL, Probe
from ganbench.executors.parts.process import Running, WorkerProcess
from ganbench.executors.parts.slurm_book import Book, EventReader
from ganbench.executors.parts.slurm_pilot import EndedRuns, Pilot, PilotWorker
from ganbench.executors.parts.slurm_queue import Task
from ganbench.executors.slurm import Slurm
from ganbench.results.manifest import write_manifest
from ganbench.results.store import Store
from ganbench.runner import job as job_module
from ganbench.runner.events import Ended, Event, Noted, Progressed
from ganbench.runner.job import EncodedJob, Job
from ganbench.runner.packing import begun_in
from ganbench.runner.run import manifest
from ganbench.runner.settings import WorkerSettings
from tests.runner.test_plan import suite
from tests.support.jobs import JOB, SPEC

JOBS = [replace(JOB, specs=(replace(SPEC, seed=seed),)) for seed in range(3)]
IDS = [job.run_ids[0] for job in JOBS]


@dataclass
class Queue:
    """A Slurm whose arrays end as a test says: each answer of `squeue` first lets the pilots write events."""

    answers: Iterator[list[Task] | None]
    results: Path
    pilots: list[list[Event]] = field(default_factory=list)  # what the pilots of each array say
    submitted: list[tuple[str, ...]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def submit(self, words: tuple[str, ...]) -> str:
        self.submitted.append(words)
        return str(len(self.submitted))

    def tasks(self, array: str) -> list[Task] | None:
        for book in Book.submitted(self.results):
            if book.array == array and len(self.pilots) >= int(array):
                latest = len(list(book.folder.glob("*.jobs"))) - 1
                for event in self.pilots[int(array) - 1]:
                    book.append(latest, "1-0", event)
                self.pilots[int(array) - 1] = []
        return next(self.answers, [])

    def cancel(self, array: str, pending_only: bool = False) -> None:
        self.cancelled.append(array)


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    queue = Queue(iter(()), tmp_path)
    for name in ("submit", "tasks", "cancel"):
        monkeypatch.setattr(slurm_queue, name, getattr(queue, name))
    monkeypatch.setattr(slurm_queue, "check_installed", lambda: None)
    for module, name in ((slurm_array, "LOOK"), (slurm_array, "SETTLE"), (slurm_session, "POLL")):
        monkeypatch.setattr(module, name, 0.0)
    Store(tmp_path).open()
    return queue


def done(queue: Queue, *jobs: Job, executor: Slurm | None = None) -> tuple[dict[str, Ended], list[str]]:
    """How the runs ended, and what was said."""
    heard: list[Event] = []
    ended = list((executor or Slurm()).run(jobs, [WorkerSettings(queue.results)] * 2, heard.append))
    assert len(ended) == len({end.run_id for end in ended}), "a run ends once"
    return {end.run_id: end for end in ended}, [event.text for event in heard if isinstance(event, Noted)]


def ends(*ids: str) -> list[Event]:
    return [Ended(id_, "done") for id_ in ids]


def test_what_an_array_leaves_is_submitted_again(queue: Queue) -> None:
    queue.pilots = [ends(IDS[0], IDS[0]), ends(*IDS)]
    ended, said = done(queue, *JOBS)
    assert {end.status for end in ended.values()} == {"done"} and ended.keys() == set(IDS)
    assert ["--array=0-1" in words for words in queue.submitted] == [True, True]
    assert "Slurm job 1 ended before all runs were done; Slurm job 2 continues with the rest" in said
    assert not list(queue.results.glob("slurm/*"))


def test_runs_fail_after_two_arrays_without_progress(queue: Queue) -> None:
    queue.pilots = [[], [Progressed((IDS[0],), 5)], [Progressed((IDS[0],), 5)], []]
    ended, _ = done(queue, JOBS[0])
    assert len(queue.submitted) == 4, "the second one came further"
    assert ended[IDS[0]].status == "failed"
    assert "Slurm job 4 ended without it" in str(ended[IDS[0]].error)
    assert "run the same line again" in str(ended[IDS[0]].error)


@pytest.mark.parametrize(
    ("reason", "said_of_it"),
    [
        ("Resources", "the Slurm job 1 waits: Resources"),
        (
            "launch failed requeued held",
            "the Slurm job 1 waits: launch failed requeued held; `scontrol release 1` lets it start",
        ),
    ],
)
def test_a_pending_array_and_a_silent_slurm_are_remarked_once(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, reason: str, said_of_it: str
) -> None:
    clock = itertools.count(time.monotonic(), 20)
    monkeypatch.setattr(slurm_array, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=time.sleep))
    waiting = [Task("PENDING", reason)]
    queue.answers = iter([None, waiting, waiting, waiting])
    queue.pilots = [[]]
    monkeypatch.setattr(slurm_session, "ATTEMPTS", 1)
    _, said = done(queue, JOBS[0])
    assert said.count(said_of_it) == 1
    assert said.count("Slurm does not answer; the runs in progress are followed by their files") == 1


def test_a_detached_array_is_followed_and_not_submitted_again(queue: Queue) -> None:
    running = [Task("RUNNING", "None")]
    with pytest.raises(Detached, match="Slurm job 1 does 2 runs; run the same line"):
        done(queue, *JOBS[:2], executor=Slurm().detached())
    assert not queue.cancelled
    queue.answers, queue.pilots = iter([running, running]), [ends(*IDS[:2]), ends(IDS[2])]
    ended, _ = done(queue, *JOBS)
    assert ended.keys() == set(IDS) and len(queue.submitted) == 2
    assert len(list(queue.results.glob("slurm/*"))) == 0


def test_an_array_is_followed_although_a_pilot_has_halved_a_pack(queue: Queue) -> None:
    with suppress(Detached):
        done(queue, replace(JOBS[0], pack=(0, 1, 2)), executor=Slurm().detached())
    queue.answers, queue.pilots = iter([[Task("RUNNING", "None")]]), [ends(IDS[0])]
    ended, _ = done(queue, replace(JOBS[0], pack=(0, 1)))
    assert ended[IDS[0]].status == "done" and len(queue.submitted) == 1


@pytest.mark.parametrize("change", ["other work", "failed before"])
def test_an_array_that_does_other_work_is_not_followed(queue: Queue, change: str) -> None:
    with suppress(Detached):
        done(queue, JOBS[0], executor=Slurm().detached())
    (book,) = Book.submitted(queue.results)
    wanted = replace(JOBS[0], samples=70) if change == "other work" else JOBS[0]
    if change == "failed before":
        book.append(0, "1-0", Ended(IDS[0], "failed", error="it broke"))
    queue.answers, queue.pilots = iter([[Task("RUNNING", "None")]]), [[], ends(IDS[0])]
    ended, _ = done(queue, wanted)
    assert ended[IDS[0]].status == "done" and len(queue.submitted) == 2


def test_an_array_that_also_does_other_runs_goes_on_with_them(queue: Queue) -> None:
    with suppress(Detached):
        done(queue, *JOBS, executor=Slurm().detached())
    queue.answers, queue.pilots = iter([[Task("RUNNING", "None")]] * 2), [ends(*IDS[:1])]
    ended, _ = done(queue, JOBS[0])
    assert ended.keys() == {IDS[0]} and len(queue.submitted) == 1
    assert Book.submitted(queue.results) and not queue.cancelled


def test_leaving_a_session_stops_its_pilots(queue: Queue) -> None:
    session = Slurm().run(JOBS, [WorkerSettings(queue.results)], lambda event: None)
    queue.answers, queue.pilots = iter([[Task("RUNNING", "None")]] * 4), [ends(IDS[0])]
    assert next(session).run_id == IDS[0]
    (book,) = Book.submitted(queue.results)
    session.close()
    assert queue.cancelled == ["1"] * len(queue.cancelled) and queue.cancelled
    assert not book.folder.exists()


def test_the_pilots_of_a_search_stay_from_round_to_round(queue: Queue) -> None:
    queue.answers = iter([[Task("RUNNING", "None")]] * 4)
    with Slurm().open([WorkerSettings(queue.results)] * 2, keep=True) as session:
        for jobs in (JOBS[:2], JOBS[1:]):
            queue.pilots = [ends(*(job.run_ids[0] for job in jobs))]
            assert [end.status for end in session.run(jobs, lambda event: None)] == ["done", "done"]
        (book,) = Book.submitted(queue.results)
        assert not book.is_closed and len(queue.submitted) == 1
    assert not book.folder.exists()


def test_a_node_that_was_refused_is_excluded(queue: Queue) -> None:
    def refused(array: str) -> list[Task]:
        for book in Book.submitted(queue.results):
            if array == "1":
                book.refuse("n2", "there is no /data")
            else:
                book.append(0, "1-0", Ended(IDS[0], "done"))
        return []

    slurm_queue.tasks = refused  # the fixture puts it back
    ended, said = done(queue, JOBS[0], executor=Slurm(exclude="n7"))
    assert ended[IDS[0]].status == "done"
    assert "n2 gets no jobs: there is no /data" in said
    assert "--exclude=n7" in queue.submitted[0] and "--exclude=n7,n2" in queue.submitted[1]


def test_options_have_the_names_of_sbatch(queue: Queue) -> None:
    queue.pilots = [ends(IDS[0])]
    done(queue, JOBS[0], executor=Slurm(partition="gpu", time=240, gres="gpu:1", sbatch={"mail-type": "END"}))
    (words,) = queue.submitted
    assert {"--partition=gpu", "--time=240", "--gres=gpu:1", "--mail-type=END", "--array=0-0"} <= set(words)
    assert "--signal=B:USR1@60" in words


@pytest.mark.parametrize(
    ("executor", "device"),
    [(Slurm(), "cpu"), (Slurm(gres="gpu:1"), "cuda:0"), (Slurm(sbatch={"gpus-per-node": 2}), "cuda:0")],
)
def test_devices_are_those_that_are_asked_of_slurm(executor: Slurm, device: str) -> None:
    assert executor.devices("auto", 3, None) == executor.devices("auto", 3, 1) == (device,) * 3
    for given in (("cpu", 3, 1), ("auto", 3, 2), ("auto", None, 1)):
        with pytest.raises(RequestError, match="--executor slurm"):
            executor.devices(*given)


def test_without_slurm_the_request_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RequestError, match="there is no command sbatch here"), Slurm().open([WorkerSettings(tmp_path)]):
        pass


def test_what_sbatch_refuses_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sbatch").write_text("#!/bin/sh\necho 'sbatch: error: invalid partition specified: x' >&2; exit 1\n")
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(RequestError, match="sbatch refuses the jobs: invalid partition specified: x"):
        slurm_queue.submit(())


# --- a pilot ---


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Book:
    monkeypatch.setattr(slurm_pilot, "BEAT", 0.0)
    book = Book.new(WorkerSettings(Store(tmp_path).open().root))
    book.add_round([EncodedJob(job_module.encode(job)) for job in JOBS], last=True)
    return book


def heard_from(book: Book, pilot: str) -> list[str]:
    path = book.folder / "events" / f"0.{pilot}"
    return [line for line in path.read_text().splitlines() if '"ended"' in line] if path.exists() else []


def test_a_pilot_starts_at_its_place_and_leaves_what_others_do(book: Book) -> None:
    store = Store(book.settings.results)
    book.append(0, "1-0", Ended(IDS[0], "done"))
    with store.run(IDS[2]).owned(0.0):
        Pilot(book, "2-0", "n1", 0.5, 1).serve()
    assert [IDS[1] in line for line in heard_from(book, "2-0")] == [True], "one is done and one is in progress"


def test_a_pilot_trains_in_the_packs_that_another_one_has_halved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a pack of three that did not fit, one half is in progress elsewhere, and was begun before the book's round."""
    monkeypatch.setattr(slurm_pilot, "BEAT", 0.0)
    store, pack = Store(tmp_path).open(), replace(JOB, specs=tuple(job.specs[0] for job in JOBS))
    halves = {IDS[0]: (0, 1), IDS[1]: (0, 1), IDS[2]: (2,)}
    write_manifest(store, manifest(suite(*pack.specs), halves))
    book = Book.new(WorkerSettings(store.root))
    book.add_round([EncodedJob(job_module.encode(pack))], last=True)
    with store.run(IDS[0]).owned(0.0):
        Pilot(book, "1-0", "n1", 0.0, 1).serve()
    assert [IDS[2] in line for line in heard_from(book, "1-0")] == [True], "the other half is another pilot's"
    Pilot(book, "2-0", "n1", 0.0, 1).serve()
    assert {event.run_id for event in EventReader(book, 0).news() if isinstance(event, Ended)} == set(IDS)
    assert {id_: begun_in(store.run(id_), seed) for seed, id_ in enumerate(IDS)} == halves


def test_a_worker_leaves_a_job_that_was_divided_since(book: Book) -> None:
    store, pack = Store(book.settings.results), replace(JOB, specs=tuple(job.specs[0] for job in JOBS))
    write_manifest(store, manifest(suite(*pack.specs), dict.fromkeys(IDS, pack.seeds) | {IDS[2]: (2,)}))
    worker = PilotWorker(WorkerProcess(book.settings), EndedRuns(EventReader(book, 0)))
    assert not list(worker.do(EncodedJob(job_module.encode(pack))))


def test_a_pilot_does_the_rounds_of_a_search_in_one_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started, start = list[int](), Running.start
    monkeypatch.setattr(Running, "start", lambda own: started.append(1) or start(own))
    monkeypatch.setattr(slurm_pilot, "BEAT", 0.0)
    monkeypatch.setattr(slurm_pilot, "ALONE", 0.0)  # no parent adds a third round
    book = Book.new(WorkerSettings(Store(tmp_path).open().root))
    half = replace(JOBS[0], until=10)
    for job in (half, JOBS[0]):
        book.add_round([EncodedJob(job_module.encode(job))], last=False)
    Pilot(book, "1-0", "n1", 0.0, 1).serve()
    ended = [list(EventReader(book, number).news())[-1] for number in (0, 1)]
    assert [(end.status, end.step) for end in ended if isinstance(end, Ended)] == [("running", 10), ("done", 20)]
    assert started == [1]


def test_a_pilot_on_a_node_that_differs_does_nothing(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.executors.parts.probe.torch_version", lambda: "0.1")
    Pilot(book, "1-0", "n1", 0.0, 1).serve()
    assert list(book.refusals()) == ["n1"] and "torch 0.1" in book.refusals()["n1"]
    assert not heard_from(book, "1-0")


@pytest.mark.parametrize("parent", ["present", "gone", "another"])
def test_a_free_lock_is_a_reason_only_where_a_parent_should_hold_it(
    book: Book, monkeypatch: pytest.MonkeyPatch, parent: str
) -> None:
    """`another`: the parent that held it was killed, and another one takes it with its next beat."""
    beats = iter(["1", "1"] if parent == "gone" else ["1", "2", "3"])
    monkeypatch.setattr(Book, "last_beat", lambda self: next(beats))
    if parent == "another":
        found = iter([LOCKS_ARE_LOCAL, LOCKS_ARE_LOCAL, None])
        monkeypatch.setattr(Probe, "refusal", lambda self: next(found))
    reason = Pilot(book, "1-0", "n1", 0.0, 1).refusal()
    assert ("nolock" in str(reason)) == (parent == "present")


def test_a_pilot_that_can_start_no_worker_lets_no_run_fail(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(own: object) -> None:
        raise OSError(12, "no memory")

    monkeypatch.setattr("ganbench.executors.parts.process.Running.start", refuse)
    Pilot(book, "1-0", "n1", 0.0, 1).serve()
    assert "no memory" in book.refusals()["n1"] and not heard_from(book, "1-0")


def test_a_share_of_the_node_is_that_of_its_cpus(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    workers = Pilot(book, "1-0", "n1", 0.0, 2).workers()
    assert [(own.device, own.share) for own in workers] == [("cpu", 0.125)] * 2
