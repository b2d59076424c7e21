"""Runs per hour of ganbench and of a plain PyTorch loop, on LSGAN's ring of Gaussians (Mao et al. 2017).

    python benchmarks/ring.py --steps 2000 --runs 4 --rounds 2

The plain loop (`plain.py`) trains one run after the other in one process with torch's default threads, and does nothing
else. ganbench runs the same protocol (`ring.yaml`) as its command does: workers, curves, checkpoints, scores, MLflow.
They take turns, and each begins in every other round. Each turn runs its command twice, with next to no steps and with
all: the difference is what the steps take once everything is up. A ratio is printed only where wall time and CPU time
agree about it (`timing.py`).
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from command import call
from timing import Spent, in_turns, ratio, typical

from ganbench import __version__

HERE = Path(__file__).parent
HOUR = 3600.0
NEXT_TO_NO_STEPS = 10


@dataclass(frozen=True)
class Turn:
    """A run of one turn: of the command from start to end, and without what it takes until everything is up."""

    command: Spent
    steady: Spent


def plain(steps: int, runs: int, turn: int) -> Turn:
    """The plain loop; `turn` changes nothing."""

    def spent(length: int) -> Spent:
        return call(str(HERE / "plain.py"), "--steps", str(length), "--runs", str(runs))[1]

    return _turn(spent(NEXT_TO_NO_STEPS), spent(steps), runs)


def ganbench(results: Path, steps: int, runs: int, turn: int) -> Turn:
    """`ganbench run` with seeds of its own in each turn."""
    seeds = list(range(turn * runs, (turn + 1) * runs))

    def spent(length: int) -> Spent:
        options = ("--set", f"train.steps={length}", "--set", f"grid.seed={seeds}", "--results", str(results))
        return call("-m", "ganbench.cli", "run", str(HERE / "ring.yaml"), *options)[1]

    return _turn(spent(NEXT_TO_NO_STEPS), spent(steps), runs)


def _turn(start: Spent, command: Spent, runs: int) -> Turn:
    return Turn(command / runs, (command - start) / runs)


def table(rounds: list[tuple[Turn, ...]]) -> str:
    lines = [f"{'runs per hour':<28}{'plain loop':>12}{'ganbench':>12}  ratio"]
    for label, name in (("once everything is up", "steady"), ("whole command", "command")):
        theirs, ours = ([getattr(turn, name) for turn in side] for side in zip(*rounds, strict=True))
        hourly = "".join(f"{HOUR / typical(side).wall:>12.0f}" for side in (theirs, ours))
        lines.append(f"{label:<28}{hourly}  {ratio(list(zip(theirs, ours, strict=True)))}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000, help="of a run; the protocol's own length is 35000")
    parser.add_argument("--runs", type=int, default=4, help="of each side in a round")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    print(f"{options.rounds} rounds of {options.runs} runs of {options.steps} steps on {cores} cores; ganbench "
          f"{__version__}, torch {torch.__version__}, Python {platform.python_version()}")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="ganbench-ring-") as folder:
        sides = [partial(side, options.steps, options.runs) for side in (plain, partial(ganbench, Path(folder)))]
        print(table(in_turns(sides, options.rounds)))


if __name__ == "__main__":
    main()
