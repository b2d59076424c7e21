"""How runs ended, and when they collapsed: on published FID trajectories and on made-up ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.stats.outcomes import Ending, Thresholds, good_marks, judge

# FID on CIFAR-10 every 10,000 steps, from published training logs
LSGAN = [77, 70, 152, 178, 149, 146, 227, 225, 260, 136, 255, 121, 238, 198, 148, 240, 286, 278, 178, 331]
DCGAN = [65, 60, 66, 56, 86, 98, 85, 116, 143, 125, 139, 144, 134, 125, 140, 130, 132, 130, 122, 137]
HINGE = [62, 61, 45, 43, 50, 51, 64, 105, 121, 148, 162, 139, 131, 123, 135, 139, 126, 137, 140, 129]
WGAN_GP = [41, 35, 36, 32, 29, 29, 30, 29, 26, 29]


def fid(values: list[int], thresholds: Thresholds) -> Ending:
    """The ending by one metric, of which lower is better, at marks 10,000 steps apart; diversity is not judged."""
    good = good_marks(values, "lower", thresholds)
    return judge([10_000 * (i + 1) for i in range(len(values))], good, [True] * len(values))


@pytest.mark.parametrize(
    ("values", "steps"),
    [(LSGAN, (30_000, 30_000)), (DCGAN, (50_000, 80_000)), (HINGE, (80_000, 80_000))],
    ids=["lsgan", "dcgan", "hinge"],
)
def test_published_runs_that_collapsed(values: list[int], steps: tuple[int, int]) -> None:
    for ratio, step in zip((1.5, 2.0), steps, strict=True):
        assert fid(values, Thresholds(ratio=ratio)) == Ending("collapsed", step, diverse=True)


def test_published_run_that_did_not() -> None:
    assert fid(WGAN_GP, Thresholds(ratio=1.5)) == Ending("stable")
    assert fid(WGAN_GP, Thresholds(limit=25)) == Ending("never_good"), "thresholds that it never meets"


def test_higher_is_better() -> None:
    modes: list[float | None] = [2, 5, 8, 8, 8, 7, 3, 1, 2, 1]
    for thresholds in (Thresholds(limit=6), Thresholds(ratio=1.5), Thresholds(drop=2)):
        diverse = good_marks(modes, "higher", thresholds)
        assert judge(range(1, 11), [True] * 10, diverse) == Ending("collapsed", 7)
    negative: list[float | None] = [-50, -20, -10, -15, -80, -90]
    assert good_marks(negative, "higher", Thresholds(drop=20)) == [True] * 4 + [False] * 2
    with pytest.raises(ValueError, match="give a drop"):
        good_marks(negative, "higher", Thresholds(ratio=2))


# G: good and diverse; q: good, not diverse; d: diverse, not good; o: neither
@pytest.mark.parametrize(
    ("marks", "ending"),
    [
        ("oooGGGGGGG", Ending("stable")),  # a slow start
        ("ooooooooGG", Ending("stable")),
        ("ooooooooo", Ending("never_good")),
        ("ddddddddd", Ending("never_good")),  # diverse noise
        ("oddooddoo", Ending("never_good")),  # diversity that came and went before it was good
        ("qqqqqqqqq", Ending("collapsed", 1)),  # good samples of few modes from the start
        ("qqqqqGGGG", Ending("stable")),  # it found the others later
        ("ooGGGGqqqq", Ending("collapsed", 7)),
        ("ooGGGGoooo", Ending("collapsed", 7)),
        ("ooGGGGdddd", Ending("collapsed", 7, diverse=True)),  # bad samples that are as diverse as before
        ("GGooGGGGGG", Ending("stable")),  # recovered
        ("oGoooGGGoo", Ending("collapsed", 9)),  # an earlier bad spell was another matter
        ("GGGoooGooo", Ending("collapsed", 4)),  # one good mark on the way down
        ("GGGGGGGGGo", Ending("stable")),  # half of the tail is not more than half
        ("oooooooooG", Ending("stable")),  # only the marks since the first good one count
        ("o", Ending("never_good")),
        ("q", Ending("collapsed", 1)),
        ("G", Ending("stable")),
    ],
)
def test_made_up(marks: str, ending: Ending) -> None:
    good, diverse = ([mark in letters for mark in marks] for letters in ("Gq", "Gd"))
    assert judge(range(1, len(marks) + 1), good, diverse) == ending


def test_the_tail_that_decides() -> None:
    good = [True] * 8 + [False, True]
    assert judge(range(10), good, [True] * 10, tail=0.3).kind == "stable"
    assert judge([1, 2, 3], [False, False, True], [True] * 3, tail=1.0) == Ending("stable"), "late, and not lost"
    assert judge([1, 2, 3], [True, False, False], [True] * 3, tail=0.0) == Ending("collapsed", 2, diverse=True)
    with pytest.raises(ValueError, match="share"):
        judge([1], [True], [True], tail=1.2)


def test_a_value_that_is_absent_is_not_good() -> None:
    values = [1, 1, None, float("nan"), float("inf")]
    assert good_marks(values, "lower", Thresholds(limit=5)) == [True, True, False, False, False]


def test_every_threshold_counts() -> None:
    values = [10.0, 14.0, 16.0]
    assert good_marks(values, "lower", Thresholds(ratio=1.5)) == [True, True, False]
    assert good_marks(values, "lower", Thresholds(drop=3)) == [True, False, False]
    assert good_marks(values, "lower", Thresholds(limit=9)) == [False, False, False]
    assert good_marks(values, "lower", Thresholds(limit=15, ratio=2)) == [True, True, False]
    assert good_marks([10.0, 15.0], "lower", Thresholds(limit=15, ratio=1.5, drop=5)) == [True, True], (
        "a border is good"
    )


@pytest.mark.parametrize("wrong", [{}, {"ratio": 0.5}, {"drop": -1}], ids=str)
def test_thresholds_that_say_nothing(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"thresholds need|at least"):
        Thresholds(**wrong)


@pytest.mark.parametrize("steps", [[], [1, 1], [2, 1], [1]], ids=str)
def test_marks_in_order_one_value_each(steps: list[int]) -> None:
    with pytest.raises(ValueError, match="in ascending order"):
        judge(steps, [True, True] if steps else [], [True, True] if steps else [])


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.sampled_from([0.0, 0.2, 0.5, 1]))
def test_what_the_step_promises(marks: list[int], tail: float) -> None:
    """Never good exactly without a good mark; from the step of collapse on, more marks are bad than good."""
    good, diverse = [mark >= 2 for mark in marks], [mark % 2 == 1 for mark in marks]
    ending = judge(range(len(marks)), good, diverse, tail)
    assert (ending.kind == "never_good") == (not any(good))
    assert (ending.step is not None) == (ending.kind == "collapsed")
    if ending.step is None:
        return
    bad = [mark != 3 for mark in marks[ending.step :]]
    assert any(good[: ending.step + 1])
    assert bad[0]
    assert all(2 * sum(bad[: n + 1]) > n + 1 for n in range(len(bad)))


def test_thresholds_mirror() -> None:
    values = [3.0, 9.0, 4.0, None]
    mirrored = [None if value is None else -value for value in values]
    lower, higher = Thresholds(limit=5, drop=2), Thresholds(limit=-5, drop=2)
    assert good_marks(values, "lower", lower) == good_marks(mirrored, "higher", higher)
