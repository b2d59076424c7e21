"""Worker processes on this machine: a job that a worker can't read fails with the reason, and costs no worker."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from ganbench.executors.base import Executor
from ganbench.executors.local import Local
from ganbench.executors.parts.process import Running, WorkerProcess
from ganbench.plugins import Registry
from ganbench.results.store import RunFolder, State, Store
from ganbench.runner import events
from ganbench.runner import job as job_module
from ganbench.runner.events import Busy, Ended, Event, Noted, Progressed
from ganbench.runner.job import Job
from ganbench.runner.run import Execution
from ganbench.runner.settings import WorkerSettings
from tests.support.jobs import JOB, SPEC
from tests.support.tiny import write_components


def test_a_job_that_cannot_be_read_fails_and_the_next_one_is_done(tmp_path: Path) -> None:
    tiny_gan = Registry.of(write_components(tmp_path)).find("variant", "tiny_gan")
    unknown = replace(JOB, specs=tuple(replace(SPEC, variant=tiny_gan(), seed=seed) for seed in (0, 1)))
    store = Store(tmp_path / "results").open()
    before = store.run(unknown.run_ids[1])
    before.write_state(State("done", step=20))
    heard: list[Event] = []
    ended = list(Local().run([unknown, JOB], [WorkerSettings(store.root)], heard.append))
    reason = "there is no variant 'tiny_gan'"
    assert [end.run_id for end in ended] == [*unknown.run_ids, *JOB.run_ids]
    assert [end.status for end in ended] == ["failed", "failed", "done"]
    assert all(reason in str(end.error) for end in ended[:2])
    folder = store.run(unknown.run_ids[0])
    state = folder.check()
    assert state is not None and state.status == "failed" and reason in str(state.error)
    assert folder.log_end(99)[0].startswith("Traceback")
    assert before.check() == State("done", step=20), "a finished run stays finished"
    assert not [event for event in heard if isinstance(event, Noted)], "no worker died"
    assert any(isinstance(event, Progressed) for event in heard)


def test_a_plugin_that_changed_fails_its_job(tmp_path: Path) -> None:
    """The worker reads another component under the same name: its run would have another id."""
    files = write_components(tmp_path)
    tiny_gan = Registry.of(files).find("variant", "tiny_gan")
    job = replace(JOB, specs=(replace(SPEC, variant=tiny_gan()),))
    files[0].write_text(files[0].read_text() + "\n# another file\n")
    settings = WorkerSettings(Store(tmp_path / "results").open().root, plugins=files)
    (ended,) = Local().run([job], [settings], lambda event: None)
    assert isinstance(ended, Ended) and (ended.run_id, ended.status) == (job.run_ids[0], "failed")
    assert "the file of a plug-in has changed" in str(ended.error)


# --- whatever happens in the parent, every run has an outcome ---


def outcomes(root: Path, heard: list[Event], *jobs: Job) -> list[Ended]:
    settings = WorkerSettings(Store(root).open().root)
    return list(Local().run(jobs, [settings] * 2, heard.append))


def test_lines_that_are_no_events_fail_their_job_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is started anew, so that the next job doesn't read what is left."""
    jobs = [replace(JOB, specs=(replace(SPEC, seed=seed),)) for seed in range(3)]
    decode = events.decode

    def garbled(line: str) -> Event:
        if jobs[1].run_ids[0] in line:
            raise ValueError("no event")
        return decode(line)

    monkeypatch.setattr(events, "decode", garbled)
    ended = {end.run_id: end for end in outcomes(tmp_path, [], *jobs)}
    assert [ended[job.run_ids[0]].status for job in jobs] == ["done", "failed", "done"]
    assert "its worker can't be used: ValueError: no event" in str(ended[jobs[1].run_ids[0]].error)


@pytest.mark.parametrize("error", [OSError(24, "Too many open files"), ValueError("no number")])
def test_a_failure_that_cannot_be_recorded_is_an_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(job_module, "encode", fail)  # called in the parent for every job
    monkeypatch.setattr(RunFolder, "fail", fail)
    heard: list[Event] = []
    (ended,) = outcomes(tmp_path, heard, JOB)
    assert ended.status == "failed" and str(error) in str(ended.error)
    assert any("could not be recorded" in event.text for event in heard if isinstance(event, Noted))


@pytest.mark.parametrize("refused", [1, 9])
@pytest.mark.parametrize("place", ["process", "thread"])
def test_jobs_are_done_by_the_workers_that_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, refused: int
) -> None:
    left = iter(range(refused))
    owner, name = (Running, "start") if place == "process" else (threading.Thread, "start")
    start: Any = getattr(owner, name)

    def refuse(*arguments: Any) -> Any:
        if next(left, None) is not None:
            raise OSError(24, "no room") if place == "process" else RuntimeError("no room")
        return start(*arguments)

    monkeypatch.setattr(owner, name, refuse)
    jobs = [replace(JOB, specs=(replace(SPEC, seed=seed),)) for seed in range(3)]
    ended = outcomes(tmp_path, [], *jobs)
    assert sorted(end.run_id for end in ended) == sorted(job.run_ids[0] for job in jobs)
    assert {end.status for end in ended} == {"done" if refused == 1 else "failed"}
    if refused > 1:
        assert all("a worker can't be started: " in str(end.error) for end in ended)
        assert not list(tmp_path.glob("runs/*-s*")), "the same line starts them again"


@dataclass(frozen=True, kw_only=True)
class Forgetful(Executor):
    """Says nothing of its jobs."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "a test"

    @contextmanager
    def open(self, workers: Any, keep: bool = False) -> Iterator[Any]:
        yield SimpleNamespace(run=lambda jobs, listen: ())


def test_a_run_of_which_an_executor_says_nothing_has_failed(tmp_path: Path) -> None:
    heard: list[Event] = []
    listener: Any = SimpleNamespace(hear=heard.append)
    failed = Execution(Forgetful(), WorkerSettings(tmp_path), ("cpu",)).do([JOB], listener)
    assert failed == set(JOB.run_ids)
    assert [event.status for event in heard if isinstance(event, Ended)] == ["failed"]


@dataclass(frozen=True, kw_only=True)
class Counting(Forgetful):
    """Notes how it is opened and left."""

    opened: list[tuple[int, bool]]

    @contextmanager
    def open(self, workers: Any, keep: bool = False) -> Iterator[Any]:
        self.opened.append((len(workers), keep))
        yield SimpleNamespace(run=lambda jobs, listen: (Ended(id_, "done") for job in jobs for id_ in job.run_ids))
        self.opened.append((0, keep))


def test_a_search_has_one_session_and_a_suite_another(tmp_path: Path) -> None:
    opened: list[tuple[int, bool]] = []
    listener: Any = SimpleNamespace(hear=lambda event: None)
    execution = Execution(Counting(opened=opened), WorkerSettings(tmp_path), ("cpu",) * 3)
    with execution.kept(2) as kept:
        assert kept.do([JOB], listener) == kept.do([JOB], listener) == set()
    assert execution.do([JOB], listener) == set()
    assert opened == [(2, True), (0, True), (1, False), (0, False)]


# --- a worker that was suspended ---


def test_a_worker_that_wakes_up_after_another_took_its_run_writes_nothing(tmp_path: Path) -> None:
    """Its lock is gone without its knowledge, as on a file server that took its machine for dead."""
    long = replace(JOB, specs=(replace(SPEC, steps=50_000),), marks=(50_000,))
    store, heard = Store(tmp_path / "results").open(), list[Event]()
    worker, folder = WorkerProcess(WorkerSettings(store.root, save_every=0.0)), store.run(long.run_ids[0])
    list(worker.ready())
    events = worker.do(long)
    while not folder.checkpoint().exists():
        heard.append(next(events))
    process = worker._running.process  # type: ignore[union-attr]
    process.send_signal(signal.SIGSTOP)
    while Path(f"/proc/{process.pid}/stat").read_text().split()[2] != "T":
        time.sleep(0.01)
    Path(folder.lock().lock_file).unlink()
    with folder.owned(0.0) as own:
        own.clear()
        own.write_state(State("done", step=7))
        process.send_signal(signal.SIGCONT)
        heard = list(events)
        assert Busy(long.run_ids) in heard and not [event for event in heard if isinstance(event, Ended)]
        assert any("another process fills this run now" in event.text for event in heard if isinstance(event, Noted))
        assert [path.name for path in folder.path.iterdir()] == ["state.json"]
        assert folder.state() == State("done", step=7)
        assert folder.busy(), "the lock of the new owner still stands"
    worker.release()
