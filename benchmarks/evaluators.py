"""Evaluators against plain programs on the same inputs: seconds, peak memory and numbers, as ratios in one run.

    python benchmarks/evaluators.py            about half an hour on 2 cores
    python benchmarks/evaluators.py --scale 0.1 --rounds 3 --without many

Each side runs in a process of its own (`protocols.py`), in turns, so that a busy machine slows both; medians of rounds.
A ratio is printed only where wall time and CPU time agree about it (`timing.py`).
Memory is the peak of resident memory above what was held when the work began, inputs not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from command import call
from protocols import MANY
from timing import Spent, in_turns, ratio, typical

from ganbench import __version__

PROTOCOLS = str(Path(__file__).with_name("protocols.py"))
PAIRS = {  # what: (the plain program, ours)
    "Parzen": ("parzen/scikit-learn", "parzen/ganbench"),
    "k-NN metrics": ("neighbours/NumPy", "neighbours/ganbench"),
    "MIND and CMMD": ("distances/NumPy", "distances/ganbench"),
    "FWD": ("FWD/scipy", "FWD/ganbench"),
    "FLD": ("FLD/torch", "FLD/ganbench"),
    "clipped density": ("clipped/NumPy", "clipped/ganbench"),
    "matrix term": ("matrix/scipy", "matrix/ganbench"),
    "all, first time": ("all/torch-fidelity", "all/ganbench"),
    "all, real cached": ("all/torch-fidelity", "all/ganbench, cached"),
}
ROWS = (
    f"rows to leave out: {', '.join(map(repr, PAIRS))}; 'many' for all that have no plain program: "
    f"{', '.join(map(repr, MANY))}"
)


@dataclass(frozen=True)
class Turn:
    """One process: seconds by two clocks, MiB, and the numbers that it found."""

    wall: float
    cpu: float
    memory: float
    numbers: dict[str, float]

    @property
    def spent(self) -> Spent:
        return Spent(self.wall, self.cpu)


def turn(work: str, scale: float) -> Turn:
    return Turn(**json.loads(call(PROTOCOLS, work, "--scale", str(scale))[0].splitlines()[-1]))


def compare(what: str, scale: float, rounds: int) -> str:
    """A line: seconds and MiB of both, how often faster, what share of the memory, and the largest difference."""
    sides = [lambda _, work=work: turn(work, scale) for work in PAIRS[what]]
    theirs, ours = zip(*in_turns(sides, rounds), strict=True)
    seconds = [typical([one.spent for one in side]).wall for side in (theirs, ours)]
    memory = [median(one.memory for one in side) for side in (theirs, ours)]
    share = f"{memory[1] / memory[0]:.2f}" if memory[0] else "-"
    name = PAIRS[what][0].partition("/")[2]
    times, held = ("".join(f"{one:>11.{digits}f}" for one in pair) for pair, digits in ((seconds, 2), (memory, 0)))
    apart = difference(theirs[0].numbers, ours[0].numbers)
    faster = ratio([(one.spent, other.spent) for one, other in zip(theirs, ours, strict=True)])
    return f"{what:<18}{name:<16}{times}{held}{share:>9}  {apart:<32}  {faster}"


def difference(theirs: dict[str, float], ours: dict[str, float]) -> str:
    """The largest relative difference among the numbers that both have, and which one it is."""
    gaps = {name: abs(ours[name] - value) / max(abs(value), 1e-12) for name, value in theirs.items()}
    worst = max(gaps, key=lambda name: gaps[name])
    return f"{gaps[worst]:.1e} ({worst})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="share of the protocols' own sizes")
    parser.add_argument("--rounds", type=int, default=1, help="turns of each side, whose medians are printed")
    parser.add_argument("--without", nargs="*", default=[], choices=[*PAIRS, "many"], metavar="ROW", help=ROWS)
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    print(f"{options.rounds} rounds at scale {options.scale} on {cores} cores; ganbench {__version__}, torch "
          f"{torch.__version__}, Python {platform.python_version()}")  # fmt: skip
    print(f"{'':<18}{'against':<16}{'seconds':>11}{'ours':>11}{'MiB':>11}{'ours':>11}{'share':>9}  "
          f"{'apart':<32}  times as fast")  # fmt: skip
    for what in PAIRS:
        if what not in options.without:
            print(compare(what, options.scale, options.rounds), flush=True)
    if "many" not in options.without:
        print(f"\n{'a million points, 50,000 images of 28x28':<46}{'seconds':>11}{'MiB':>11}")
        for work in MANY:
            found = turn(work, options.scale)
            print(f"{work:<46}{found.wall:>11.2f}{found.memory:>11.0f}", flush=True)


if __name__ == "__main__":
    main()
