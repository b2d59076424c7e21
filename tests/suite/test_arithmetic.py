"""The precision and the memory format of a run are in its id; the precision is an axis too, and a column."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ganbench.errors import SuiteError
from ganbench.spec import Arithmetic
from ganbench.suite import Changes, Suite, load
from tests.support.tiny import write_suite

TEXT = """
name: x
grid: {variant: tiny_gan, dataset: [tiny_points, tiny_images], optimizer: tiny_sgd, network: dcgan}
train: {steps: 5}
"""
RULE = """
evaluate: {samples: 10, with: [tiny_score]}
outcome: {good: {metric: score_pixels, at_most: 1}, diverse: []}
"""
BF16_ONLY = Changes(only=("precision=bf16",))


def suite(folder: Path, train: str, *changes: str) -> Suite:
    text = TEXT.replace("steps: 5", f"steps: 5{train}").replace("tiny_points, tiny_images", "tiny_images")
    return load(write_suite(folder, text), data_root=folder, changes=Changes(set=changes))


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ("", Arithmetic()),
        (", precision: float32, memory_format: contiguous", Arithmetic()),
        (", precision: bf16", Arithmetic(precision="bf16")),
        (", memory_format: {tiny_images: channels_last}", Arithmetic(memory_format="channels_last")),
        (", memory_format: {tiny_images: contiguous, default: channels_last}", Arithmetic()),
    ],
)
def test_the_options_of_train(tmp_path: Path, train: str, expected: Arithmetic) -> None:
    (spec,) = suite(tmp_path, train).specs
    (default,) = suite(tmp_path, "").specs
    assert spec.arithmetic == expected
    assert (spec == default) == (spec.run_id() == default.run_id()) == (expected == Arithmetic())
    assert spec.columns() == default.columns() | {"precision": expected.precision}


def test_a_flag_sets_them(tmp_path: Path) -> None:
    (spec,) = suite(tmp_path, "", "train.precision=bf16").specs
    assert spec.arithmetic == Arithmetic(precision="bf16")


def test_the_precision_is_an_axis(tmp_path: Path) -> None:
    """The runs are those of a suite that has the value in `train`, and those without it keep their ids and files."""
    text = TEXT.replace("tiny_points, tiny_images", "tiny_images")
    crossed = text.replace("network: dcgan", "network: dcgan, precision: [float32, bf16], seed: 2")
    crossed += "compare: {axis: precision, metric: diverged, baseline: float32}\n"
    crossed += "exclude: {where: {precision: bf16, seed: 1}, because: why}\n"
    found = load(write_suite(tmp_path, crossed + RULE), data_root=tmp_path)
    (usual,), (reduced,) = suite(tmp_path, "").specs, suite(tmp_path, ", precision: bf16").specs
    assert found.specs == (usual, replace(usual, seed=1), reduced)
    assert [cell.spec for cell in found.excluded] == [replace(reduced, seed=1)]
    assert found.axes == ("precision", "seed")
    (compare,) = found.questions.compare
    assert (compare.axis, compare.baseline) == ("precision", "float32")
    (only,) = load(write_suite(tmp_path, crossed + RULE), data_root=tmp_path, changes=BF16_ONLY).specs
    assert only == reduced


def test_train_gives_no_precision_that_the_grid_has(tmp_path: Path) -> None:
    text = TEXT.replace("network: dcgan", "network: dcgan, precision: [float32, bf16]")
    with pytest.raises(SuiteError, match=r"train\.precision is not used, because the grid has this axis"):
        load(write_suite(tmp_path, text.replace("steps: 5", "steps: 5, precision: bf16")), data_root=tmp_path)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (", precision: half", "precision = half must be one of float32, bf16"),
        (", precision: [float32, bf16]", "for several use the grid's axis 'precision'"),
        (", memory_format: [contiguous, channels_last]", "train takes a single value for memory_format, not a list"),
        (", memory_fromat: channels_last", "train has no key 'memory_fromat'. did you mean 'memory_format'?"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, train: str, message: str) -> None:
    with pytest.raises(SuiteError) as mistake:
        suite(tmp_path, train)
    assert message in str(mistake.value)


def test_points_have_no_channels(tmp_path: Path) -> None:
    text = TEXT.replace("network: dcgan", "network: mlp").replace("steps: 5", "steps: 5, memory_format: channels_last")
    found = load(write_suite(tmp_path, text), data_root=tmp_path)
    assert [spec.dataset.kind() for spec in found.specs] == ["tiny_images"]
    assert [cell.because for cell in found.excluded] == [
        "memory_format: channels_last is a layout of images, and the data are points; use contiguous"
    ]
