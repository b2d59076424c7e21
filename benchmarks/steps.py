"""How long one step takes, ours and a plain loop's side by side: one process, one thread, CPU time of that thread.

    python benchmarks/steps.py --steps 300 --turns 7

The two take turns, so that a busy machine slows both. CPU time of the thread leaves out what other jobs take.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import plain
import torch

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

MOMENTS = 10  # in a turn: terms are summed up and parameters looked at 100 times in a run of ten turns

RING = RunSpec(
    variant=LSGAN(), dataset=Ring8(layout="mao9"), network=MLP(), optimizer=Adam(g_lr=1e-3, d_lr=1e-4), batch=512,
    schedule=Schedule(order="simultaneous", reuse_z=True),
)  # fmt: skip
DIGITS = RunSpec(variant=NonSaturating(), dataset=Digits(), network=DCGAN(width=16, kernel=4), optimizer=Adam(lr=1e-3))


def ours(spec: RunSpec, steps: int) -> float:
    """Seconds of `steps` steps of training."""
    data = spec.dataset.load(None)
    every = max(1, steps // MOMENTS)
    snapshots = train([spec], data, range(every, 2 * steps + 1, every))
    next(snapshots)
    began = time.thread_time()
    for snapshot in snapshots:
        if snapshot.step >= steps + every:
            break
    return time.thread_time() - began


def compare(name: str, steps: int, turns: int, loop: Callable[[int, int], float], spec: RunSpec) -> None:
    """Print the medians of both and of their ratio."""
    loop(10, 0)
    pairs = [(loop(steps, turn), ours(spec, steps)) for turn in range(turns)]
    theirs, mine = (median(seconds) / steps * 1000 for seconds in zip(*pairs, strict=True))
    ratios = sorted(second / first for first, second in pairs)
    print(f"{name:<8}{theirs:>12.2f}{mine:>12.2f}{median(ratios):>9.2f}  ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300, help="of a turn")
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = Digits().load(None)
    images = to_range(data.train.x, -1.0, 1.0)
    print(f"ms a step, one thread, median of {options.turns} turns of {options.steps} steps; torch {torch.__version__}")
    print(f"{'':<8}{'plain loop':>12}{'ganbench':>12}{'ratio':>9}")
    clock = time.thread_time
    compare("ring8", options.steps, options.turns, partial(plain.ring, clock=clock), RING)
    compare("digits", options.steps, options.turns, partial(plain.digits, images, clock=clock), DIGITS)


if __name__ == "__main__":
    main()
