"""Splits are disjoint, complete, stratified and always the same; pixel ranges go there and back exactly."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganbench.datasets.base import Split, to_range, to_rest
from ganbench.datasets.digits import Digits
from ganbench.datasets.parts.splits import completed, set_aside
from ganbench.errors import RequestError
from ganbench.rng import stream

LEVELS = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)


def numbered(y: list[int]) -> Split:
    """Samples that carry their own index."""
    return Split(torch.arange(len(y), dtype=torch.float32)[:, None], torch.tensor(y))


@given(st.lists(st.integers(0, 4), min_size=4, max_size=120), st.data())
def test_parts_are_disjoint_complete_and_stratified(y: list[int], data: st.DataObject) -> None:
    validation = data.draw(st.integers(1, len(y) - 2))
    test = data.draw(st.integers(1, len(y) - 1 - validation))
    parts = set_aside(numbered(y), {"validation": validation, "test": test}, "here")
    assert {name: len(part) for name, part in parts.items()} == {
        "validation": validation,
        "test": test,
        "train": len(y) - validation - test,
    }
    indices = torch.cat([part.x[:, 0] for part in parts.values()]).long()
    assert sorted(indices.tolist()) == list(range(len(y)))
    for part in parts.values():
        assert part.y is not None and torch.equal(torch.tensor(y)[part.x[:, 0].long()], part.y)
        for label in set(y):
            share = y.count(label) * len(part) / len(y)
            slack = 1 + y.count(label) * len(set(y)) / len(y)  # whole samples of this class, and of the others
            assert abs((part.y == label).sum().item() - share) <= slack


def test_any_start_of_a_part_holds_every_class() -> None:
    y = torch.arange(20).repeat_interleave(20).tolist()  # sorted by class, as folders are
    train = set_aside(numbered(y), {"test": 40}, "here")["train"]
    assert train.y is not None
    assert train.y[:100].bincount(minlength=20).tolist() == pytest.approx([5] * 20, abs=1)


def test_rare_classes_scatter_over_the_parts() -> None:
    parts = set_aside(numbered([0] * 300 + list(range(1, 301))), {"test": 300}, "here")
    assert parts["test"].y is not None
    assert 120 < (parts["test"].y > 0).sum() < 180


def test_what_the_data_hold_stays_as_it_is() -> None:
    train, test = numbered([0] * 20), numbered([0] * 3)
    parts = completed({"train": train, "test": test}, "here")
    assert parts["test"] is test
    assert (len(parts["train"]), len(parts["validation"])) == (18, 2)
    assert completed(parts, "here") is parts


def test_too_few_samples_to_split() -> None:
    with pytest.raises(RequestError) as error:
        completed({"train": numbered([0, 1])}, "few.npy")
    assert str(error.value) == (
        "few.npy: 2 samples can't be split into 1 for validation, 1 for test and at least one for training. add samples"
    )


def test_digits_splits() -> None:
    data, again = Digits().load(None), Digits().load(None)
    assert (len(data.train), len(data.validation), len(data.test)) == (1197, 300, 300)
    assert data.train.x.dtype == torch.uint8 and data.train.x.shape[1:] == data.space.shape == (1, 8, 8)
    assert data.train.x.min() == 0 and data.train.x.max() == 255
    assert torch.equal(data.test.x, again.test.x)
    for part in (data.validation, data.test):
        assert part.y is not None and part.y.dtype == torch.int64
        assert part.y.bincount(minlength=10).tolist() == pytest.approx([30] * 10, abs=2)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0)])
def test_range_ends_are_exact_and_nothing_is_changed_in_place(low: float, high: float) -> None:
    before = LEVELS.clone()
    x = to_range(LEVELS, low, high)
    assert (x.min().item(), x.max().item()) == (low, high)
    assert torch.equal(LEVELS, before)
    kept = x.clone()
    assert torch.equal(to_rest(x, low, high), LEVELS)
    assert torch.equal(x, kept)


@given(st.floats(-4, 4), st.floats(0.1, 8))
def test_levels_go_there_and_back_exactly(low: float, width: float) -> None:
    assert torch.equal(to_rest(to_range(LEVELS, low, low + width), low, low + width), LEVELS)


def test_the_mapping_is_fixed_and_not_taken_from_the_batch() -> None:
    dark = torch.tensor([0, 10], dtype=torch.uint8)
    assert to_range(dark, 0, 1).tolist() == pytest.approx([0, 10 / 255])


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (-1.0, 0),
        (1.0, 255),
        (0.0, 128),
        (-3.0, 0),
        (1.7, 255),
        (float("nan"), 0),
        (float("inf"), 255),
        (-float("inf"), 0),
    ],
)
def test_generated_pixels_are_rounded_and_clipped(value: float, level: int) -> None:
    assert to_rest(torch.full((1, 1, 1, 1), value), -1, 1).item() == level


def test_points_pass_through() -> None:
    points = torch.tensor([[300.0, -7.5]])
    assert to_range(points, -1, 1) is points and to_rest(points, -1, 1) is points


# --- few labels ---


def test_training_uses_as_many_labels_of_each_class_chosen_by_their_seed_alone() -> None:
    plain, few, same, other = (
        Digits(labels_per_class=each, labels_seed=seed).load(None) for each, seed in ((None, 0), (7, 0), (7, 0), (7, 1))
    )
    assert plain.labelled is None and plain.train.y is not None
    for data in (few, same, other):
        assert data.labelled is not None and data.labelled.y is not None
        assert data.labelled.y.bincount().tolist() == [7] * 10
        assert torch.equal(data.train.x, plain.train.x) and torch.equal(data.test.x, plain.test.x)
        real = {(x.numpy().tobytes(), y) for x, y in zip(plain.train.x, plain.train.y.tolist(), strict=True)}
        labelled = {(x.numpy().tobytes(), y) for x, y in zip(data.labelled.x, data.labelled.y.tolist(), strict=True)}
        assert labelled <= real and len(labelled) == 70
    assert torch.equal(few.labelled.x, same.labelled.x)  # type: ignore[union-attr]
    assert not torch.equal(few.labelled.x, other.labelled.x)  # type: ignore[union-attr]


def test_fewer_labels_are_among_the_more_of_the_same_seed() -> None:
    three, seven = (Digits(labels_per_class=each).load(None).labelled for each in (3, 7))
    assert three is not None and seven is not None
    images = [{x.numpy().tobytes() for x in split.x} for split in (three, seven)]
    assert images[0] < images[1]


def test_labels_are_drawn_from_those_that_training_uses() -> None:
    few, plain = Digits(labels_per_class=1).load(None), Digits().load(None)
    drawn = few.draw_with_labels(200, [stream(0, "test")])
    assert len({x.numpy().tobytes() for x in drawn.x[0]}) == 10
    all_of_them = plain.draw_with_labels(200, [stream(0, "test")])
    assert len({x.numpy().tobytes() for x in all_of_them.x[0]}) > 150 and all_of_them.y is not None


def test_more_labels_than_there_are_is_an_error() -> None:
    with pytest.raises(RequestError) as error:
        Digits(labels_per_class=200).load(None)
    assert "labels_per_class is 200" in str(error.value) and "the rarest class" in str(error.value)
