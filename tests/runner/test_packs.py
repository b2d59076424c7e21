"""Packs: who shares one is decided once, and a run's numbers are those of its pack, whatever happens to the others."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ganbench.datasets.digits import Digits
from ganbench.evaluators.fid import FID
from ganbench.executors.inline import Inline
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.mlp import MLP
from ganbench.plugins import Registry
from ganbench.results.files import write_json
from ganbench.results.manifest import read_manifest, write_manifest
from ganbench.results.store import RunFolder, State, Store
from ganbench.runner import packing, plan
from ganbench.runner import run as runner
from ganbench.runner.events import Ended
from ganbench.runner.job import Job
from ganbench.runner.packing import Packing
from ganbench.runner.plan import Plan
from ganbench.runner.recorder import Recorder
from ganbench.runner.settings import WorkerSettings
from ganbench.runner.worker import Stopped, Worker
from ganbench.spec import RunSpec
from ganbench.suite import Changes, Suite, load
from ganbench.training import trainer
from tests.support.jobs import JOB, SPEC
from tests.support.rows import file_rows

FIVE = Packing(5)
SUITE = """\
name: {name}
grid: {{variant: [ns, lsgan], dataset: ring8, seed: {seeds}}}
train: {{network: {{kind: mlp, z: 4, g_widths: [8], d_widths: [8]}}, steps: 20, batch: 8}}
evaluate: {{every: 10, samples: 50, with: [modes]}}
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results").open()


def suite_of(folder: Path, seeds: object, changes: Changes | None = None, name: str = "study") -> Suite:
    path = folder / f"{name}.yaml"
    path.write_text(SUITE.format(name=name, seeds=seeds))
    return load(path, changes)


def settled(suite: Suite, store: Store, packing: Packing = FIVE, **options: Any) -> Plan:
    """A plan whose manifest is written, as `ganbench run` begins."""
    return runner.settled(plan.make(suite, store, packing, **options), store)


def packs(made: Plan) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Of each job of the variant `ns`: the seeds that are asked for, and those that are trained."""
    own = [job for job in made.jobs if job.specs[0].variant.kind() == "ns"]
    return [(tuple(spec.seed for spec in job.specs), job.seeds) for job in own]


def train(store: Store, made: Plan) -> list[Ended]:
    return list(Inline().run(made.jobs, [WorkerSettings(store.root)], lambda event: None))


# --- planning ---


def test_the_manifest_holds_the_packs(store: Store, tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 7)
    assert packs(settled(suite, store)) == [((0, 1, 2, 3), (0, 1, 2, 3)), ((4, 5, 6), (4, 5, 6))]
    manifest = read_manifest(store, "study")
    assert manifest.packs.keys() == manifest.runs.keys()
    assert {manifest.packs[spec.run_id()] for spec in suite.specs if spec.seed < 4} == {(0, 1, 2, 3)}


@pytest.mark.parametrize("later", [Packing(1), Packing(3), Packing(99), Packing()])
def test_what_is_planned_stays_whatever_pack_says_later(store: Store, tmp_path: Path, later: Packing) -> None:
    first = packs(settled(suite_of(tmp_path, 7), store))
    assert packs(settled(suite_of(tmp_path, 7), store, later)) == first


def test_a_part_of_a_suite_is_trained_in_the_packs_of_the_whole(store: Store, tmp_path: Path) -> None:
    only = Changes(only=("seed=3", "variant=ns"))
    assert packs(settled(suite_of(tmp_path, 7, only), store)) == [((3,), (0, 1, 2, 3))]
    assert packs(settled(suite_of(tmp_path, 7), store))[0] == ((0, 1, 2, 3), (0, 1, 2, 3))


def test_added_seeds_share_packs_of_their_own(store: Store, tmp_path: Path) -> None:
    settled(suite_of(tmp_path, 3), store)
    more = packs(settled(suite_of(tmp_path, 3, Changes(more_seeds=4)), store))
    assert more == [((0, 1, 2), (0, 1, 2)), ((3, 4, 5, 6), (3, 4, 5, 6))]


def test_fewer_seeds_and_then_all_again_change_no_pack(store: Store, tmp_path: Path) -> None:
    """The manifest of fewer seeds keeps the packs that were planned before."""
    first = packs(settled(suite_of(tmp_path, 7), store))
    fewer = settled(suite_of(tmp_path, 7, Changes(seeds=2)), store)
    assert packs(fewer) == [((0, 1), (0, 1, 2, 3))]
    assert packs(settled(suite_of(tmp_path, 7), store, Packing(1))) == first


def test_two_suites_with_a_run_in_common_have_one_pack_for_it(store: Store, tmp_path: Path) -> None:
    settled(suite_of(tmp_path, "[0, 1, 2, 3, 4]"), store)
    other = packs(settled(suite_of(tmp_path, "[3, 4, 5, 6]", name="other"), store))
    assert other == [((3, 4), (0, 1, 2, 3, 4)), ((5, 6), (5, 6))]


def test_of_two_plans_at_once_the_second_follows_the_first(store: Store, tmp_path: Path) -> None:
    first = plan.make(suite_of(tmp_path, "[0, 1, 2, 3, 4]"), store, FIVE)
    second = plan.make(suite_of(tmp_path, "[3, 4, 5, 6]", name="other"), store, FIVE)
    assert packs(second) == [((3, 4, 5, 6), (3, 4, 5, 6))]
    runner.settled(first, store)
    assert packs(runner.settled(second, store)) == [((3, 4), (0, 1, 2, 3, 4)), ((5, 6), (5, 6))]


def test_a_failed_run_is_tried_again_in_its_pack(store: Store, tmp_path: Path) -> None:
    suite = suite_of(tmp_path, 5)
    train(store, settled(suite, store))
    folder = store.run(suite.specs[2].run_id())
    folder.write_state(State("failed", error="power cut"))
    assert packs(settled(suite, store)) == []
    assert packs(settled(suite, store, Packing(1), retry_failed=True)) == [((2,), (0, 1, 2, 3, 4))]


@pytest.mark.parametrize("lost", ["manifest", "folder", "env.json", "manifest and folder"])
def test_what_is_left_of_the_records_decides(store: Store, tmp_path: Path, lost: str) -> None:
    suite = suite_of(tmp_path, 5)
    train(store, settled(suite, store))
    folder = store.run(suite.specs[2].run_id()).path
    if "manifest" in lost:
        store.manifest_path("study").unlink()
    if "folder" in lost:
        shutil.rmtree(folder)
    elif lost == "env.json":
        (folder / lost).write_text("{")
    expected = [] if lost == "manifest" else [((2,), (0, 1, 2, 3, 4))]
    assert packs(settled(suite, store, Packing(1))) == expected


def test_a_damaged_manifest_of_another_suite_is_passed_over(store: Store, tmp_path: Path) -> None:
    settled(suite_of(tmp_path, 3, name="other"), store)
    store.manifest_path("other").write_text("{")
    assert packs(settled(suite_of(tmp_path, 5), store)) == [((0, 1, 2, 3, 4), (0, 1, 2, 3, 4))]


@pytest.mark.parametrize("size", [1, 5])
def test_runs_of_01_are_alone(store: Store, tmp_path: Path, size: int) -> None:
    """Their manifest has no packs, and `env.json` the number of the runs of a pack, but not their names."""
    suite = suite_of(tmp_path, 3)
    write_manifest(store, runner.manifest(suite))
    body = json.loads(store.manifest_path("study").read_text())
    del body["packs"], body["sha256"]  # neither was there
    write_json(store.manifest_path("study"), body)
    write_json(store.run(suite.specs[0].run_id()).path / "env.json", {"pack": size})
    more = packs(settled(suite_of(tmp_path, 3, Changes(more_seeds=2)), store))
    assert more == [((0,), (0,)), ((1,), (1,)), ((2,), (2,)), ((3, 4), (3, 4))]


@dataclass(frozen=True)
class Heard:
    """A listener that keeps what is said."""

    said: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.said.append(text)

    def begin(self, name: str, runs: int, steps: int) -> None:
        """Nothing is shown."""

    def hear(self, event: object) -> None:
        """Nothing is shown."""

    def close(self) -> None:
        """Nothing is shown."""


OWN = """\
from dataclasses import dataclass
from torch.nn.functional import softplus
from ganbench.variants.base import Variant

@dataclass(frozen=True, kw_only=True)
class Own(Variant):
    version, source = 1, "test"
    def d_loss(self, net, batch):
        scale = batch.x.mean().item() ** 0
        return {"real": softplus(-net.d(batch.x)).mean() * scale, "fake": softplus(net.d(net.g(batch.z))).mean()}
    def g_loss(self, net, batch): return {"fake": softplus(-net.d(net.g(batch.z))).mean()}
"""


def test_a_variant_of_a_users_that_fails_in_a_pack_is_planned_alone(store: Store, tmp_path: Path) -> None:
    """Its runs are done, the others keep their pack, and the manifest and a later command hold it so."""
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "study.yaml").write_text(
        SUITE.format(name="study", seeds=3).replace("lsgan", "own") + "plugins: [own.py]\n"
    )
    suite, heard = load(tmp_path / "study.yaml"), Heard()
    execution = runner.Execution(Inline(), WorkerSettings(store.root, plugins=suite.plugins), ("cpu",))
    assert runner.run(plan.make(suite, store, FIVE), execution, heard).done == 6
    (note,) = [text for text in heard.said if "trained alone" in text]
    assert note.startswith("trained alone, not in packs: own: in a pack of two, in float64, line 9: RuntimeError")
    packs_of = read_manifest(store, "study").packs
    expected = {spec.run_id(): (0, 1, 2) if spec.variant.kind() == "ns" else (spec.seed,) for spec in suite.specs}
    assert packs_of == expected
    again = Heard()
    assert runner.run(plan.make(suite, store, FIVE), execution, again).skipped == 6
    assert not again.said and read_manifest(store, "study").packs == expected


# --- the rule of `--pack auto` ---


@pytest.mark.parametrize(
    ("parts", "cpu", "cuda"),
    [
        ({}, 12, 64),
        ({"batch": 512, "network": MLP()}, 1, 16),
        ({"network": MLP(g_widths=(256, 256), d_widths=(256, 256))}, 6, 64),
        ({"dataset": "digits", "network": DCGAN(width=16)}, 12, 64),
        ({"dataset": "digits", "network": DCGAN(width=64)}, 1, 16),
        ({"dataset": "mnist", "network": DCGAN(width=16)}, 1, 16),
        ({"dataset": "cifar10", "network": DCGAN(width=16)}, 1, 1),
    ],
)
def test_short_operations_make_wide_packs(parts: dict[str, Any], cpu: int, cuda: int) -> None:
    dataset: Any = Registry().find("dataset", parts.get("dataset", "ring8"))
    spec = replace(SPEC, **{"batch": 64, **parts, "dataset": dataset()})
    assert packing.most_seeds(spec, "cpu", None) == cpu
    assert packing.most_seeds(spec, "cuda:1", None) == cuda


@dataclass(frozen=True, kw_only=True)
class Needy(MLP):
    """Reads the values of its weights while it is built."""

    def generator(self, space: Any) -> torch.nn.Module:
        net = super().generator(space)
        float(next(net.parameters()).sum())
        return net


def test_a_network_that_cannot_be_measured_is_alone() -> None:
    assert packing.most_seeds(replace(SPEC, network=Needy(z=4, g_widths=(8,), d_widths=(8,))), "cpu", None) == 1


# --- the same numbers ---

PACK = replace(JOB, specs=tuple(replace(SPEC, seed=seed) for seed in range(5)), pack=tuple(range(5)))
THIRD = PACK.only(PACK.specs[2:3])


def fill(store: Store, job: Job) -> None:
    assert {ended.status for ended in Inline().run([job], [WorkerSettings(store.root)], lambda event: None)} == {"done"}


def stop(store: Store, job: Job, step: int) -> None:
    """Fill a job, and stop it after a step with its checkpoints."""
    looks = iter(range(1, 100))
    with pytest.raises(Stopped):
        Worker(WorkerSettings(store.root), lambda event: None, lambda: next(looks) == step).fill(job)


def numbers(folder: RunFolder) -> dict[Any, Any]:
    """Scores and terms of a run, each of which must be there once."""
    scores = [((row["step"], row["metric"]), row["value"]) for row in file_rows(folder, "scores.jsonl")]
    terms = [(row["step"], row["terms"]) for row in file_rows(folder, "terms.jsonl")]
    assert set(Counter(key for key, _ in (*scores, *terms)).values()) == {1}
    return dict([*scores, *terms])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[Any, Any]]:
    store = Store(tmp_path_factory.mktemp("undisturbed")).open()
    fill(store, PACK)
    return {run_id: numbers(store.run(run_id)) for run_id in PACK.run_ids}


def same(store: Store, undisturbed: dict[str, Any], job: Job = PACK) -> bool:
    return all(numbers(store.run(run_id)) == undisturbed[run_id] for run_id in job.run_ids)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps that the trainer has done, one entry for each."""
    steps, step = list[int](), trainer._step

    def counted(training: Any) -> None:
        steps.append(training.step)
        step(training)

    monkeypatch.setattr(trainer, "_step", counted)
    return steps


def test_one_run_of_a_pack_equals_the_same_run_among_all(store: Store, undisturbed: dict[str, Any]) -> None:
    fill(store, THIRD)
    assert same(store, undisturbed, THIRD)
    assert [folder.run_id for folder in store.runs()] == list(THIRD.run_ids), "the others are not written"
    fill(store, PACK)
    assert same(store, undisturbed)


@pytest.mark.parametrize("harm", ["state.json", "scores.jsonl", "env.json", "folder", "marks"])
def test_a_damaged_run_is_done_again_in_its_pack(store: Store, undisturbed: dict[str, Any], harm: str) -> None:
    fill(store, PACK)
    folder = store.run(PACK.run_ids[2])
    others = {
        path: path.read_bytes() for path in store.root.rglob("*") if path.is_file() and folder.path not in path.parents
    }
    if harm == "folder":
        shutil.rmtree(folder.path)
    elif harm == "marks":
        shutil.rmtree(folder.path / "checkpoints")
        folder.write_state(replace(folder.check() or State("done"), scored={}))
    else:
        (folder.path / harm).write_text("{")
    fill(store, PACK)
    assert same(store, undisturbed)
    assert all(path.read_bytes() == content for path, content in others.items())


@pytest.mark.parametrize("harm", ["cut", "absent", "older"])
def test_a_run_that_is_behind_catches_up_and_no_step_is_done_twice(
    store: Store, undisturbed: dict[str, Any], trained: list[int], harm: str
) -> None:
    """The others stay where they are until it is there."""
    stop(store, PACK, 7)
    checkpoint = store.run(PACK.run_ids[2]).checkpoint()
    older = checkpoint.read_bytes()
    stop(store, PACK, 5)  # from step 7, after five snapshots
    rows = {run_id: len(file_rows(store.run(run_id), "terms.jsonl")) for run_id in PACK.run_ids}
    assert set(rows.values()) == {12}
    checkpoint.write_bytes(older if harm == "older" else older[:99])
    checkpoint.unlink() if harm == "absent" else None
    trained.clear()
    fill(store, PACK)
    assert same(store, undisturbed)
    assert trained == list(range(8 if harm == "older" else 1, 21))


@pytest.mark.parametrize("finished", [(2,), (0, 1, 3, 4)])
def test_a_pack_is_resumed_with_runs_that_have_ended(
    store: Store, undisturbed: dict[str, Any], trained: list[int], finished: tuple[int, ...]
) -> None:
    stop(store, PACK, 12)
    fill(store, PACK.only([PACK.specs[i] for i in finished]))
    trained.clear()
    fill(store, PACK)
    assert same(store, undisturbed) and trained == list(range(13, 21))


def test_a_checkpoint_of_another_pack_is_not_resumed(
    store: Store, undisturbed: dict[str, Any], trained: list[int]
) -> None:
    stop(store, replace(PACK, specs=PACK.specs[:2], pack=(0, 1)), 12)
    trained.clear()
    fill(store, PACK)
    assert same(store, undisturbed) and trained == list(range(1, 21))


# --- a run that diverges ---


def poisoned(monkeypatch: pytest.MonkeyPatch, seed: int, at: int) -> None:
    """Make G's weights of a seed infinite before a step."""
    step = trainer._step

    def poison(training: Any) -> None:
        lanes = [i for i, spec in enumerate(training.specs) if spec.seed == seed]
        if lanes and training.step == at:
            next(iter(training.nets["g"].frozen.values()))[lanes[0]].fill_(float("inf"))
        step(training)

    monkeypatch.setattr(trainer, "_step", poison)


CELLS: dict[str, RunSpec] = {
    "points": SPEC,
    "batch norm": replace(SPEC, network=replace(SPEC.network, batchnorm="both")),
    "convolutions": replace(SPEC, dataset=Digits(), network=DCGAN(z=4, width=4, kernel=4, batchnorm="both")),
}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("stopped", [None, 12])
def test_the_others_of_a_run_that_diverges_are_undisturbed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: str, stopped: int | None
) -> None:
    evaluators = (FID(features="pixels"),) if cell == "convolutions" else PACK.evaluators
    pack = replace(PACK, specs=tuple(replace(CELLS[cell], seed=seed) for seed in range(5)), evaluators=evaluators)
    calm = Store(tmp_path / "calm").open()
    fill(calm, pack)
    poisoned(monkeypatch, seed=2, at=9)
    if stopped:
        stop(store, pack, stopped)
    ended = {e.run_id: e for e in Inline().run([pack], [WorkerSettings(store.root)], lambda event: None)}
    diverged = ended[pack.run_ids[2]]
    assert diverged.status == "diverged" and diverged.diverged is not None and diverged.diverged.step == 9
    others = pack.run_ids[:2] + pack.run_ids[3:]
    assert all(ended[run_id].status == "done" for run_id in others)
    assert all(numbers(store.run(run_id)) == numbers(calm.run(run_id)) for run_id in others)


# --- a run that can't be recorded ---


@pytest.mark.parametrize("method", ["begin", "record", "save", "score"])
def test_the_others_of_a_run_that_cannot_be_recorded_are_done(
    store: Store, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """The run fails with its error, is begun no second time, and is done in its pack when it is asked for again."""
    work, third = getattr(Recorder, method), PACK.run_ids[2]

    def broken(recorder: Recorder, *given: Any) -> None:
        if recorder.folder.run_id == third:
            raise PermissionError(f"{recorder.folder.path}: read-only")
        work(recorder, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, method, broken)
        endings = list(Inline().run([PACK], [WorkerSettings(store.root, save_every=0.0)], lambda event: None))
    assert Counter(ended.run_id for ended in endings) == Counter(PACK.run_ids), "each run ends once"
    ended = {each.run_id: each for each in endings}
    assert ended[third].status == "failed" and "read-only" in (ended[third].error or "")
    others = PACK.only(PACK.specs[:2] + PACK.specs[3:])
    assert all(ended[run_id].status == "done" for run_id in others.run_ids) and same(store, undisturbed, others)
    fill(store, PACK)
    assert same(store, undisturbed)


def test_one_folder_without_a_lock_fails_alone(
    store: Store, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, third = RunFolder.lock, PACK.run_ids[2]

    def refused(folder: RunFolder) -> Any:
        if folder.run_id == third:
            raise PermissionError("read-only")
        return lock(folder)

    monkeypatch.setattr(RunFolder, "lock", refused)
    endings = Inline().run([PACK], [WorkerSettings(store.root)], lambda event: None)
    assert Counter(each.status for each in endings) == {"done": 4, "failed": 1}
    assert same(store, undisturbed, PACK.only(PACK.specs[:2] + PACK.specs[3:]))
