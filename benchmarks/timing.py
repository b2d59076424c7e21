"""Times of two sides that take turns, and their ratio, where wall time and CPU time agree about it.

On a busy machine the wall time of either side may grow: a side that uses both of two cores loses more to another
program than a side that uses one. CPU time leaves out what other programs take. If the two clocks give ratios that
differ by more than a fifth, neither is printed as the result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

Result = TypeVar("Result")

APART = 1.2  # two ratios that differ by more than this factor contradict each other


@dataclass(frozen=True)
class Spent:
    """Seconds of some work: on the wall, and of its threads and processes on the CPU."""

    wall: float
    cpu: float

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.wall - other.wall, self.cpu - other.cpu)

    def __truediv__(self, amount: float) -> Spent:
        return Spent(self.wall / amount, self.cpu / amount)


@dataclass(frozen=True)
class Ratio:
    """How many times as fast the second side is, by each clock: medians of rounds. `wall_rounds`: of each round."""

    wall: float
    cpu: float
    wall_rounds: tuple[float, ...]
    on_device: bool = False  # a GPU does the work: CPU time does not measure it, and rounds must agree instead

    @property
    def refusal(self) -> str | None:
        """Why there is no ratio; None if there is one."""
        low, high = min(self.wall_rounds), max(self.wall_rounds)
        if self.on_device:
            if low <= 0 or high / low > APART:
                return f"none: rounds give {low:.2f} to {high:.2f}; {QUIET}"
            return None
        if min(self.wall, self.cpu) <= 0 or max(self.wall, self.cpu) / min(self.wall, self.cpu) > APART:
            return f"none: {self.wall:.2f} by wall time and {self.cpu:.2f} by CPU time; {QUIET}"
        return None

    def __str__(self) -> str:
        if self.refusal:
            return self.refusal
        span = f"({min(self.wall_rounds):.2f} to {max(self.wall_rounds):.2f})"
        return f"{self.wall:.2f} {span}" + ("" if self.on_device else f", by CPU time {self.cpu:.2f}")


QUIET = "other work disturbed one side: stop it and run this again, or take more rounds"


def timed(work: Callable[[], Result], cpu: Callable[[], float] = time.process_time) -> tuple[Result, Spent]:
    """What a function returns, and what it took; `cpu` is the clock of this process, or of this thread."""
    wall, used = time.perf_counter(), cpu()
    result = work()
    return result, Spent(time.perf_counter() - wall, cpu() - used)


def in_turns(sides: Sequence[Callable[[int], Result]], rounds: int) -> list[tuple[Result, ...]]:
    """The results of each round in the order of the sides, which are given its number. Each side begins in turn."""
    results = []
    for turn in range(rounds):
        order = [(turn + place) % len(sides) for place in range(len(sides))]
        found = {at: sides[at](turn) for at in order}
        results.append(tuple(found[at] for at in range(len(sides))))
    return results


def ratio(rounds: Sequence[tuple[Spent, Spent]], *, on_device: bool = False) -> Ratio:
    """How many times as fast the second side is, for the same work in every round."""
    wall = tuple(first.wall / second.wall for first, second in rounds)
    cpu = [first.cpu / second.cpu if second.cpu else 0.0 for first, second in rounds]
    return Ratio(median(wall), median(cpu), wall, on_device)


def typical(side: Sequence[Spent]) -> Spent:
    """The median of each clock."""
    return Spent(median(spent.wall for spent in side), median(spent.cpu for spent in side))
