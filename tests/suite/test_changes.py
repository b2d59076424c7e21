"""`--only`, `--set` and `--seeds`: what they change, and what a bad one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganbench.errors import RequestError
from ganbench.suite import Changes, Suite, load
from tests.support.tiny import write_suite

TEXT = """
name: x
grid:
  variant: [tiny_gan, {kind: tiny_gan, weight: 3, n_critic: 2}, ns]
  dataset: [tiny_points, {kind: tiny_points, modes: 4}, ring8]
  optimizer: tiny_sgd
  seed: 3
exclude: [{where: {variant: ns, dataset: ring8, seed: 2}, because: known}]
train: {steps: {ring8: 20, default: 10}, batch: 4}
evaluate: {every: 5, samples: 100, with: [{kind: tiny_score, features: [pixels, modes]}]}
"""


def changed(folder: Path, **changes: object) -> Suite:
    return load(write_suite(folder, TEXT), Changes(**changes))  # type: ignore[arg-type]


def test_without_changes(tmp_path: Path) -> None:
    assert len(changed(tmp_path).specs) == 26


@pytest.mark.parametrize(
    ("only", "runs", "axes"),
    [
        (("variant=ns",), 8, ("dataset", "seed")),
        (("variant=ns,tiny_gan",), 26, ("variant", "dataset", "seed")),
        (("variant=tiny_gan[weight=3,n_critic=2],ns",), 17, ("variant", "dataset", "seed")),
        (("variant=ns", "dataset=tiny_points"), 6, ("dataset", "seed")),
        (("dataset=tiny_points[modes=4]", "seed=0, 2"), 6, ("variant", "seed")),
        (("seed=0", "seed=1"), 18, ("variant", "dataset", "seed")),
        (("batch=4", "steps=20", "schedule=d_first", "network=tiny_net", "batchnorm=none"), 0, ()),
        (("batch=4", "steps=20", "network=mlp", "optimizer=tiny_sgd"), 8, ("variant", "seed")),
    ],
)
def test_only_keeps_runs(tmp_path: Path, only: tuple[str, ...], runs: int, axes: tuple[str, ...]) -> None:
    if runs == 0:
        with pytest.raises(
            RequestError, match=r"--only batch=4 --only .*: no run of the suite has all of these values"
        ):
            changed(tmp_path, only=only)
        return
    found = changed(tmp_path, only=only)
    assert len(found.specs) == runs
    assert found.axes == axes
    whole = changed(tmp_path)
    assert {spec.run_id() for spec in found.specs} <= {spec.run_id() for spec in whole.specs}
    assert found.whole == whole == whole.whole, "one load gives both"


def test_only_narrows_what_is_excluded_too(tmp_path: Path) -> None:
    assert len(changed(tmp_path, only=("variant=ns",)).excluded) == 1
    assert changed(tmp_path, only=("variant=tiny_gan",)).excluded == ()
    alone = changed(tmp_path, only=("variant=ns", "dataset=ring8", "seed=2"))
    assert (len(alone.specs), len(alone.excluded)) == (0, 1)


@pytest.mark.parametrize(
    ("only", "says"),
    [
        (
            "varian=ns",
            "--only varian=ns: there is no axis 'varian'. did you mean 'variant'? allowed: variant, penalty, augment",
        ),
        ("variant=tiny_gn", "no run of the suite has variant 'tiny_gn'. did you mean 'tiny_gan'? allowed: tiny_gan, "),
        ("seed=3", "--only seed=3: no run of the suite has seed '3'. allowed: 0, 1, 2"),
        ("seed", "--only seed: no run of the suite has seed ''"),
    ],
)
def test_a_bad_only_names_the_flag(tmp_path: Path, only: str, says: str) -> None:
    with pytest.raises(RequestError) as caught:
        changed(tmp_path, only=(only,))
    assert says in str(caught.value)


def test_seeds_replace_the_suites(tmp_path: Path) -> None:
    assert {s.seed for s in changed(tmp_path, seeds=2).specs} == {0, 1}  # the rule for seed 2 matches nothing now
    with pytest.raises(RequestError, match="--seeds 0  seed = 0 is the number of seeds"):
        changed(tmp_path, seeds=0)


def test_seeds_replace_those_of_every_mapping_of_a_union(tmp_path: Path) -> None:
    cell = "variant: tiny_gan, dataset: tiny_points, optimizer: tiny_sgd, steps: 1"
    text = f"name: x\ngrid: [{{{cell}, seed: 5}}, {{{cell}, batch: 3, seed: [7]}}]"
    assert [s.seed for s in load(write_suite(tmp_path, text), Changes(seeds=2)).specs] == [0, 1, 0, 1]


def test_set_changes_values(tmp_path: Path) -> None:
    values = (
        "train.steps=7",
        "evaluate.samples=50",
        "evaluate.every=2",
        "grid.seed=[4]",
        "select=tail",
        "about=a new one",
    )
    found = changed(tmp_path, set=values)
    assert {(s.steps, s.seed) for s in found.specs} == {(7, 4)}
    assert found.evaluation.samples == 50
    assert found.evaluation.marks(found.specs[0]) == (2, 4, 6, 7)
    assert (found.select, found.about) == ("tail", "a new one")


def test_set_reaches_into_mappings_and_reads_yaml(tmp_path: Path) -> None:
    found = changed(tmp_path, set=("train.steps.default=3", "train.schedule={order: simultaneous, reuse_z: true}"))
    assert {(s.dataset.kind(), s.steps) for s in found.specs} == {("tiny_points", 3), ("ring8", 20)}
    assert {s.schedule.notation() for s in found.specs} == {"simultaneous[reuse_z=true]"}


def test_set_counts_before_seeds_and_the_last_one_wins(tmp_path: Path) -> None:
    found = changed(tmp_path, set=("train.batch=9", "train.batch=8", "grid.seed=[5]"), seeds=1)
    assert {(s.batch, s.seed) for s in found.specs} == {(8, 0)}


def test_evaluation_can_be_switched_off(tmp_path: Path) -> None:
    assert changed(tmp_path, set=("evaluate.with=[]",)).evaluation.evaluators == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("steps", "--set steps  it is not KEY=VALUE. for example train.steps=100"),
        ("=3", "--set =3  it is not KEY=VALUE"),
        ("train..steps=3", "--set train..steps=3  it is not KEY=VALUE"),
        ("train.stepz=3", "--set train.stepz=3  train has no key 'stepz'. did you mean 'steps'?"),
        ("trian.steps=3", "--set trian.steps=3  a suite has no key 'trian'. did you mean 'train'?"),
        ("train.steps=1e3", "--set train.steps=1e3  steps = 1e3 must be a whole number"),
        ("train.steps=", "--set train.steps=  steps = null must be a whole number"),
        (
            "train.batch.ring8=3",
            "--set train.batch.ring8=3  train.batch has no keys. only a value in a mapping can be set",
        ),
        ("train.steps.rng8=3", "--set train.steps.rng8=3  there is no dataset 'rng8' here. did you mean 'ring8'?"),
        ("grid.sede=3", "--set grid.sede=3  grid has no key 'sede'. did you mean 'seed'?"),
        ("grid.variant=nss", "--set grid.variant=nss  there is no variant 'nss'. did you mean 'ns'?"),
        ("train.batch=[1", "--set train.batch=[1  not YAML: expected ',' or ']'"),
        (
            "select=best:fid",
            "--set select=best:fid  select: no evaluator of this suite reports 'fid'. allowed: score_pixels",
        ),
    ],
)
def test_a_bad_set_names_the_flag(tmp_path: Path, change: str, says: str) -> None:
    with pytest.raises(RequestError) as caught:
        changed(tmp_path, set=(change,))
    assert says in str(caught.value)
    assert str(caught.value).endswith("1 mistake; nothing was run.")


def test_bad_flags_and_bad_lines_are_told_together(tmp_path: Path) -> None:
    path = write_suite(tmp_path, TEXT.replace("samples: 100", "samples: 0"))
    with pytest.raises(RequestError) as caught:
        load(path, Changes(set=("train.batch=0", "nothing"), seeds=0))
    assert [
        line for line in str(caught.value).replace(str(tmp_path), "").splitlines() if line[0] in "-/0123456789"
    ] == [
        "--set nothing  it is not KEY=VALUE. for example train.steps=100 or evaluate.samples=200",
        "--seeds 0  seed = 0 is the number of seeds and must be in 1 .. 100000. for a single seed write [3]",
        "--set train.batch=0  batch = 0 must be at least 1",
        "/suite.yaml:9:31  samples = 0 must be at least 1",
        "4 mistakes; nothing was run.",
    ]


def seeds_of(folder: Path, grid: str, **changes: object) -> tuple[list[int], str]:
    """The seeds of a suite's runs in their order, and what is said of them."""
    cell = "variant: tiny_gan, dataset: tiny_points, optimizer: tiny_sgd, steps: 1"
    found = load(write_suite(folder, "name: x\ngrid: " + grid.replace("CELL", cell)), Changes(**changes))  # type: ignore[arg-type]
    return [spec.seed for spec in found.specs], found.note


@pytest.mark.parametrize(
    ("own", "more", "seeds", "note"),
    [
        ("seed: [5, 6, 7, 8, 9]", 3, [5, 6, 7, 8, 9, 10, 11, 12], "seeds 5 to 12; the file has 5 to 9"),
        ("seed: 3", 2, [0, 1, 2, 3, 4], "seeds 0 to 4; the file has 0 to 2"),
        ("seed: [9, 2]", 1, [9, 2, 10], "seeds 2, 9, 10; the file has 2, 9"),
        ("seed: 1", 1, [0, 1], "seeds 0, 1; the file has 0"),
    ],
)
def test_more_seeds_go_on_from_the_suites_own(tmp_path: Path, own: str, more: int, seeds: list[int], note: str) -> None:
    assert seeds_of(tmp_path, f"{{CELL, {own}}}", more_seeds=more) == (seeds, f"--more-seeds {more}: {note}")


def test_more_seeds_of_a_grid_without_seeds_and_of_a_union(tmp_path: Path) -> None:
    assert seeds_of(tmp_path, "{CELL}", more_seeds=2)[0] == [0, 1, 2]
    assert seeds_of(tmp_path, "[{CELL, seed: [4]}, {CELL, batch: 3}]", more_seeds=1)[0] == [4, 5, 0, 1]


def test_seeds_say_what_they_take(tmp_path: Path) -> None:
    grid = "{CELL, seed: [5, 6, 7]}"
    assert seeds_of(tmp_path, grid, seeds=4)[1] == "--seeds 4: seeds 0 to 3; the file has 5 to 7"
    assert seeds_of(tmp_path, "{CELL, seed: 4}", seeds=4)[1] == "--seeds 4: seeds 0 to 3"
    assert seeds_of(tmp_path, grid)[1] == ""


def test_more_seeds_count_after_set_and_keep_the_ids(tmp_path: Path) -> None:
    assert seeds_of(tmp_path, "{CELL}", more_seeds=1, set=("grid.seed=[7]",))[0] == [7, 8]
    few, many = changed(tmp_path), changed(tmp_path, more_seeds=2)
    assert {spec.run_id() for spec in few.specs} < {spec.run_id() for spec in many.specs}


@pytest.mark.parametrize(
    ("seed", "more", "says"),
    [
        ("3", 0, "--more-seeds 0  more_seeds = 0 must be in 1 .. 100000"),
        ("3", 10**12, f"--more-seeds {10**12}  more_seeds = {10**12} must be in 1 .. 100000"),
        ("0", 2, "suite.yaml:2:86  seed = 0 is the number of seeds"),
        ("[1, x]", 2, "suite.yaml:2:90  seed = x must be a whole number"),
    ],
)
def test_more_seeds_that_cannot_be(tmp_path: Path, seed: str, more: int, says: str) -> None:
    with pytest.raises(RequestError) as caught:
        seeds_of(tmp_path, f"{{CELL, seed: {seed}}}", more_seeds=more)
    assert says in str(caught.value)
