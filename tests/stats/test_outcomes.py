"""Stable or collapsed, and when: on published FID trajectories and on made-up ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.stats.outcomes import StabilityRule, bad_marks, collapse

# FID on CIFAR-10 every 10,000 steps, from published training logs
LSGAN = [77, 70, 152, 178, 149, 146, 227, 225, 260, 136, 255, 121, 238, 198, 148, 240, 286, 278, 178, 331]
DCGAN = [65, 60, 66, 56, 86, 98, 85, 116, 143, 125, 139, 144, 134, 125, 140, 130, 132, 130, 122, 137]
HINGE = [62, 61, 45, 43, 50, 51, 64, 105, 121, 148, 162, 139, 131, 123, 135, 139, 126, 137, 140, 129]
WGAN_GP = [41, 35, 36, 32, 29, 29, 30, 29, 26, 29]


def fid(values: list[int], rule: StabilityRule) -> int | None:
    return collapse([10_000 * (i + 1) for i in range(len(values))], values, "lower", rule)


@pytest.mark.parametrize(
    ("values", "steps"),
    [(LSGAN, (30_000, 30_000)), (DCGAN, (50_000, 80_000)), (HINGE, (80_000, 80_000))],
    ids=["lsgan", "dcgan", "hinge"],
)
def test_published_runs_that_collapsed(values: list[int], steps: tuple[int, int]) -> None:
    for ratio, step in zip((1.5, 2.0), steps, strict=True):
        assert fid(values, StabilityRule(ratio=ratio)) == step


def test_published_run_that_did_not() -> None:
    assert fid(WGAN_GP, StabilityRule(ratio=1.5)) is None
    assert fid(WGAN_GP, StabilityRule(limit=25)) == 10_000, "a rule that it never satisfies: from the first mark"


def test_higher_is_better() -> None:
    modes: list[float | None] = [2, 5, 8, 8, 8, 7, 3, 1, 2, 1]
    steps = list(range(1, 11))
    for rule in (StabilityRule(limit=6), StabilityRule(ratio=1.5), StabilityRule(drop=2)):
        assert collapse(steps, modes, "higher", rule) == 7
    negative: list[float | None] = [-50, -20, -10, -15, -80, -90]
    assert collapse(steps[:6], negative, "higher", StabilityRule(drop=20)) == 5
    with pytest.raises(ValueError, match="give a drop"):
        collapse(steps[:6], negative, "higher", StabilityRule(ratio=2))


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ([9, 9, 9, 1, 1, 1, 1, 1, 1, 1], None),  # a slow start
        ([9, 9, 9, 9, 9, 9, 1, 1, 9, 9], 9),  # the same, then a collapse
        ([1, 1, 9, 9, 9, 1, 1, 1, 1, 1], None),  # recovered
        ([1, 9, 1, 1, 1, 9, 9, 9, 9, 9], 6),  # the first bad mark was another matter
        ([1, 1, 1, 9, 9, 9, 1, 9, 9, 9], 4),  # one good mark on the way down
        ([1, 1, 1, 1, 1, 1, 1, 1, 1, 9], None),  # half of the tail is not more than half
        ([9, 9, 9, 9, 9, 9, 9, 9, 9, 9], 1),  # never good
        ([9], 1),
        ([1], None),
        ([1, 9], 2),
        ([1, 1, 1, 1, None], 5),  # what can't be computed isn't good
        ([None, float("nan")], 1),
        ([1, float("inf")], 2),
    ],
)
def test_made_up(values: list[float | None], step: int | None) -> None:
    assert collapse(range(1, len(values) + 1), values, "lower", StabilityRule(limit=5)) == step


def test_an_absent_value_is_one_bad_mark() -> None:
    assert collapse(range(1, 11), [5, 4, 3, 3, 3, 3, 3, 3, None, 3], "lower", StabilityRule(limit=5, tail=0.3)) is None
    assert collapse([7], [None], "higher", StabilityRule(limit=1)) == 7


def test_a_tail_bad_by_its_start_alone() -> None:
    assert collapse([1, 2, 3], [9, 9, 1], "lower", StabilityRule(limit=5, tail=1.0)) == 1


def test_every_condition_counts() -> None:
    values = [10.0, 14.0, 16.0]
    assert bad_marks(values, "lower", StabilityRule(ratio=1.5)) == [False, False, True]
    assert bad_marks(values, "lower", StabilityRule(drop=3)) == [False, True, True]
    assert bad_marks(values, "lower", StabilityRule(limit=9)) == [True, True, True]
    assert bad_marks(values, "lower", StabilityRule(limit=15, ratio=2)) == [False, False, True]
    assert bad_marks([10.0, 15.0], "lower", StabilityRule(limit=15, ratio=1.5, drop=5)) == [False, False], (
        "a border is good"
    )


@pytest.mark.parametrize("wrong", [{}, {"ratio": 0.5}, {"drop": -1}, {"limit": 1, "tail": 1.2}], ids=str)
def test_rules_that_say_nothing(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"a rule needs|at least|share"):
        StabilityRule(**wrong)


@pytest.mark.parametrize("steps", [[], [1, 1], [2, 1], [1]], ids=str)
def test_marks_in_order_one_value_each(steps: list[int]) -> None:
    with pytest.raises(ValueError, match="in ascending order"):
        collapse(steps, [1.0, 2.0] if steps else [], "lower", StabilityRule(limit=1))


@given(st.lists(st.one_of(st.none(), st.integers(0, 20)), min_size=1, max_size=30), st.sampled_from([0.0, 0.2, 0.5, 1]))
def test_what_the_step_promises(values: list[float | None], tail: float) -> None:
    steps = [3 * i + 1 for i in range(len(values))]
    step = collapse(steps, values, "lower", StabilityRule(limit=9, ratio=2, tail=tail))
    mirrored = [None if value is None else -value for value in values]
    plain = collapse(steps, values, "lower", StabilityRule(limit=9, drop=30, tail=tail))
    assert collapse(steps, mirrored, "higher", StabilityRule(limit=-9, drop=30, tail=tail)) == plain
    if step is None:
        return
    at = steps.index(step)
    bad = bad_marks(values, "lower", StabilityRule(limit=9, ratio=2))
    assert bad[at]
    after = bad[at:]
    shares = [sum(after[: n + 1]) / (n + 1) for n in range(len(after))]
    assert all(share > 0.5 for share in shares) or at == 0
