"""How long a step takes: alone, in packs, and in a plain loop; one process, one thread, CPU time of that thread.

    python benchmarks/steps.py --steps 300 --turns 7

All take turns, so that a busy machine slows all. CPU time of the thread leaves out what other jobs take, but not what
they take from its caches.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
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

Loop = Callable[[int, int], float]  # (steps, seed) -> seconds

MAO = RunSpec(
    variant=LSGAN(), dataset=Ring8(layout="mao9"), network=MLP(), optimizer=Adam(g_lr=1e-3, d_lr=1e-4), batch=512,
    schedule=Schedule(order="simultaneous", reuse_z=True),
)  # fmt: skip
RING = RunSpec(
    variant=NonSaturating(), dataset=Ring8(std=0.05), optimizer=Adam(lr=1e-3),
    network=MLP(z=16, g_widths=(64, 64), d_widths=(64, 64), g_activation="relu", d_activation="relu", init="he"),
)  # fmt: skip
DIGITS = RunSpec(variant=NonSaturating(), dataset=Digits(), network=DCGAN(width=16, kernel=4), optimizer=Adam(lr=1e-3))
NARROW = replace(DIGITS, network=DCGAN(width=8, kernel=4))
NORMED = replace(DIGITS, network=DCGAN(width=16, kernel=4, batchnorm="discriminator"))


@dataclass(frozen=True)
class Row:
    """A protocol, the widths of its packs, and its plain loop if it has one."""

    name: str
    spec: RunSpec
    widths: tuple[int, ...]
    loop: Loop | None = None


def rows() -> list[Row]:
    """All that is measured."""
    images, clock = to_range(Digits().load(None).train.x, -1.0, 1.0), time.thread_time
    digits = partial(plain.digits, images, clock=clock)
    return [
        Row("ring8, Mao", MAO, (1, 10), partial(plain.ring, clock=clock)),
        Row("ring8, batch 64", RING, (1, 5, 10, 20, 40), partial(plain.small_ring, clock=clock)),
        Row("digits, width 16", DIGITS, (1, 5, 10, 20), digits),
        Row("with batch norm in D", NORMED, (1, 10)),
        Row("digits, width 8", NARROW, (1, 5, 10, 20)),
    ]


def steps_of(spec: RunSpec, width: int, steps: int) -> Loop:
    """Training of a pack that goes on with every call: seconds of `steps` steps."""
    pack = [replace(spec, seed=seed) for seed in range(width)]
    snapshots = train(pack, spec.dataset.load(None), range(steps, 10_000 * steps, steps))
    next(snapshots)

    def go_on(_steps: int, _seed: int) -> float:
        began = time.thread_time()
        next(snapshots)
        return time.thread_time() - began

    return go_on


def measure(row: Row, steps: int, turns: int) -> None:
    """Print the medians of ms a run and step, and of the ratios to ours alone and to the plain loop, with ranges."""
    lengths = {width: max(10, steps // width) for width in row.widths}
    packs = {width: steps_of(row.spec, width, length) for width, length in lengths.items()}
    seconds: dict[int, list[float]] = {width: [] for width in (0, *row.widths)}  # 0 is the plain loop
    for turn in range(turns):
        if row.loop is not None:
            seconds[0].append(row.loop(steps, turn) / steps)
        for width, go_on in packs.items():
            seconds[width].append(go_on(lengths[width], turn) / lengths[width] / width)
    for width, each in seconds.items():
        if each:
            what = f"pack of {width}" if width else "plain loop"
            ratios = "".join(f"{_ratio(seconds[other], each):>22}" for other in (1, 0))
            print(f"{row.name:<22}{what:<12}{median(each) * 1000:>8.3f}{ratios}", flush=True)


def _ratio(others: list[float], ours: list[float]) -> str:
    if not others:
        return "-"
    ratios = sorted(other / own for other, own in zip(others, ours, strict=True))
    return f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300, help="of a turn, shared by the runs of a pack")
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"one thread, medians of {options.turns} turns of {options.steps} steps; torch {torch.__version__}")
    print(f"{'':<34}{'ms':>8}{'against a pack of one':>22}{'against plain loop':>22}")
    for row in rows():
        measure(row, options.steps, options.turns)


if __name__ == "__main__":
    main()
