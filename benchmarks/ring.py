"""Runs per hour of ganbench and of a plain PyTorch loop, on LSGAN's ring of Gaussians (Mao et al. 2017).

    python benchmarks/ring.py --steps 2000 --runs 4 --rounds 2

The plain loop (`plain.py`) trains one run after the other in one process with torch's default threads, and does nothing
else. ganbench runs the same protocol (`ring.yaml`) as its command does: workers, curves, checkpoints, scores, MLflow.
They take turns, each first in every other round, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import torch
from command import call, cycles, run

from ganbench import __version__

HERE = Path(__file__).parent
HOUR = 3600.0


@dataclass(frozen=True)
class Rate:
    """Runs per hour of one turn: once everything is up, and of the command from start to end."""

    steady: float
    command: float


def plain(steps: int, runs: int) -> Rate:
    """Steady: the seconds of the loops alone, without imports and initialisation."""
    answer, spent = call(str(HERE / "plain.py"), "--steps", str(steps), "--runs", str(runs))
    return Rate(runs * HOUR / sum(json.loads(answer)["seconds"]), runs * HOUR / spent.wall)


def ganbench(steps: int, runs: int, turn: int, results: Path) -> Rate:
    """Steady: as many workers as there are, each from the end of one run to the end of the next; other seeds a turn."""
    options = ("--set", f"train.steps={steps}", "--seeds", str(runs * (turn + 1)))
    chains, spent = run(HERE / "ring.yaml", results, *options)
    steady = len(chains) * HOUR / mean(cycles(chains)) if runs > len(chains) else math.nan
    return Rate(steady, runs * HOUR / spent.wall)


def compare(steps: int, runs: int, rounds: int) -> list[tuple[Rate, Rate]]:
    """(plain loop, ganbench) of each round; a short unmeasured turn first creates what a results folder has once."""
    with tempfile.TemporaryDirectory(prefix="ganbench-ring-") as folder:
        ganbench(10, 2, 0, Path(folder))
        pairs = []
        for turn in range(rounds):
            if turn % 2:
                ours = ganbench(steps, runs, turn, Path(folder))
                pairs.append((plain(steps, runs), ours))
            else:
                theirs = plain(steps, runs)
                pairs.append((theirs, ganbench(steps, runs, turn, Path(folder))))
    return pairs


def table(pairs: list[tuple[Rate, Rate]]) -> str:
    lines = [f"{'runs per hour':<28}{'plain loop':>12}{'ganbench':>12}{'ratio':>8}"]
    for label, name in (("once everything is up", "steady"), ("whole command", "command")):
        values = [(getattr(theirs, name), getattr(ours, name)) for theirs, ours in pairs]
        theirs, ours = (median(side) for side in zip(*values, strict=True))
        ratios = sorted(b / a for a, b in values)
        span = f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
        lines.append(f"{label:<28}{theirs:>12.0f}{ours:>12.0f}{median(ratios):>8.2f}  {span}")
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
    print(table(compare(options.steps, options.runs, options.rounds)))


if __name__ == "__main__":
    main()
