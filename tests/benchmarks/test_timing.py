"""The ratio of two sides from made-up times: when there is one, and when the clocks contradict each other."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture
def timing(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("timing")


def rounds(timing: ModuleType, *times: tuple[float, float, float, float]) -> list[tuple[object, object]]:
    """(wall, CPU) of the first side and of the second, in each round."""
    return [(timing.Spent(*each[:2]), timing.Spent(*each[2:])) for each in times]


def test_on_a_quiet_machine_the_ratio_is_the_median_of_the_rounds(timing: ModuleType) -> None:
    found = timing.ratio(rounds(timing, (8, 8, 4, 4), (9, 8, 4, 4), (8, 8, 5, 4)))
    assert (found.wall, found.cpu, found.refusal) == (2.0, 2.0, None)
    assert str(found) == "2.00 (1.60 to 2.25), by CPU time 2.00"


def test_work_that_slows_both_sides_alike_changes_nothing(timing: ModuleType) -> None:
    found = timing.ratio(rounds(timing, (24, 8, 12, 4), (16, 8, 8, 4)))
    assert found.refusal is None and found.wall == 2


def test_work_that_slows_one_side_leaves_no_ratio(timing: ModuleType) -> None:
    """A plain loop with two threads beside another program: seven times as slow on the wall, and not on the CPU."""
    found = timing.ratio(rounds(timing, (28, 8, 4, 4.5), (27, 8, 4, 4.5)))
    assert str(found) == (
        "none: 6.88 by wall time and 1.78 by CPU time; other work disturbed one side: stop it and run this again, "
        "or take more rounds"
    )


@pytest.mark.parametrize(("cpu", "is_refused"), [(4.1, False), (4.9, True), (3.4, False), (3.2, True)])
def test_the_limit_is_a_fifth_either_way(timing: ModuleType, cpu: float, is_refused: bool) -> None:
    assert (timing.ratio(rounds(timing, (8, 8, 4, cpu))).refusal is not None) == is_refused


def test_without_cpu_time_there_is_no_ratio(timing: ModuleType) -> None:
    assert timing.ratio(rounds(timing, (8, 8, 4, 0))).refusal is not None


def test_on_a_device_the_rounds_must_agree(timing: ModuleType) -> None:
    agreeing, apart = (8, 1, 4, 4), (12, 1, 4, 4)
    assert str(timing.ratio(rounds(timing, agreeing, agreeing), on_device=True)) == "2.00 (2.00 to 2.00)"
    refused = timing.ratio(rounds(timing, agreeing, apart), on_device=True)
    assert str(refused).startswith("none: rounds give 2.00 to 3.00; other work")


def test_sides_take_turns_at_beginning(timing: ModuleType) -> None:
    calls: list[str] = []

    def side(name: str) -> Callable[[int], str]:
        return lambda turn: calls.append(f"{name}{turn}") or f"{name}{turn}"  # type: ignore[func-returns-value]

    assert timing.in_turns([side("a"), side("b")], 3) == [("a0", "b0"), ("a1", "b1"), ("a2", "b2")]
    assert calls == ["a0", "b0", "b1", "a1", "a2", "b2"]


def test_what_a_function_takes(timing: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([10.0, 13.0])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(ticks))
    cpu = iter([1.0, 1.5])
    assert timing.timed(lambda: "made", lambda: next(cpu)) == ("made", timing.Spent(3.0, 0.5))
    assert (timing.Spent(8, 6) - timing.Spent(2, 2)) / 2 == timing.Spent(3, 2)
    assert timing.typical([timing.Spent(1, 9), timing.Spent(2, 8), timing.Spent(30, 1)]) == timing.Spent(2, 8)
