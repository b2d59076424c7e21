"""A run's columns in tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ganbench.augmentations.flip import Flip
from ganbench.augmentations.none import NoAugmentation
from ganbench.component import ADDED, Component
from ganbench.penalties.r1 import R1Penalty
from ganbench.penalties.r2 import R2Penalty
from ganbench.plugins import Registry
from ganbench.spec import (
    AXES,
    GRID_AXES,
    UNSAVED,
    Arithmetic,
    RunSpec,
    Schedule,
    all_columns,
    plain,
    run_spec,
    saved_columns,
    varying,
)
from ganbench.testing import small_run
from tests.support.tiny import write_components


def test_columns_hold_notations_and_numbers(tmp_path: Path) -> None:
    registry = Registry.of(write_components(tmp_path))
    spec = RunSpec(
        variant=registry.find("variant", "tiny_gan")(weight=2.5, widths=(4, 4)),
        dataset=registry.find("dataset", "tiny_points")(),
        network=registry.find("network", "tiny_net")(width=5, batchnorm="both"),
        optimizer=registry.find("optimizer", "tiny_sgd")(lr=1e-3),
        schedule=Schedule(order="simultaneous", reuse_z=True),
        batch=32,
        steps=500,
        seed=11,
    )
    assert spec.columns() == {
        "variant": "tiny_gan[weight=2.5,widths=4x4]",
        "penalty": "none",
        "augment": "none",
        "dataset": "tiny_points",
        "network": "tiny_net[width=5]",
        "batchnorm": "both",
        "optimizer": "tiny_sgd[lr=0.001]",
        "schedule": "simultaneous[reuse_z=true]",
        "batch": 32,
        "steps": 500,
        "precision": "float32",
        "seed": 11,
    }
    assert tuple(spec.columns()) == GRID_AXES


def test_files_hold_an_added_axis_only_for_runs_with_another_value_on_it() -> None:
    """So that the files of older runs are as this version would write them, and are read with the axis."""
    plain_run, penalised = small_run(), small_run(penalty=R1Penalty(weight=1.0))
    reduced = run_spec(arithmetic=Arithmetic(precision="bf16"), **vars(plain_run))
    every = run_spec(arithmetic=reduced.arithmetic, penalty=R1Penalty(), augment=Flip(), **vars(plain_run))
    assert tuple(saved_columns(plain_run)) == AXES and tuple(saved_columns(every)) == GRID_AXES
    assert set(saved_columns(penalised)) == {*AXES, "penalty"}
    assert set(saved_columns(reduced)) == {*AXES, "precision"}
    for spec in (plain_run, penalised, reduced, every):
        assert list(all_columns(saved_columns(spec)).items()) == list(spec.columns().items())
    assert all_columns({"variant": "ns", "own": 1}) == {"variant": "ns", **UNSAVED, "own": 1}
    assert UNSAVED == {"penalty": "none", "augment": "none", "precision": "float32"}


def test_a_penalty_is_part_of_the_id_and_of_the_prefix() -> None:
    spec = small_run(penalty=R1Penalty())
    assert spec.canonical()["penalty"] == {"kind": "r1", "version": 1, "every": 1, "weight": 10}
    assert "penalty" not in small_run().canonical()
    assert spec.run_id().startswith("ns-r1-ring8-bn0-adam-s0-")
    others = (R1Penalty(weight=1.0), R1Penalty(every=2), R2Penalty())
    assert len({small_run(penalty=penalty).run_id() for penalty in (None, R1Penalty(), *others)}) == 5


def test_an_augmentation_is_part_of_the_id_and_of_the_prefix() -> None:
    spec = small_run(augment=Flip())
    assert spec.canonical()["augment"] == {"kind": "flip", "version": 1, "p": 0.5}
    assert "augment" not in small_run(penalty=R1Penalty()).canonical()
    assert small_run(penalty=R1Penalty(), augment=Flip()).run_id().startswith("ns-r1-flip-ring8-bn0-adam-s0-")
    assert small_run(augment=NoAugmentation()) == small_run()


def test_columns_that_vary_have_more_than_one_value() -> None:
    rows = [{"variant": "ns", "seed": 0, "batch": 64}, {"variant": "ns", "seed": 1, "batch": 32}]
    assert varying(rows, ("batch", "seed", "variant")) == ("batch", "seed")
    assert varying(iter(rows), ("variant",)) == ()
    assert varying([]) == ()


@dataclass(frozen=True, kw_only=True)
class Grown(Component):
    """A component with an option that was added after its first release."""

    version = 1
    source = "a test"

    first: int = 1
    later: int = field(default=2, metadata=ADDED)


def test_the_default_of_an_added_option_is_left_out_of_the_id() -> None:
    assert plain(Grown()) == {"kind": "test_spec", "version": 1, "first": 1}
    assert plain(Grown(later=3)) == {"kind": "test_spec", "version": 1, "first": 1, "later": 3}
    assert plain(Grown(), complete=True) == {"kind": "test_spec", "first": 1, "later": 2}
    assert Grown().notation() == "test_spec" and Grown(later=3).notation() == "test_spec[later=3]"
