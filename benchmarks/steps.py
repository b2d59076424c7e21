"""How long a step takes: alone, in packs, and in a plain loop; one process, one thread, CPU time of that thread.

    python benchmarks/steps.py --steps 300 --turns 7

All take turns, so that a busy machine slows all. A ratio is printed only where wall time and CPU time of the thread
agree about it (`timing.py`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import plain
import torch
from timing import Spent, in_turns, ratio, timed, typical

from ganbench.datasets.base import to_range
from ganbench.datasets.digits import Digits
from ganbench.datasets.ring8 import Ring8
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.mlp import MLP
from ganbench.optimizers.adam import Adam
from ganbench.spec import RunSpec, Schedule
from ganbench.training.state import Place
from ganbench.training.trainer import train
from ganbench.variants.lsgan import LSGAN
from ganbench.variants.ns import NonSaturating

Loop = Callable[[int, int], Spent]  # (steps, seed)

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
    images = to_range(Digits().load(None).train.x, -1.0, 1.0)
    digits = partial(plain.digits, images, where=plain.THREAD)
    return [
        Row("ring8, Mao", MAO, (1, 10), partial(plain.ring, where=plain.THREAD)),
        Row("ring8, batch 64", RING, (1, 5, 10, 20, 40), partial(plain.small_ring, where=plain.THREAD)),
        Row("digits, width 16", DIGITS, (1, 5, 10, 20), digits),
        Row("with batch norm in D", NORMED, (1, 10)),
        Row("digits, width 8", NARROW, (1, 5, 10, 20)),
    ]


def steps_of(spec: RunSpec, width: int, steps: int) -> Loop:
    """Training of a pack that goes on with every call: what `steps` steps take."""
    pack = [replace(spec, seed=seed) for seed in range(width)]
    snapshots = train(pack, spec.dataset.load(None), range(steps, 10_000 * steps, steps), Place.of("cpu"))
    next(snapshots)

    def go_on(_steps: int, _seed: int) -> Spent:
        return timed(lambda: next(snapshots), time.thread_time)[1]

    return go_on


def measure(row: Row, steps: int, turns: int) -> None:
    """Print the medians of ms a run and step, and how many times as fast it is as ours alone and the plain loop."""
    lengths = {width: max(10, steps // width) for width in row.widths}
    packs = {width: steps_of(row.spec, width, length) for width, length in lengths.items()}
    loops = {0: (row.loop, steps)} if row.loop else {}  # 0 is the plain loop
    sides = loops | {width: (packs[width], lengths[width]) for width in row.widths}
    spent = in_turns(
        [partial(_one_step, loop, length, max(1, width)) for width, (loop, length) in sides.items()], turns
    )
    by_width = dict(zip(sides, zip(*spent, strict=True), strict=True))
    for width, each in by_width.items():
        what = f"pack of {width}" if width else "plain loop"
        ratios = "".join(f"  {_ratio(by_width.get(other), each):<36}" for other in (1, 0))
        print(f"{row.name:<22}{what:<12}{typical(each).cpu * 1000:>8.3f}{ratios}".rstrip(), flush=True)


def _one_step(loop: Loop, steps: int, runs: int, turn: int) -> Spent:
    """What a step of a run takes."""
    return loop(steps, turn) / (steps * runs)


def _ratio(others: Sequence[Spent] | None, ours: Sequence[Spent]) -> str:
    return "-" if others is None else str(ratio(list(zip(others, ours, strict=True))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300, help="of a turn, shared by the runs of a pack")
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"one thread, medians of {options.turns} turns of {options.steps} steps; torch {torch.__version__}")
    print(f"{'':<34}{'ms':>8}  {'against a pack of one':<36}  against the plain loop")
    for row in rows():
        measure(row, options.steps, options.turns)


if __name__ == "__main__":
    main()
