"""How long one step takes, ours and a plain loop's side by side: one process, one thread, CPU time of that thread.

    python benchmarks/steps.py --steps 300 --turns 7

The two take turns, so that a busy machine slows both. A ratio is printed only where wall time and CPU time agree about
it (`timing.py`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import plain
import torch
from plain import THREAD
from timing import Spent, in_turns, ratio, timed, typical

from ganbench.datasets.base import to_range
from ganbench.datasets.digits import Digits
from ganbench.datasets.ring8 import Ring8
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.mlp import MLP
from ganbench.optimizers.adam import Adam
from ganbench.spec import RunSpec, Schedule
from ganbench.training.trainer import train
from ganbench.variants.lsgan import LSGAN
from ganbench.variants.ns import NonSaturating

Loop = Callable[[int, int, plain.Where], Spent]  # (steps, seed, where)

MOMENTS = 10  # in a turn: terms are summed up and parameters looked at 100 times in a run of ten turns

RING = RunSpec(
    variant=LSGAN(), dataset=Ring8(layout="mao9"), network=MLP(), optimizer=Adam(g_lr=1e-3, d_lr=1e-4), batch=512,
    schedule=Schedule(order="simultaneous", reuse_z=True),
)  # fmt: skip
DIGITS = RunSpec(variant=NonSaturating(), dataset=Digits(), network=DCGAN(width=16, kernel=4), optimizer=Adam(lr=1e-3))


def ours(spec: RunSpec, steps: int) -> Spent:
    """What `steps` steps of training take."""
    data = spec.dataset.load(None)
    every = max(1, steps // MOMENTS)
    snapshots = train([spec], data, range(every, 2 * steps + 1, every))
    next(snapshots)

    def train_on() -> None:
        for snapshot in snapshots:
            if snapshot.step >= steps + every:
                break

    return timed(train_on, time.thread_time)[1]


def compare(name: str, steps: int, turns: int, loop: Loop, spec: RunSpec) -> None:
    """Print the medians of both, and how many times as fast ours is."""
    loop(10, 0, THREAD)
    rounds = in_turns([lambda turn: loop(steps, turn, THREAD), lambda _: ours(spec, steps)], turns)
    theirs, mine = (typical(side).cpu / steps * 1000 for side in zip(*rounds, strict=True))
    print(f"{name:<8}{theirs:>12.2f}{mine:>12.2f}  {ratio([(first, second) for first, second in rounds])}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300, help="of a turn")
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = Digits().load(None)
    images = to_range(data.train.x, -1.0, 1.0)
    print(f"ms a step, one thread, median of {options.turns} turns of {options.steps} steps; torch {torch.__version__}")
    print(f"{'':<8}{'plain loop':>12}{'ganbench':>12}  times as fast")
    compare("ring8", options.steps, options.turns, plain.ring, RING)
    compare("digits", options.steps, options.turns, partial(plain.digits, images), DIGITS)


if __name__ == "__main__":
    main()
