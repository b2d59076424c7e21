"""Tuning: who contends, what is searched, and that a stop changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ganbench import suite as suites
from ganbench import tuning
from ganbench.errors import RequestError
from ganbench.executors.base import Event, Executor, Outcome, Site
from ganbench.executors.inline import Inline
from ganbench.job import Job
from ganbench.report import render
from ganbench.run import manifest
from ganbench.store import Store, write_json

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


@dataclass
class Silent:
    """Hears everything and says nothing."""

    ended: list[str] = field(default_factory=list)

    def say(self, text: str) -> None: ...
    def begin(self, name: str, runs: int, steps: int) -> None: ...
    def hear(self, event: Event) -> None: ...
    def close(self) -> None: ...

    def end(self, outcome: Outcome) -> None:
        self.ended.append(outcome.status)


@dataclass
class Interrupted:
    """An executor that is interrupted after so many runs."""

    inner: Executor
    left: list[int]

    def run(self, jobs: Any, listen: Callable[[Event], None]) -> Iterator[Outcome]:
        for outcome in self.inner.run(jobs, listen):
            yield outcome
            self.left[0] -= 1
            if not self.left[0]:
                raise KeyboardInterrupt


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> suites.Suite:
    path = tmp_path_factory.mktemp("suite") / "tiny.yaml"
    path.write_text(SUITE)
    return suites.load(path)


def desk(suite: suites.Suite, root: Path, stop: int = 0, trials: int = 5) -> tuning.Desk:
    store = Store(root).open()
    site, left = Site(root, None, (), ("cpu",), save_every=0.0), [stop]
    return tuning.Desk(
        suite, store, lambda: Interrupted(Inline(site), left), Silent(),
        tuning.budget(suite, "fd_pixels", trials, ("optimizer.lr", "variant.gp_weight"), "random"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def small(suite: suites.Suite) -> suites.Suite:
    keep = [spec for spec in suite.specs if spec.optimizer.kind() == "adam"]
    return replace(suite, specs=tuple(keep))


def test_cells_that_differ_in_what_is_searched_are_one_contender(suite: suites.Suite) -> None:
    everything = tuning.contenders(suite, tuning.budget(suite, None, 3, (), "random"))
    assert [(c.spec.variant.kind(), c.spec.optimizer.kind()) for c in everything] == [
        ("ns", "adam"), ("ns", "sgd"), ("wgan_gp", "adam"), ("wgan_gp", "sgd")]  # fmt: skip
    assert {c.seeds for c in everything} == {(0, 1)}
    assert [knob.name for knob in everything[2].knobs] == ["optimizer.lr", "optimizer.beta1", "variant.gp_weight"]
    weights = tuning.contenders(suite, tuning.budget(suite, None, 3, ("optimizer.lr",), "random"))
    assert len(weights) == 6, "what isn't searched keeps its values"


@pytest.mark.parametrize(("metric", "search", "says"), [
    ("fid", (), "the suite measures no 'fid'"),
    ("fd_pixels", ("optimizer.rate",), "optimizer.rate: no run of the suite searches that"),
])  # fmt: skip
def test_bad_names_are_told(suite: suites.Suite, metric: str, search: tuple[str, ...], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        tuning.budget(suite, metric, 3, search, "random")


def test_every_contender_gets_the_same_budget_on_seeds_of_its_own(small: suites.Suite, tmp_path: Path) -> None:
    work = desk(small, tmp_path)
    tuned = tuning.tune(work, tmp_path / "tune")
    assert [len(one.trials) for one in tuned] == [5, 5]
    given_up = [sum(value is None for _, value in one.trials) for one in tuned]
    assert given_up == [2, 2], "two of the round of four, none of the round of one"
    rates = [[settings["optimizer.lr"] for settings, _ in one.trials] for one in tuned]
    assert rates[0] == rates[1] and len(set(rates[0])) == 5, "what both have is tried at the same values"
    for one in tuned:
        best = min((value, settings) for settings, value in ((s, v) for s, v in one.trials) if value is not None)
        assert one.chosen == best[1]
        assert 1e-5 <= one.spec.optimizer.lr <= 1e-2
    reported = tuning.report_suite(small, work.budget, tuned)
    assert [spec.seed for spec in reported.specs] == [0, 1, 0, 1]
    searched = {run.name for run in (tmp_path / "runs").iterdir()}
    assert not {spec.run_id() for spec in reported.specs} & searched
    body = tuning.record(reported.name, work.budget, tuned)
    assert "best of" in tuning.lines(body)
    write_json(tmp_path / "tune" / f"{reported.name}.json", body)
    work.store.write_manifest(reported.name, manifest(reported))
    text = render(work.store, reported.name, "markdown", None)
    assert "Best of k trials" in text and f"optimizer.lr {tuned[0].chosen['optimizer.lr']:.3g}" in text
    assert render(work.store, reported.name, "html", None).count("<figcaption>best of k: ") == 2


@pytest.mark.parametrize("stop", [1, 9])
def test_a_stopped_search_goes_on_where_it_was(small: suites.Suite, tmp_path: Path, stop: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        tuning.tune(desk(small, tmp_path / "stopped", stop), tmp_path / "stopped" / "tune")
    went_on = tuning.tune(desk(small, tmp_path / "stopped"), tmp_path / "stopped" / "tune")
    assert went_on == tuning.tune(desk(small, tmp_path / "whole"), tmp_path / "whole" / "tune")


def test_a_spent_budget_runs_nothing_again(small: suites.Suite, tmp_path: Path) -> None:
    first = tuning.tune(desk(small, tmp_path, trials=2), tmp_path / "tune")
    again = desk(small, tmp_path, trials=2)
    assert tuning.tune(again, tmp_path / "tune") == first
    assert isinstance(again.talk, Silent) and again.talk.ended == []


def test_a_paused_run_ends_as_one_that_never_stopped(small: suites.Suite, tmp_path: Path) -> None:
    spec, evaluation = small.specs[0], small.evaluation
    whole = Job((spec,), evaluation.marks(spec), evaluation.samples, evaluation.evaluators_for(spec))
    found = []
    for name, untils in (("whole", [None]), ("paused", [2, 4, None])):
        site = Site(tmp_path / name, None, (), ("cpu",))
        store = Store(tmp_path / name).open()
        for until in untils:
            job = Job(whole.specs, whole.marks, whole.samples, whole.evaluators, until)
            (outcome,) = Inline(site).run([job], lambda event: None)
            assert (outcome.status, outcome.step) == (("done", 8) if until is None else ("running", until))
        rows = store.run(spec.run_id()).rows("scores.jsonl")
        found.append([(row["step"], row["metric"], row["value"]) for row in rows])
    assert found[0] == found[1]
