"""The worker through the inline executor: what is done again and what never is, full disks, stops, company, damage."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from ganbench.datasets.arrays import Arrays
from ganbench.evaluators.modes import ModeCoverage
from ganbench.executors import inline
from ganbench.optimizers.adam import Adam
from ganbench.optimizers.sgd import SGD
from ganbench.results import files, pictures, tensors
from ganbench.results.questions import Questions
from ganbench.results.real import written_picture
from ganbench.results.state import sessions_of
from ganbench.results.store import RunFolder, State, Store
from ganbench.runner import plan, recorder, worker
from ganbench.runner.events import Busy, Ended, Event, Noted, Progressed
from ganbench.runner.job import Job, score_key
from ganbench.runner.settings import WorkerSettings
from ganbench.runner.worker import Worker
from ganbench.spec import saved_columns
from ganbench.suite import Evaluation, Suite
from ganbench.variants.lsgan import LSGAN
from tests.support.jobs import JOB, SPEC
from tests.support.rows import file_rows

WIDER = ModeCoverage(within=5.0)
FULL = OSError(28, "No space left on device")


@dataclass
class Results:
    """A results folder with an inline executor, and its events."""

    root: Path
    events: list[Event] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return Store(self.root)

    def run(self, *jobs: Job) -> list[Ended]:
        """Do the jobs; every run of theirs must end exactly once."""
        settings = WorkerSettings(self.root, save_every=0.0)
        outcomes = list(inline.Inline().run(jobs, [settings], self.events.append))
        assert sorted(o.run_id for o in outcomes) == sorted(run_id for job in jobs for run_id in job.run_ids)
        return outcomes

    def notes(self) -> str:
        return "\n".join(event.text for event in self.events if isinstance(event, Noted))

    def complete(self, job: Job) -> bool:
        folders = [self.store.run(run_id) for run_id in job.run_ids]
        return all(plan.complete(job, folder.check()) for folder in folders)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def site(tmp_path: Path) -> Results:
    Store(tmp_path / "results").open()
    return Results(tmp_path / "results")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small job, done without any disturbance."""
    site = Results(tmp_path_factory.mktemp("undisturbed"))
    assert [outcome.status for outcome in site.run(replace(JOB, evaluators=(*JOB.evaluators, WIDER)))] == ["done"]
    return site.root


def numbers(root: Path, run_id: str = JOB.run_ids[0]) -> dict[Any, Any]:
    """All scores and terms of a run by step, the newest where there are several; no times."""
    folder = Store(root).run(run_id)
    scores = {(r["step"], r["evaluator"], r["metric"]): r["value"] for r in file_rows(folder, "scores.jsonl")}
    return scores | {row["step"]: row["terms"] for row in file_rows(folder, "terms.jsonl")}


def of_modes(root: Path) -> dict[Any, Any]:
    """The numbers that the small job alone asks for."""
    wider = score_key(WIDER, JOB.samples)
    return {key: value for key, value in numbers(root).items() if isinstance(key, int) or key[1] != wider}


def no_training(*_: Any) -> Any:
    raise AssertionError("nothing was to be trained")


# --- a run ---


def test_what_a_dataset_leaves_out_is_said_in_training(site: Results, tmp_path: Path) -> None:
    np.savez(tmp_path / "points.npz", np.random.default_rng(0).normal(size=(40, 2)), mu=np.zeros(2))
    dataset = Arrays(path=str(tmp_path / "points.npz")).resolved(None)
    job = replace(JOB, specs=(replace(SPEC, dataset=dataset),), evaluators=())
    assert [outcome.status for outcome in site.run(job)] == ["done"]
    assert "points.npz: 'arr_0' was read; left out: 'mu'" in site.notes()


def test_a_run_leaves_what_is_promised(undisturbed: Path) -> None:
    folder = Store(undisturbed).run(JOB.run_ids[0])
    state = folder.check()
    assert state is not None and (state.status, state.step) == ("done", 20) and state.seconds > 0
    assert state.scored == {score_key(e, 50): [10, 20] for e in (*JOB.evaluators, WIDER)}
    left = {str(path.relative_to(folder.path)) for path in folder.path.rglob("*") if path.is_file()}
    files = {"spec.json", "env.json", "state.json", "terms.jsonl", "scores.jsonl"}
    marks = {f"{place}" for mark in (10, 20) for place in (f"samples/{mark}.png", f"checkpoints/{mark}.pt")}
    assert left == files | marks, "and no checkpoint to resume from"
    assert written_picture(folder), "real samples, for reports"
    spec = folder.read_json("spec.json")
    assert spec == {"run_id": SPEC.run_id(), "spec": SPEC.canonical(), "columns": saved_columns(SPEC)}
    assert [row["step"] for row in file_rows(folder, "terms.jsonl")] == list(range(1, 21))
    assert set(file_rows(folder, "terms.jsonl")[0]["terms"]) == {"d/real", "d/fake", "g/fake"}, "flat names in files"
    assert {row["n"] for row in file_rows(folder, "scores.jsonl")} == {50}


def test_a_finished_run_is_not_touched(site: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    site.run(JOB)
    files = {path: path.read_bytes() for path in site.root.rglob("*") if path.is_file()}
    monkeypatch.setattr(worker, "train", no_training)
    assert [outcome.status for outcome in site.run(JOB)] == ["done"]
    assert {path: path.read_bytes() for path in site.root.rglob("*") if path.is_file()} == files


def test_a_diverged_run_is_an_outcome(site: Results) -> None:
    wild = replace(JOB, specs=(replace(SPEC, variant=LSGAN(), optimizer=SGD(lr=1e6), steps=500),), marks=(2, 500))
    (outcome,) = site.run(wild)
    assert outcome.status == "diverged" and outcome.error is None and outcome.diverged is not None
    assert 0 < outcome.diverged.step < 500 and outcome.diverged.term[:2] in ("d/", "g/")
    assert site.complete(wild), "a mark that was never reached is not missing"
    assert all(row["step"] < outcome.diverged.step for row in file_rows(site.store.run(outcome.run_id), "scores.jsonl"))


# --- more is asked of a finished run ---


def test_a_new_evaluator_never_retrains(site: Results, undisturbed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores that are added later are the ones that the run would have had from the start."""
    site.run(JOB)
    folder = site.store.run(JOB.run_ids[0])
    terms, scores = ((folder.path / name).read_bytes() for name in ("terms.jsonl", "scores.jsonl"))
    monkeypatch.setattr(worker, "train", no_training)
    more = replace(JOB, evaluators=(*JOB.evaluators, WIDER))
    assert not site.complete(more)
    assert [outcome.status for outcome in site.run(more)] == ["done"]
    assert site.complete(more) and site.complete(JOB)
    assert (folder.path / "terms.jsonl").read_bytes() == terms
    assert (folder.path / "scores.jsonl").read_bytes().startswith(scores)
    assert numbers(site.root) == numbers(undisturbed)


def test_another_number_of_samples_never_retrains(site: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    site.run(JOB)
    monkeypatch.setattr(worker, "train", no_training)
    site.run(replace(JOB, samples=80))
    assert {row["n"] for row in file_rows(site.store.run(JOB.run_ids[0]), "scores.jsonl")} == {50, 80}


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the trainer work, and note how many runs each of its calls trains."""
    calls: list[int] = []
    train = worker.train

    def noted(specs: Any, *rest: Any) -> Any:
        calls.append(len(specs))
        return train(specs, *rest)

    monkeypatch.setattr(worker, "train", noted)
    return calls


def test_a_new_mark_retrains_to_the_same_numbers(site: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    site.run(JOB)
    before, calls = numbers(site.root), counted(monkeypatch)
    more = replace(JOB, marks=(7, 10, 20))
    assert [outcome.status for outcome in site.run(more)] == ["done"]
    assert calls == [1] and site.complete(more)
    after = numbers(site.root)
    assert {key: after[key] for key in before} == before
    added = after.keys() - before.keys()
    assert added and all(key[0] == 7 for key in added)


def test_a_lost_generator_retrains(site: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    site.run(JOB)
    (site.store.run(JOB.run_ids[0]).path / "checkpoints" / "10.pt").write_bytes(b"PK broken")
    calls = counted(monkeypatch)
    more = replace(JOB, evaluators=(*JOB.evaluators, WIDER))
    site.run(more)
    assert calls == [1] and site.complete(more) and "10.pt: damaged" in site.notes()


def test_of_a_pack_only_the_open_runs_are_written(site: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = replace(JOB, specs=tuple(replace(SPEC, seed=seed) for seed in range(3)))
    site.run(replace(JOB, specs=pack.specs[1:2]))
    folder = site.store.run(pack.run_ids[1]).path
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    calls = counted(monkeypatch)
    assert [outcome.status for outcome in site.run(pack)] == ["done"] * 3
    assert calls == [3] and site.complete(pack)
    env = [sessions_of(site.store.run(run_id).read_json("env.json")) for run_id in pack.run_ids]
    assert [session["pack"] for sessions in env for session in sessions] == [[0, 1, 2], [1], [0, 1, 2]]
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


# --- failures ---


@pytest.fixture
def bad_luck(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the picture of the n-th mark from now on fail once: an error that is not an evaluator's."""
    draw = pictures.png

    def fail_at(n: int) -> None:
        calls = itertools.count(1)

        def png(x: torch.Tensor, **options: Any) -> bytes:
            if next(calls) == n:
                raise ZeroDivisionError("no luck")
            return draw(x, **options)

        monkeypatch.setattr(recorder.pictures, "png", png)

    return fail_at


def test_an_exception_fails_its_run_and_the_others_go_on(
    site: Results, bad_luck: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    bad_luck(3)
    jobs = [replace(JOB, specs=(replace(SPEC, seed=seed),)) for seed in range(3)]
    first, second, third = site.run(*jobs)
    assert (first.status, second.status, third.status) == ("done", "failed", "done")
    assert second.error == "ZeroDivisionError: no luck"
    folder = site.store.run(second.run_id)
    state = folder.check()
    assert state is not None and (state.status, state.error) == ("failed", second.error)
    assert folder.log_end(99)[0].startswith("Traceback") and "no luck" in folder.log_end()[-1]
    assert capsys.readouterr() == ("", "")
    assert site.run(jobs[1])[0].status == "done", "tried again when it is asked for"


def test_a_failed_scoring_of_a_finished_run_is_told_and_the_run_stays(
    site: Results, bad_luck: Callable[[int], None]
) -> None:
    pack = replace(JOB, specs=tuple(replace(SPEC, seed=seed) for seed in range(2)))
    site.run(pack)
    more = replace(pack, evaluators=(*JOB.evaluators, WIDER))
    bad_luck(3)
    outcomes = {outcome.run_id: outcome for outcome in site.run(more)}
    assert [outcomes[run_id].status for run_id in pack.run_ids] == ["done", "failed"]
    assert outcomes[pack.run_ids[1]].error == "ZeroDivisionError: no luck"
    states = [site.store.run(run_id).check() for run_id in pack.run_ids]
    assert all(state is not None and state.status == "done" for state in states)
    assert [outcome.status for outcome in site.run(more)] == ["done", "done"] and site.complete(more)


def test_a_run_that_cannot_be_locked_is_told(site: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: RunFolder) -> Any:
        raise FULL

    monkeypatch.setattr(RunFolder, "lock", refuse)
    (outcome,) = site.run(JOB)
    assert outcome.status == "failed" and outcome.error is not None and "can't be locked" in outcome.error
    assert not site.store.run(JOB.run_ids[0]).path.exists()


@dataclass
class Disk:
    """A disk that is full for one run from its `limit`-th write on; an append leaves half of its bytes behind."""

    limit: int
    run_id: str
    writes: int = 0

    def full(self, path: Path) -> bool:
        self.writes += self.run_id in str(path)
        return self.run_id in str(path) and self.writes >= self.limit

    def mount(self, patch: pytest.MonkeyPatch) -> None:
        whole, append = files.write_bytes, RunFolder.append

        def write_bytes(path: Path, content: bytes) -> None:
            if self.full(path):
                raise FULL
            whole(path, content)

        def append_half(folder: RunFolder, name: str, rows: Any) -> bytes:
            if self.full(folder.path / name):
                folder.path.mkdir(parents=True, exist_ok=True)
                text = "".join(json.dumps(row) + "\n" for row in rows)
                with (folder.path / name).open("a") as file:
                    file.write(text[: len(text) // 2])
                raise FULL
            return append(folder, name, rows)

        patch.setattr(recorder, "SAVE_SHARE", 1e9)  # a checkpoint at every moment
        patch.setattr(files, "write_bytes", write_bytes)
        patch.setattr(recorder, "write_bytes", write_bytes)
        patch.setattr(tensors, "write_bytes", write_bytes)
        patch.setattr(RunFolder, "append", append_half)


LIMITS = [*range(1, 12), 20, 40, 60]


@pytest.mark.parametrize("limit", LIMITS)
def test_a_full_disk_fails_its_run_alone_and_nothing_is_lost(
    site: Results, undisturbed: Path, limit: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever write is the first that fails; when there is room again the run ends as one never disturbed."""
    other = replace(JOB, specs=(replace(SPEC, seed=1),))
    disk = Disk(limit, JOB.run_ids[0])
    with pytest.MonkeyPatch.context() as patch:
        disk.mount(patch)
        first, second = site.run(JOB, other)
    assert second.status == "done" and site.complete(other)
    assert first.status == "failed" and "No space left on device" in str(first.error)
    assert capsys.readouterr() == ("", "")
    assert site.run(JOB)[0].status == "done" and site.complete(JOB)
    assert of_modes(site.root) == of_modes(undisturbed)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_a_full_disk_while_a_finished_run_is_scored_loses_nothing(site: Results, undisturbed: Path, limit: int) -> None:
    site.run(JOB)
    more = replace(JOB, evaluators=(*JOB.evaluators, WIDER))
    with pytest.MonkeyPatch.context() as patch:
        Disk(limit, JOB.run_ids[0]).mount(patch)
        (outcome,) = site.run(more)
    assert outcome.status == "failed" and "No space left on device" in str(outcome.error)
    assert site.complete(JOB)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "train", no_training)
        assert site.run(more)[0].status == "done"
    assert site.complete(more) and numbers(site.root) == numbers(undisturbed)


# --- stops ---


def stopped_after(root: Path, job: Job, looks: int) -> bool:
    """Fill a job and stop it at its `looks`-th moment; whether it was stopped."""
    counter = itertools.count(1)
    stopping = Worker(WorkerSettings(root), lambda event: None, lambda: next(counter) == looks)
    try:
        stopping.fill(job)
    except worker.Stopped:
        return True
    return False


@pytest.mark.parametrize("looks", [1, 9, 10, 19])
def test_a_stopped_run_goes_on_where_it_was(
    site: Results, undisturbed: Path, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    assert stopped_after(site.root, JOB, looks)
    folder = site.store.run(JOB.run_ids[0])
    state = folder.check()
    assert state is not None and (state.status, state.step) == ("running", looks)
    assert torch.load(folder.checkpoint(), weights_only=True)["step"] == looks
    assert site.run(JOB)[0].status == "done"
    assert of_modes(site.root) == of_modes(undisturbed)
    assert [row["step"] for row in file_rows(folder, "terms.jsonl")] == list(range(1, 21))


@pytest.mark.parametrize("harm", ["cut", "flip", "digest", "absent", "folder", "state", "state and scores"])
def test_a_stopped_run_with_a_harmed_checkpoint_ends_the_same(site: Results, undisturbed: Path, harm: str) -> None:
    stopped_after(site.root, JOB, 12)
    folder = site.store.run(JOB.run_ids[0])
    if harm == "cut":
        folder.checkpoint().write_bytes(folder.checkpoint().read_bytes()[:1000])
    elif harm in ("flip", "digest"):
        content = bytearray(folder.checkpoint().read_bytes())
        content[len(content) // 2 if harm == "flip" else -1] ^= 4
        folder.checkpoint().write_bytes(content)
    elif harm in ("absent", "folder"):
        folder.checkpoint().unlink()
        if harm == "folder":
            folder.checkpoint().mkdir()
    else:
        (folder.path / "state.json").unlink()
        if harm == "state and scores":
            (folder.path / "scores.jsonl").unlink()
    assert site.run(JOB)[0].status == "done" and site.complete(JOB)
    assert of_modes(site.root) == of_modes(undisturbed)
    assert (harm in ("cut", "flip", "digest", "folder")) == ("damaged" in site.notes())


def test_a_checkpoint_of_01_is_resumed_with_a_note(site: Results, undisturbed: Path) -> None:
    stopped_after(site.root, JOB, 12)
    checkpoint = site.store.run(JOB.run_ids[0]).checkpoint()
    torch.save(torch.load(checkpoint, weights_only=True), checkpoint)  # without a digest
    assert site.run(JOB)[0].status == "done" and of_modes(site.root) == of_modes(undisturbed)
    assert "have no SHA-256" in site.notes() and "damaged" not in site.notes()


def test_each_session_of_a_run_has_its_environment(site: Results, undisturbed: Path) -> None:
    """A file of an earlier version holds one, without the list."""
    stopped_after(site.root, JOB, 12)
    folder = site.store.run(JOB.run_ids[0])
    (first,) = sessions_of(folder.read_json("env.json"))
    folder.write_json("env.json", first | {"host": "elsewhere"})
    folder.write_state(folder.state() or State("running"))
    assert site.run(JOB)[0].status == "done" and of_modes(site.root) == of_modes(undisturbed)
    sessions = sessions_of(folder.read_json("env.json"))
    assert [session["host"] for session in sessions] == ["elsewhere", first["host"]]
    content = folder.read()
    assert content is not None and content.environment() == sessions[-1]


def test_a_pack_is_saved_at_one_step(site: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the time of saving falls: checkpoints of two steps could not be resumed together."""
    pack = replace(JOB, specs=tuple(replace(SPEC, seed=seed) for seed in range(3)))
    clock, saved = [0.0], list[list[int]]()

    def tick() -> float:
        clock[0] += 1.0 if not saved else 0.0  # the runs begin one after the other
        return clock[0]

    def look(event: Event) -> None:
        if isinstance(event, Progressed):
            clock[0] += 1.0
            paths = [site.store.run(run_id).checkpoint() for run_id in pack.run_ids]
            saved.append([torch.load(path, weights_only=True)["step"] for path in paths if path.exists()])

    monkeypatch.setattr(recorder, "time", SimpleNamespace(monotonic=tick, time=lambda: 0.0))
    Worker(WorkerSettings(site.root, save_every=7.0), look).fill(pack)
    assert len({tuple(steps) for steps in saved if steps}) > 1, "the test needs checkpoints of several steps"
    assert all(len(steps) in (0, 3) and len(set(steps)) <= 1 for steps in saved)


# --- company and damage ---


def test_a_busy_run_is_waited_for(site: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "POLL", 0.01)
    monkeypatch.setattr(worker, "LOCK_WAIT", 0.01)
    other = replace(JOB, specs=(replace(SPEC, seed=1),))
    lock = site.store.run(JOB.run_ids[0]).lock()
    lock.acquire(timeout=0)
    run = inline.Inline().run([JOB, other], [WorkerSettings(site.root)], site.events.append)
    assert next(run).run_id == other.run_ids[0]
    assert site.events[0] == Busy(JOB.run_ids)
    lock.release()
    assert [outcome.run_id for outcome in run] == [JOB.run_ids[0]]


def harm_state(folder: RunFolder) -> None:
    body = folder.read_json("state.json") or {}
    files.write_json(folder.path / "state.json", body | {"sealed": [["scores.jsonl", 1, "x"]]})


def harm_scores(folder: RunFolder) -> None:
    path = folder.path / "scores.jsonl"
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize("harm", [harm_state, harm_scores])
def test_a_damaged_run_is_told_of_and_done_again(
    site: Results, undisturbed: Path, harm: Callable[[RunFolder], None]
) -> None:
    site.run(JOB)
    harm(site.store.run(JOB.run_ids[0]))
    assert site.run(JOB)[0].status == "done"
    assert "damaged" in site.notes() and "the run is done again" in site.notes()
    assert of_modes(site.root) == of_modes(undisturbed)


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def without(*names: str) -> Callable[[Path], None]:
    return lambda folder: [(folder / name).unlink(missing_ok=True) for name in names] and None


def put_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("")


LOSSES: dict[str, Callable[[Path], object]] = {
    "deleted": shutil.rmtree,
    "emptied": empty,
    "terms": without("terms.jsonl"),
    "scores": without("scores.jsonl"),
    "env": without("env.json"),
    "rows and state": without("terms.jsonl", "scores.jsonl", "state.json"),
    "cut": lambda folder: os.truncate(folder / "terms.jsonl", 50),
    "changed": lambda folder: (folder / "terms.jsonl").write_text((folder / "terms.jsonl").read_text()[::-1]),
}


class Loss:
    """Harms a run folder once or at every look, at the step that is given."""

    def __init__(self, folder: Path, loss: str, step: int, times: int = 1) -> None:
        self.folder, self.loss, self.step, self.times = folder, LOSSES.get(loss, put_a_file), step, times

    def __call__(self, event: Event) -> None:
        if isinstance(event, Progressed) and event.step == self.step and self.times:
            self.times -= 1
            self.loss(self.folder)


def heard_by(*listeners: Callable[[Event], None]) -> Callable[[Event], None]:
    def hear(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return hear


@pytest.mark.parametrize("save_every", [0.0, 1000.0])
@pytest.mark.parametrize("step", [3, 12, 19])
@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_lost_in_mid_run_is_done_again(
    site: Results, undisturbed: Path, loss: str, step: int, save_every: float
) -> None:
    """Whether the rows were sealed already or not, no run ends as done without its earlier marks."""
    folder = site.store.run(JOB.run_ids[0])
    harm = Loss(folder.path, loss, step)
    settings = WorkerSettings(site.root, save_every=save_every)
    Worker(settings, heard_by(harm, site.events.append)).fill(JOB)
    ended = [event for event in site.events if isinstance(event, Ended)]
    assert harm.times == 0 and [event.status for event in ended] == ["done"] and site.complete(JOB)
    assert of_modes(site.root) == of_modes(undisturbed)
    assert {"spec.json", "env.json", "state.json"} <= {path.name for path in folder.path.iterdir()}
    lost = (loss, step) != ("scores", 3)  # before the first mark
    assert ("the run is done again" in site.notes()) == lost


def test_a_folder_that_becomes_a_file_fails_and_is_done_again(site: Results, undisturbed: Path) -> None:
    folder = site.store.run(JOB.run_ids[0])
    harm = Loss(folder.path, "a file", 12)
    Worker(WorkerSettings(site.root), heard_by(harm, site.events.append)).fill(JOB)
    assert [event.status for event in site.events if isinstance(event, Ended)] == ["failed"]
    assert site.run(JOB)[0].status == "done" and of_modes(site.root) == of_modes(undisturbed)


def test_a_run_that_is_lost_again_and_again_fails(site: Results, undisturbed: Path) -> None:
    folder = site.store.run(JOB.run_ids[0])
    Worker(WorkerSettings(site.root), Loss(folder.path, "scores", 12, times=9)).fill(JOB)
    state = folder.check()
    assert state is not None and state.status == "failed" and "scores.jsonl" in str(state.error)
    assert site.run(JOB)[0].status == "done" and of_modes(site.root) == of_modes(undisturbed)


def test_of_a_pack_that_lost_a_folder_all_runs_end_complete(site: Results) -> None:
    pack = replace(JOB, specs=tuple(replace(SPEC, seed=seed) for seed in range(3)))
    other = Results(site.root.parent / "other")
    other.run(pack)
    Worker(WorkerSettings(site.root), Loss(site.store.run(pack.run_ids[1]).path, "deleted", 12)).fill(pack)
    assert site.complete(pack)
    assert all(numbers(site.root, run_id) == numbers(other.root, run_id) for run_id in pack.run_ids)


def test_a_run_of_01_that_lacks_a_mark_is_scored_there(
    site: Results, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its state remembers the score and seals rows without it."""
    site.run(JOB)
    folder = site.store.run(JOB.run_ids[0])
    state = folder.state()
    assert state is not None
    kept = [row for row in file_rows(folder, "scores.jsonl") if row["step"] > 10]
    (folder.path / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept))
    folder.write_state(state)
    assert not site.complete(JOB)
    monkeypatch.setattr(worker, "train", no_training)
    assert site.run(JOB)[0].status == "done" and site.complete(JOB)
    assert of_modes(site.root) == of_modes(undisturbed)


def planned(site: Results) -> tuple[int, int]:
    """How many runs of the small job a plan counts as done, and how many it does."""
    evaluation = Evaluation({"default": 10}, JOB.samples, JOB.evaluators)
    own: Any = {"name": "study", "about": "", "path": Path("study.yaml"), "excluded": (), "select": "last"}
    suite = Suite(specs=JOB.specs, evaluation=evaluation, axes=("seed",), plugins=(), questions=Questions(), **own)
    made = plan.make(suite, site.store)
    return len(made.done), made.to_run


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


HARMS: dict[str, Callable[[Path], object]] = {
    "flipped": flip,
    "cut": lambda path: os.truncate(path, 20),
    "empty": lambda path: path.write_bytes(b""),
    "absent": Path.unlink,
    "folder": lambda path: (path.unlink(), path.mkdir()),
    "list": lambda path: path.write_text("[]"),
}


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("name", ["env.json", "spec.json"])
def test_damage_of_a_finished_run_is_repaired(site: Results, undisturbed: Path, name: str, harm: str) -> None:
    site.run(JOB)
    path = site.store.run(JOB.run_ids[0]).path / name
    before = path.read_bytes()
    assert planned(site) == (1, 0)
    HARMS[harm](path)
    assert planned(site) == (0, 1)
    assert site.run(JOB)[0].status == "done" and str(path) in site.notes()
    assert planned(site) == (1, 0) and of_modes(site.root) == of_modes(undisturbed)
    assert path.read_bytes() == before


def test_a_spec_is_repaired_without_training(site: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    site.run(JOB)
    (site.store.run(JOB.run_ids[0]).path / "spec.json").unlink()
    monkeypatch.setattr(worker, "train", no_training)
    assert site.run(JOB)[0].status == "done" and planned(site) == (1, 0)


@pytest.mark.parametrize("name", ["terms.jsonl", "scores.jsonl"])
@pytest.mark.parametrize(
    "tail", [b"\0" * 64 + b"\n", b'{"step": 10}\n', b"{", b'{"step": 20, "time": 1, "metric": "hq", "va']
)
def test_what_follows_the_sealed_rows_is_no_damage_and_is_removed(
    site: Results, monkeypatch: pytest.MonkeyPatch, name: str, tail: bytes
) -> None:
    site.run(JOB)
    folder = site.store.run(JOB.run_ids[0])
    before = (folder.path / name).read_bytes()
    (folder.path / name).write_bytes(before + tail)
    content = folder.read()
    assert content is not None and content.scores(), "readers read what is sealed"
    assert planned(site) == (0, 1)
    monkeypatch.setattr(worker, "train", no_training)
    assert site.run(JOB)[0].status == "done" and planned(site) == (1, 0)
    assert (folder.path / name).read_bytes() == before


@dataclass(frozen=True, kw_only=True)
class Silent(ModeCoverage):
    """An evaluator that gives no score."""

    calls: ClassVar[list[int]] = []

    def __call__(self, *_: Any) -> Any:
        self.calls.append(1)
        return {}


def test_an_evaluator_without_a_score_is_called_once_a_mark(site: Results) -> None:
    Silent.calls.clear()
    job = replace(JOB, evaluators=(*JOB.evaluators, Silent()))
    site.run(job)
    assert site.run(job)[0].status == "done" and site.complete(job) and len(Silent.calls) == 2


def test_a_failed_run_with_rows_that_nobody_can_read_is_done_again(site: Results, undisturbed: Path) -> None:
    stopped_after(site.root, JOB, 12)
    folder = site.store.run(JOB.run_ids[0])
    folder.write_state(State("failed", step=12, error="power cut"))
    with (folder.path / "terms.jsonl").open("ab") as file:
        file.write(b"\0" * 64 + b"\n")
    assert site.run(JOB)[0].status == "done"
    assert of_modes(site.root) == of_modes(undisturbed)


def test_pictures_that_cannot_be_drawn_fail_the_run_only(site: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_ink(samples: torch.Tensor, **options: Any) -> bytes:
        raise MemoryError("no ink")

    monkeypatch.setattr(pictures, "png", no_ink)
    (outcome,) = site.run(JOB)
    assert (outcome.status, outcome.error) == ("failed", "MemoryError: no ink")


@pytest.mark.parametrize("optimizer", [Adam(), Adam(eps_hat=True)], ids=["recorded", "eager"])
def test_the_environment_says_whether_turns_were_recorded(optimizer: Adam, site: Results) -> None:
    """Only training shows it, so `env.json` is corrected, and the run stays sealed and can be resumed."""
    job = replace(JOB, specs=tuple(replace(SPEC, optimizer=optimizer, seed=seed) for seed in (0, 1)))
    assert [outcome.status for outcome in site.run(job)] == ["done", "done"]
    for run_id in job.run_ids:
        folder = site.store.run(run_id)
        assert folder.check() is not None
        host = f"eager: the rule of {optimizer.notation()} computes on the host"
        assert sessions_of(folder.read_json("env.json"))[-1]["turns"] == (host if optimizer.eps_hat else "recorded")
    assert "training without" not in site.notes(), "only a GPU loses much by it"


def test_the_inline_executor_gives_numpy_its_threads_and_takes_them_back(tmp_path: Path) -> None:
    def threads() -> set[int]:
        return {loaded["num_threads"] for loaded in threadpool_info() if loaded["user_api"] == "blas"}

    torch_has = torch.get_num_threads()
    with threadpool_limits(1, user_api="blas"):
        try:
            with inline.Inline().open([WorkerSettings(tmp_path, threads=2)]):
                assert threads() == {2}
        finally:
            torch.set_num_threads(torch_has)
        assert threads() == {1}
