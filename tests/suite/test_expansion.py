"""A suite becomes runs: axes, unions, defaults, exclusions, marks."""

from __future__ import annotations

from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.errors import SuiteError
from ganbench.suite import Suite, load
from tests.support.tiny import write_suite

GRID = "{variant: tiny_gan, dataset: tiny_points, optimizer: tiny_sgd}"


def suite(folder: Path, text: str) -> Suite:
    return load(write_suite(folder, text), data_root=folder)


def one_axis(folder: Path, axis: str, values: str) -> list[object]:
    """The values that the runs of a suite with one more axis have there."""
    pairs = {"variant": "tiny_gan", "dataset": "tiny_points", "steps": "5", "optimizer": "tiny_sgd"} | {axis: values}
    body = ", ".join(f"{key}: {value}" for key, value in pairs.items())
    return [spec.columns()[axis] for spec in suite(folder, f"name: x\ngrid: {{{body}}}").specs]


def test_the_grid_is_a_cross_product(tmp_path: Path) -> None:
    found = suite(
        tmp_path,
        """
name: cross
about: every pair
grid:
  variant: [tiny_gan, {kind: tiny_gan, weight: [1, 10]}]
  dataset: tiny_points
  batchnorm: [none, both]
  optimizer: tiny_sgd
  seed: 2
train: {steps: 30, batch: 4}
""",
    )
    assert (found.name, found.about, found.select, found.excluded) == ("cross", "every pair", "last", ())
    cells = [(s.variant.notation(), s.network.batchnorm, s.seed) for s in found.specs]
    assert cells == [  # weight 1 is the default, so that cell is there once
        (variant, norm, seed)
        for variant in ("tiny_gan", "tiny_gan[weight=10]")
        for norm in ("none", "both")
        for seed in (0, 1)
    ]
    assert found.axes == ("variant", "batchnorm", "seed")
    assert {(s.steps, s.batch, s.network.kind()) for s in found.specs} == {(30, 4, "tiny_net")}
    assert len({s.run_id() for s in found.specs}) == len(found.specs)


@pytest.mark.parametrize(
    ("axis", "values", "expected"),
    [
        ("seed", "3", [0, 1, 2]),
        ("seed", "[3]", [3]),
        ("seed", "[7, 5, 7]", [7, 5]),
        ("steps", "[10, 20]", [10, 20]),
        ("schedule", "[g_first, {order: simultaneous, reuse_z: [true, false]}]",
         ["g_first", "simultaneous[reuse_z=true]", "simultaneous"]),
        ("schedule", "{d_steps: [1, 5]}", ["d_first[d_steps=1]", "d_first[d_steps=5]"]),
        ("optimizer", "{kind: tiny_sgd, lr: [2e-4, 1e-3], momentum: 0.5}",
         ["tiny_sgd[momentum=0.5]", "tiny_sgd[lr=0.001,momentum=0.5]"]),
        ("optimizer", "{kind: tiny_sgd, g_lr: [null, 0.1]}", ["tiny_sgd", "tiny_sgd[g_lr=0.1]"]),
        ("variant", "{kind: tiny_gan, widths: [16, 32]}", ["tiny_gan[widths=16x32]"]),
        ("variant", "{kind: tiny_gan, widths: [[16, 32], [], [8, 8]]}",
         ["tiny_gan[widths=16x32]", "tiny_gan[widths=]", "tiny_gan"]),
        ("network", "[tiny_net, {kind: tiny_net, batchnorm: [none, both]}]", ["tiny_net", "tiny_net"]),
        ("batchnorm", "[none, generator]", ["none", "generator"]),
    ],
)  # fmt: skip
def test_an_axis(tmp_path: Path, axis: str, values: str, expected: list[object]) -> None:
    assert one_axis(tmp_path, axis, values) == expected


def test_a_list_of_mappings_is_a_union(tmp_path: Path) -> None:
    text = """
name: union
grid:
  - {variant: tiny_gan, dataset: tiny_points, optimizer: tiny_sgd, steps: 10, seed: 2}
  - {variant: tiny_gan, dataset: tiny_points, optimizer: {kind: tiny_sgd, lr: 0.1}, steps: 10, seed: [1]}
  - {variant: tiny_gan, dataset: tiny_points, optimizer: tiny_sgd, steps: 10, seed: [1, 2]}
"""
    runs = [(s.optimizer.lr, s.seed) for s in suite(tmp_path, text).specs]
    assert runs == [(2e-4, 0), (2e-4, 1), (0.1, 1), (2e-4, 2)]


def test_what_the_file_leaves_open_has_a_natural_value(tmp_path: Path) -> None:
    text = "name: x\ngrid: {variant: tiny_gan, dataset: [ring8, tiny_images]}\ntrain: {steps: 5}"
    points, images = suite(tmp_path, text).specs
    assert (points.network.kind(), images.network.kind()) == ("mlp", "dcgan")
    assert points.columns() | {"dataset": "", "network": "", "variant": ""} == {
        "variant": "",
        "penalty": "none",
        "augment": "none",
        "dataset": "",
        "network": "",
        "batchnorm": "none",
        "optimizer": "adam",
        "schedule": "d_first",
        "batch": 64,
        "steps": 5,
        "precision": "float32",
        "seed": 0,
    }


def test_train_may_be_given_per_dataset(tmp_path: Path) -> None:
    text = """
name: x
grid: {variant: tiny_gan, dataset: [tiny_points, {kind: tiny_points, modes: 25}, ring8], optimizer: tiny_sgd}
train:
  steps: {tiny_points: 10, "tiny_points[modes=25]": 20, default: 30}
  batch: {ring8: 7, default: 8}
  network: {ring8: {kind: tiny_net, width: 9}}
  schedule: {ring8: g_first, default: {order: simultaneous}}
evaluate: {every: {tiny_points: 4, default: 20}}
"""
    found = suite(tmp_path, text)
    rows = [(s.steps, s.batch, s.network.width, s.schedule.order, found.evaluation.marks(s)) for s in found.specs]
    assert rows == [
        (10, 8, 4, "simultaneous", (4, 8, 10)),
        (20, 8, 4, "simultaneous", (4, 8, 12, 16, 20)),
        (30, 7, 9, "g_first", (20, 30)),
    ]


@pytest.mark.parametrize(
    ("steps", "every", "marks"),
    [
        (10, "every: 5", (5, 10)),
        (12, "every: 5", (5, 10, 12)),
        (3, "every: 5", (3,)),
        (1, "every: 1", (1,)),
        (9, "", (9,)),
    ],
)
def test_marks_end_with_the_last_step(tmp_path: Path, steps: int, every: str, marks: tuple[int, ...]) -> None:
    found = suite(tmp_path, f"name: x\ngrid: {GRID}\ntrain: {{steps: {steps}}}\nevaluate: {{{every}}}")
    assert found.evaluation.marks(found.specs[0]) == marks


def test_evaluators_are_skipped_where_they_do_not_fit(tmp_path: Path) -> None:
    text = """
name: x
grid: {variant: tiny_gan, dataset: [tiny_points, tiny_images], optimizer: tiny_sgd, steps: 5}
evaluate: {samples: 50, with: [{kind: tiny_score, features: [pixels, modes]}, tiny_score]}
select: best:score_modes
"""
    found = suite(tmp_path, text)
    points, images = found.specs
    assert [e.notation() for e in found.evaluation.evaluators] == ["tiny_score", "tiny_score[features=modes]"]
    assert [e.features for e in found.evaluation.evaluators_for(points)] == ["pixels", "modes"]
    assert [e.features for e in found.evaluation.evaluators_for(images)] == ["pixels"]
    assert [vars(skip) for skip in found.evaluation.skipped] == [
        {"dataset": "tiny_images", "evaluator": "tiny_score[features=modes]", "because": "the data have no known modes"}
    ]
    assert [metric.name for metric in found.evaluation.metrics] == ["score_pixels", "score_modes"]
    assert (found.evaluation.samples, found.select) == (50, "best:score_modes")


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ("{variant: tiny_gan}", []),
        ("{variant: 'tiny_gan[weight=3]'}", [(1, 0), (1, 1), (1, 2)]),
        ("{variant: {kind: tiny_gan, weight: 1}}", [(3, 0), (3, 1), (3, 2)]),
        ("{variant: {weight: [1, 3]}, seed: 2}", [(1, 0), (1, 1), (3, 0), (3, 1)]),
        ("{seed: [0, 1], variant: {weight: 3.0}, dataset: tiny_points, batchnorm: none}",
         [(1, 0), (1, 1), (1, 2), (3, 2)]),
        ("{schedule: d_first, optimizer: {lr: 2e-4}, seed: 1}", [(1, 0), (1, 2), (3, 0), (3, 2)]),
    ],
)  # fmt: skip
def test_exclude_leaves_out_what_it_names(tmp_path: Path, where: str, left: list[tuple[int, int]]) -> None:
    text = f"""
name: x
grid:
  - {{variant: {{kind: tiny_gan, weight: [1, 3]}}, dataset: tiny_points, optimizer: tiny_sgd, seed: 3, steps: 1}}
  - {{variant: ns, dataset: tiny_points, optimizer: tiny_sgd, seed: [9], steps: 1}}
exclude: [{{where: {where}, because: known}}]
"""
    found = suite(tmp_path, text)
    assert [(s.variant.weight, s.seed) for s in found.specs if s.seed != 9] == left
    assert {one.because for one in found.excluded} == {"known"}
    assert len(found.specs) + len(found.excluded) == 7


def test_objections_leave_a_cell_out_for_all_seeds(tmp_path: Path) -> None:
    text = """
name: x
grid: {variant: tiny_gan, dataset: [tiny_points, tiny_images], optimizer: tiny_sgd, batch: [1, 2], seed: 2}
train: {steps: 3, network: tiny_net}
exclude: [{where: {batch: 1, dataset: tiny_images}, because: my own reason}]
"""
    found = suite(tmp_path, text)
    assert [(s.dataset.kind(), s.batch, s.seed) for s in found.specs] == [("tiny_points", 2, 0), ("tiny_points", 2, 1)]
    assert [(one.spec.dataset.kind(), one.spec.batch, one.spec.seed, one.because) for one in found.excluded] == [
        ("tiny_points", 1, 0, "variant tiny_gan: it needs batches of at least 2"),
        ("tiny_points", 1, 1, "variant tiny_gan: it needs batches of at least 2"),
        ("tiny_images", 1, 0, "my own reason"),
        ("tiny_images", 1, 1, "my own reason"),
        ("tiny_images", 2, 0, "network tiny_net: it makes points, not images"),
        ("tiny_images", 2, 1, "network tiny_net: it makes points, not images"),
    ]


def test_numbers_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    text = """
name: no
about: |
  off
grid:
  variant: {kind: tiny_gan, weight: [1e-4, .5, 0x10, 010, 1_000]}
  dataset: tiny_points
  optimizer: tiny_sgd
train: {steps: 1}
"""
    found = suite(tmp_path, text)
    assert [s.variant.weight for s in found.specs] == [1e-4, 0.5, 16, 10, 1000]
    assert all(isinstance(s.variant.weight, float) for s in found.specs)
    assert (found.name, found.about) == ("no", "off\n")


def test_anchors_may_be_used_again(tmp_path: Path) -> None:
    text = f"name: x\ngrid: [&cell {GRID}, *cell]\ntrain: {{steps: 3}}"
    assert len(suite(tmp_path, text).specs) == 1


def test_ids_do_not_depend_on_key_order_or_on_written_defaults(tmp_path: Path) -> None:
    short = suite(tmp_path, f"name: x\ngrid: {GRID}\ntrain: {{steps: 3}}").specs
    long = suite(
        tmp_path,
        """
train: {schedule: {g_steps: 1, order: d_first, d_steps: null, reuse_z: false}, batch: 64}
grid:
  steps: 3
  seed: [0]
  optimizer: {momentum: 0, lr: 0.0002, kind: tiny_sgd}
  network: {width: 4, batchnorm: none, kind: tiny_net, prior: normal, z: 100}
  variant: {n_critic: 1, weight: 1.0, form: mean, decay: null, widths: [8, 8], kind: tiny_gan}
  dataset: {kind: tiny_points, modes: 8}
name: y
""",
    ).specs
    assert [s.run_id() for s in short] == [s.run_id() for s in long]
    assert short == long


def test_a_users_file_counts_in_the_id(tmp_path: Path) -> None:
    text = f"name: x\ngrid: {GRID}\ntrain: {{steps: 3}}"
    before = suite(tmp_path, text)
    assert (tmp_path / "tiny_gan.py").resolve() in before.plugins
    assert before.specs[0].canonical()["variant"]["digest"] == before.specs[0].variant.digest != ""
    path = tmp_path / "tiny_gan.py"
    path.write_text(path.read_text() + "# another file now\n")
    assert load(tmp_path / "suite.yaml").specs[0].run_id() != before.specs[0].run_id()


@settings(max_examples=15)
@given(
    weights=st.lists(st.integers(2, 99), min_size=1, max_size=3, unique=True),
    rates=st.lists(st.sampled_from([0.1, 0.2, 0.3]), min_size=1, max_size=3, unique=True),
    norms=st.lists(st.sampled_from(["none", "generator", "both"]), min_size=1, max_size=3, unique=True),
    seeds=st.integers(1, 4),
    order=st.permutations(["variant", "dataset", "batchnorm", "optimizer", "seed", "steps"]),
)
def test_the_number_of_runs_is_the_product_of_the_axes(
    weights: list[int], rates: list[float], norms: list[str], seeds: int, order: list[str]
) -> None:
    axes = {
        "variant": f"{{kind: tiny_gan, weight: {weights}}}",
        "dataset": "[tiny_points]",
        "batchnorm": f"[{', '.join(norms)}]",
        "optimizer": f"[{{kind: tiny_sgd, lr: {rates}}}]",
        "seed": seeds,
        "steps": 1,
    }
    with TemporaryDirectory() as folder:
        text = "name: x\ngrid: {" + ", ".join(f"{axis}: {axes[axis]}" for axis in order) + "}"
        found = load(write_suite(Path(folder), text))
        again = load(Path(folder) / "suite.yaml")
    assert len({s.run_id() for s in found.specs}) == prod((len(weights), len(rates), len(norms), seeds))
    assert found.specs == again.specs
    varying = {"variant": len(weights), "optimizer": len(rates), "batchnorm": len(norms), "seed": seeds}
    assert set(found.axes) == {axis for axis, count in varying.items() if count > 1}


def test_a_huge_grid_is_refused_before_it_is_built(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="the grid has 4000000 runs"):
        axes = f"seed: 2000, batch: {list(range(1, 2001))}, steps: 1"
        suite(tmp_path, f"name: x\ngrid: {{variant: tiny_gan, dataset: tiny_points, {axes}}}")
