"""Tuning: who contends, what is searched, and that a stop changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import optuna
import pytest

from ganbench import suite as suites
from ganbench import tuning
from ganbench.augmentations.ada import ADA
from ganbench.augmentations.apa import APA
from ganbench.augmentations.base import Augmentation
from ganbench.augmentations.diffaugment import DiffAugment
from ganbench.augmentations.flip import Flip
from ganbench.errors import RequestError
from ganbench.executors.base import Executor
from ganbench.executors.inline import Inline
from ganbench.penalties.gp import GradientPenalty
from ganbench.penalties.r1 import R1Penalty
from ganbench.report import format_report
from ganbench.report.analysis.tuning import read_tuning
from ganbench.report.model.sections.comparisons import _search
from ganbench.results.files import write_json
from ganbench.results.manifest import write_manifest
from ganbench.results.store import Store
from ganbench.runner.events import Ended, Event
from ganbench.runner.job import Job
from ganbench.runner.run import Execution, manifest
from ganbench.runner.settings import WorkerSettings
from ganbench.testing import small_run
from ganbench.tuning.search import Trial, Tuned
from ganbench.tuning.space import searched_fields, with_settings
from ganbench.variants.wgan import WGAN
from tests.support.rows import file_rows

SUITE = """
name: tiny
grid:
  variant: [ns, {kind: wgan_gp, gp_weight: [1, 10]}]
  dataset: ring8
  optimizer: [{kind: adam, lr: [1e-3, 1e-4]}, sgd]
  seed: 2
train: {steps: 8, batch: 8, network: {kind: mlp, z: 2, g_widths: [4], d_widths: [4]}}
evaluate: {every: 2, samples: 50, with: [modes, {kind: fid, features: pixels}]}
"""

AUGMENTED = """
name: augmented
grid:
  variant: ns
  penalty: [none, {kind: r1, weight: [1, 10]}]
  augment: [none, {kind: flip, p: [0.25, 0.5]}]
  dataset: digits
train: {steps: 8, batch: 8}
evaluate: {samples: 50, with: [{kind: fid, features: pixels}]}
"""


@dataclass
class Silent:
    """Hears everything and says nothing."""

    ended: list[str] = field(default_factory=list)

    def say(self, text: str) -> None: ...
    def begin(self, name: str, runs: int, steps: int) -> None: ...
    def close(self) -> None: ...

    def hear(self, event: Event) -> None:
        if isinstance(event, Ended):
            self.ended.append(event.status)


@dataclass(frozen=True, kw_only=True)
class Interrupted(Executor):
    """An executor that is interrupted after so many runs."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "a test"
    left: list[int]

    @contextmanager
    def open(self, workers: Any, keep: bool = False) -> Iterator[Any]:
        with Inline().open(workers) as session:

            def run(jobs: Any, listen: Any) -> Iterator[Ended]:
                for ended in session.run(jobs, listen):
                    yield ended
                    self.left[0] -= 1
                    if not self.left[0]:
                        raise KeyboardInterrupt

            yield SimpleNamespace(run=run)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> suites.Suite:
    path = tmp_path_factory.mktemp("suite") / "tiny.yaml"
    path.write_text(SUITE)
    return suites.load(path)


def search(suite: suites.Suite, root: Path, stop: int = 0, trials: int = 5) -> tuning.SearchContext:
    store = Store(root).open()
    execution = Execution(Interrupted(left=[stop]), WorkerSettings(root, save_every=0.0), ("cpu",))
    return tuning.SearchContext(
        suite, store, execution, Silent(),
        tuning.budget(suite, "fd_pixels", trials, ("optimizer.lr", "variant.gp_weight"), "random"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def small(suite: suites.Suite) -> suites.Suite:
    keep = [spec for spec in suite.specs if spec.optimizer.kind() == "adam"]
    return replace(suite, specs=tuple(keep))


def test_a_penaltys_weight_is_searched_too() -> None:
    spec = small_run(penalty=R1Penalty(weight=3.0, every=2))
    assert [field.name for field in searched_fields(spec)] == ["optimizer.lr", "optimizer.beta1", "penalty.weight"]
    assert [field.name for field in searched_fields(small_run())] == ["optimizer.lr", "optimizer.beta1"]
    found = with_settings(spec, {"penalty.weight": 0.5, "optimizer.lr": 1e-3})
    assert (found.penalty, found.optimizer.lr) == (R1Penalty(weight=0.5, every=2), 1e-3)


@pytest.mark.parametrize(
    ("augment", "searched"),
    [
        (Flip(), ["p"]),
        (DiffAugment(), ["colour", "translation", "cutout"]),
        (DiffAugment(cutout=0), ["colour", "translation"]),
        (ADA(), ["target", "blit", "geometry", "colour"]),
        (ADA(target=None, p=0.3, colour=0), ["blit", "geometry"]),
        (APA(), ["target"]),
    ],
)
def test_the_strengths_of_an_augmentation_are_searched_unless_they_are_off(
    augment: Augmentation, searched: list[str]
) -> None:
    found = [field.name for field in searched_fields(small_run(augment=augment)) if field.part == "augment"]
    assert found == [f"augment.{name}" for name in searched]


def test_a_critic_without_clipping_is_not_searched_with_it() -> None:
    spec = small_run(variant=WGAN(clip=None), penalty=GradientPenalty(), augment=Flip())
    fields = [field.name for field in searched_fields(spec)]
    assert fields == ["optimizer.lr", "optimizer.beta1", "penalty.weight", "augment.p"]
    found = with_settings(spec, {"augment.p": 0.25, "penalty.weight": 3.0})
    assert (found.augment, found.penalty, found.variant) == (Flip(p=0.25), GradientPenalty(weight=3.0), spec.variant)


def test_penalties_and_augmentations_of_a_suite_are_searched_by_name(tmp_path: Path) -> None:
    (tmp_path / "augmented.yaml").write_text(AUGMENTED)
    augmented = suites.load(tmp_path / "augmented.yaml")
    wanted = ("penalty.weight", "augment.p")
    everyone = tuning.contenders(augmented, tuning.budget(augmented, "fd_pixels", 3, wanted, "random"))
    assert [[field.name for field in contender.fields] for contender in everyone] == [
        [], ["augment.p"], ["penalty.weight"], ["penalty.weight", "augment.p"]
    ]  # fmt: skip
    with pytest.raises(RequestError, match=r"augment\.cutout: no run has a search range for it"):
        tuning.budget(augmented, "fd_pixels", 3, ("augment.cutout",), "random")


def test_cells_that_differ_in_what_is_searched_are_one_contender(suite: suites.Suite) -> None:
    everything = tuning.contenders(suite, tuning.budget(suite, None, 3, (), "random"))
    assert [(c.spec.variant.kind(), c.spec.optimizer.kind()) for c in everything] == [
        ("ns", "adam"), ("ns", "sgd"), ("wgan_gp", "adam"), ("wgan_gp", "sgd")]  # fmt: skip
    assert {c.seeds for c in everything} == {(0, 1)}
    assert [field.name for field in everything[2].fields] == ["optimizer.lr", "optimizer.beta1", "variant.gp_weight"]
    weights = tuning.contenders(suite, tuning.budget(suite, None, 3, ("optimizer.lr",), "random"))
    assert len(weights) == 6, "what isn't searched keeps its values"


@pytest.mark.parametrize(("metric", "search", "says"), [
    ("fid", (), "the suite measures no 'fid'"),
    ("fd_pixels", ("optimizer.rate",), "optimizer.rate: no run has a search range for it"),
])  # fmt: skip
def test_bad_names_are_told(suite: suites.Suite, metric: str, search: tuple[str, ...], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        tuning.budget(suite, metric, 3, search, "random")


def test_every_contender_gets_the_same_budget_on_seeds_of_its_own(small: suites.Suite, tmp_path: Path) -> None:
    context = search(small, tmp_path)
    tuned = tuning.tune(context, tmp_path / "tune")
    assert [len(one.trials) for one in tuned] == [5, 5]
    given_up = [[trial for trial in one.trials if trial.ended == "given up"] for one in tuned]
    assert [len(trials) for trials in given_up] == [2, 2], "two of the round of four, none of the round of one"
    rows = [row for run in context.store.runs() for row in file_rows(run, "scores.jsonl")]
    at_rung = {row["value"] for row in rows if row["step"] == 2 and row["metric"] == "fd_pixels"}
    assert all(trial.value in at_rung for trials in given_up for trial in trials)
    rates = [[trial.settings["optimizer.lr"] for trial in one.trials] for one in tuned]
    assert rates[0] == rates[1] and len(set(rates[0])) == 5, "what both have is tried at the same values"
    for one in tuned:
        best = min((trial for trial in one.trials if trial.ended == "finished"), key=lambda trial: trial.value)
        assert one.chosen == best.settings
        assert 1e-5 <= one.spec.optimizer.lr <= 1e-2
    reported = tuning.report_suite(small, context.budget, tuned)
    assert [spec.seed for spec in reported.specs] == [0, 1, 0, 1]
    searched = {run.name for run in (tmp_path / "runs").iterdir()}
    assert not {spec.run_id() for spec in reported.specs} & searched
    body = tuning.record(reported.name, context.budget, tuned)
    assert "best of" in tuning.lines(body)
    write_json(tmp_path / "tune" / f"{reported.name}.json", body)
    write_manifest(context.store, manifest(reported))
    text = format_report(context.store, reported.name, "markdown", None)
    assert "Best of k trials" in text and f"optimizer.lr {tuned[0].chosen['optimizer.lr']:.3g}" in text
    assert format_report(context.store, reported.name, "html", None).count("<figcaption>best of k: ") == 2
    told = json.loads(format_report(context.store, reported.name, "json", None))["tuning"]["contenders"]
    assert [one["ended"] for one in told] == 2 * [{"finished": 3, "given up": 2}]


@pytest.mark.parametrize("stop", [1, 9])
def test_a_stopped_search_goes_on_where_it_was(small: suites.Suite, tmp_path: Path, stop: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        tuning.tune(search(small, tmp_path / "stopped", stop), tmp_path / "stopped" / "tune")
    went_on = tuning.tune(search(small, tmp_path / "stopped"), tmp_path / "stopped" / "tune")
    assert went_on == tuning.tune(search(small, tmp_path / "whole"), tmp_path / "whole" / "tune")


@pytest.mark.parametrize("call", [2, 8], ids=["before the first setting", "before the second"])
def test_a_stop_while_settings_are_drawn_costs_no_trial_and_changes_no_draw(
    small: suites.Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """The eighth draw is the penalty's weight of the second trial of WGAN-GP, whose rate is drawn by then."""
    draw, left = optuna.samplers.RandomSampler.sample_independent, [call]

    def stopped(*args: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return draw(*args)

    with monkeypatch.context() as patch:
        patch.setattr(optuna.samplers.RandomSampler, "sample_independent", stopped)
        with pytest.raises(KeyboardInterrupt):
            tuning.tune(search(small, tmp_path / "stopped"), tmp_path / "stopped" / "tune")
    went_on = tuning.tune(search(small, tmp_path / "stopped"), tmp_path / "stopped" / "tune")
    assert went_on == tuning.tune(search(small, tmp_path / "whole"), tmp_path / "whole" / "tune")
    drawn = [len(study.trials) for study in studies(tmp_path / "stopped" / "tune")]
    assert sum(drawn) == 5 + 5 + 1, "the file does hold a trial without all its settings"


def studies(folder: Path) -> list[optuna.Study]:
    (file,) = folder.glob("*.journal")
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(file)))
    return [optuna.load_study(study_name=name, storage=storage) for name in optuna.get_all_study_names(storage)]


@pytest.mark.parametrize(("first", "then"), [(6, 3), (5, 6)])
def test_who_was_searched_before_with_another_budget_has_no_other_trials(
    small: suites.Suite, tmp_path: Path, first: int, then: int
) -> None:
    alone = replace(small, specs=tuple(spec for spec in small.specs if spec.variant.kind() == "wgan_gp"))
    assert len(tuning.tune(search(alone, tmp_path / "grown", trials=first), tmp_path / "grown" / "tune")) == 1
    grown = tuning.tune(search(small, tmp_path / "grown", trials=then), tmp_path / "grown" / "tune")
    assert [len(one.trials) for one in grown] == [then, then]
    assert grown == tuning.tune(search(small, tmp_path / "fresh", trials=then), tmp_path / "fresh" / "tune")


def test_trials_that_came_to_nothing_count_as_the_worst_of_all_contenders(small: suites.Suite, tmp_path: Path) -> None:
    good, bad = Trial({"optimizer.lr": 0.1}, "finished", 10.0), Trial({"optimizer.lr": 0.2}, "failed", None)
    left = Trial({"optimizer.lr": 0.3}, "given up", 90.0)
    context = search(small, tmp_path, trials=4)
    tuned = [Tuned(name, {"variant": name}, small.specs[0], (0,), trials, chosen) for name, trials, chosen in (
        ("breaks", (good, bad, bad, bad), good.settings), ("slow", (good, left, left, left), good.settings),
        ("never", (bad,) * 4, None))]  # fmt: skip
    body = tuning.record("tiny-tuned", context.budget, tuned)
    assert body["worst"] == 90.0
    breaks, slow, never = body["contenders"]
    assert [point["mean"] for point in breaks["best_of"]] == pytest.approx([70.0, 50.0, 30.0, 10.0])
    assert slow["best_of"] == breaks["best_of"] and never["best_of"] == []
    assert slow["trials"][1] == {"settings": {"optimizer.lr": 0.3}, "ended": "given up", "value": 90.0}
    assert "1 finished, 0 given up, 3 failed" in tuning.lines(body)
    write_json(tmp_path / "tune" / "tiny-tuned.json", body)
    record = read_tuning(context.store, "tiny-tuned")
    assert record is not None
    assert [row[:5] for row in _search(record, "tiny-tuned").rows] == [
        ("breaks", "optimizer.lr 0.1", "1", "0", "3"), ("slow", "optimizer.lr 0.1", "1", "3", "0"),
        ("never", "–", "0", "0", "4")]  # fmt: skip


def test_a_record_that_does_not_say_how_trials_ended_is_told(tmp_path: Path) -> None:
    write_json(tmp_path / "tune" / "old-tuned.json", {"suite": "old-tuned", "contenders": []})
    with pytest.raises(RequestError, match=r"does not record how each trial ended.*ganbench tune"):
        read_tuning(Store(tmp_path).open(), "old-tuned")


def test_a_spent_budget_runs_nothing_again(small: suites.Suite, tmp_path: Path) -> None:
    first = tuning.tune(search(small, tmp_path, trials=2), tmp_path / "tune")
    again = search(small, tmp_path, trials=2)
    assert tuning.tune(again, tmp_path / "tune") == first
    assert isinstance(again.listener, Silent) and again.listener.ended == []


def test_a_paused_run_ends_as_one_that_never_stopped(small: suites.Suite, tmp_path: Path) -> None:
    spec, evaluation = small.specs[0], small.evaluation
    whole = Job((spec,), evaluation.marks(spec), evaluation.samples, evaluation.evaluators_for(spec))
    found = []
    for name, untils in (("whole", [None]), ("paused", [2, 4, None])):
        settings = WorkerSettings(tmp_path / name)
        store = Store(tmp_path / name).open()
        for until in untils:
            job = Job(whole.specs, whole.marks, whole.samples, whole.evaluators, until)
            (outcome,) = Inline().run([job], [settings], lambda event: None)
            assert (outcome.status, outcome.step) == (("done", 8) if until is None else ("running", until))
        rows = file_rows(store.run(spec.run_id()), "scores.jsonl")
        found.append([(row["step"], row["metric"], row["value"]) for row in rows])
    assert found[0] == found[1]
