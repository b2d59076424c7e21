"""What packs gain: CPU time of one run's step in packs of several widths, one process, one thread.

    python benchmarks/packs.py --turns 2

The widths take turns, and the least time of each counts. CPU time of the thread leaves out what other jobs take. The
rule of `--pack auto` (`ganbench/runner/packing.py`) comes from these figures.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace

import torch

from ganbench.datasets.base import Data, Space, Split
from ganbench.datasets.digits import Digits
from ganbench.datasets.ring8 import Ring8
from ganbench.networks.base import Network
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.mlp import MLP
from ganbench.optimizers.adam import Adam
from ganbench.spec import RunSpec
from ganbench.training.graphs import WARM_UP
from ganbench.training.state import Place
from ganbench.training.trainer import train
from ganbench.variants.ns import NonSaturating

WIDTHS = (1, 2, 5, 10, 20)
RECORDED = WARM_UP + 1  # steps after which every turn is recorded


@dataclass(frozen=True)
class Case:
    """A cell whose runs are packed, and the number of steps that are timed for each width."""

    name: str
    network: Network
    shape: tuple[int, ...]
    steps: int
    batch: int = 64

    def data(self) -> Data:
        """Points of the ring, or random images: the time of a step does not depend on their content."""
        if len(self.shape) == 1:
            return Ring8().load(None)
        images = Split(torch.randint(256, (512, *self.shape), dtype=torch.uint8))
        return Data(Space(self.shape), images, images, images)


CASES = (
    Case("points, MLP 64-64", MLP(z=16, g_widths=(64, 64), d_widths=(64, 64)), (2,), 60),
    Case("points, MLP 128-128", MLP(), (2,), 40),
    Case("points, MLP 128-128, batch 512", MLP(), (2,), 15, batch=512),
    Case("points, MLP 400x4, batch 100", MLP(z=2, g_widths=(400,) * 4, d_widths=(200,) * 3), (2,), 10, batch=100),
    Case("8x8, MLP 256-256", MLP(z=32, g_widths=(256, 256), d_widths=(256, 256)), (1, 8, 8), 20),
    Case("8x8, DCGAN width 8", DCGAN(width=8, kernel=4), (1, 8, 8), 15),
    Case("8x8, DCGAN width 16", DCGAN(width=16, kernel=4), (1, 8, 8), 15),
    Case("8x8, DCGAN width 32", DCGAN(width=32, kernel=4), (1, 8, 8), 10),
    Case("28x28, MLP 512-256", MLP(z=100, g_widths=(256, 512), d_widths=(512, 256)), (1, 28, 28), 10),
    Case("28x28, DCGAN width 16", DCGAN(width=16, kernel=4), (1, 28, 28), 4),
    Case("28x28, DCGAN width 32", DCGAN(width=32, kernel=4), (1, 28, 28), 2),
)


def milliseconds(case: Case, data: Data, width: int) -> float:
    """CPU time of one run's step in a pack of so many."""
    spec = RunSpec(variant=NonSaturating(), dataset=Digits(), network=case.network, optimizer=Adam(), batch=case.batch)
    pack = [replace(spec, seed=seed) for seed in range(width)]
    snapshots = train(pack, data, (RECORDED, RECORDED + case.steps), Place.of("cpu"))
    next(snapshots)
    began = time.thread_time()
    next(snapshots)
    return (time.thread_time() - began) / case.steps / width * 1000


def compare(case: Case, turns: int) -> str:
    """One line: the time of a run alone, and how many times faster each width is."""
    data = case.data()
    times = [[milliseconds(case, data, width) for width in WIDTHS] for _ in range(turns)]
    alone, *packed = map(min, zip(*times, strict=True))
    return f"{case.name:<32}{alone:>9.2f}" + "".join(f"{alone / each:>8.2f}" for each in packed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"CPU time, one thread, least of {options.turns} turns; torch {torch.__version__}")
    print(f"{'':<32}{'ms alone':>9}" + "".join(f"{width:>8}" for width in WIDTHS[1:]))
    for case in CASES:
        print(compare(case, options.turns), flush=True)


if __name__ == "__main__":
    main()
