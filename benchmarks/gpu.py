"""Runs per hour on one GPU: alone, in packs, in several processes, and by a plain PyTorch loop on the same GPU.

    python benchmarks/gpu.py                        meant to take under eight minutes on one GPU
    python benchmarks/gpu.py --device cpu --small   the same program, much smaller, in about a minute

Two grids: Mao's ring (an MLP, batch 512) and a DCGAN on random images of 3x64x64 (batch 64). Every figure comes from
processes of its own that first warm up, then begin together, and train for some seconds; the sides take turns. Then
come: whether a pack equals its runs in float64, and whether a resumed run ends as one that never stopped.
On a GPU a ratio is printed only if the rounds agree, on the CPU only if wall time and CPU time do (`timing.py`).
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean

import plain
import torch
from plain import Where
from steps import RING
from timing import Spent, in_turns, ratio, timed, typical

from ganbench import __version__
from ganbench.datasets.base import Data, Space, Split
from ganbench.datasets.celeba import CelebA
from ganbench.networks.dcgan import DCGAN
from ganbench.optimizers.adam import Adam
from ganbench.rng import stream
from ganbench.spec import RunSpec
from ganbench.training.state import Place
from ganbench.training.trainer import train
from ganbench.variants.ns import NonSaturating

HOUR, LENGTH = 3600.0, 10_000  # seconds; steps of a run
GIB = 2**30
WARM = 10  # steps before the clock runs: graphs are recorded by then
DCGAN64 = RunSpec(
    variant=NonSaturating(), dataset=CelebA(), network=DCGAN(batchnorm="both", kernel=4), optimizer=Adam(lr=1e-3)
)
GRIDS = {"ring": RING, "dcgan-64": DCGAN64}


@dataclass(frozen=True)
class Contender:
    """How runs are trained: `pack` 0 is the plain loop, one run at a time; `processes` at once, each with a pack."""

    pack: int
    processes: int = 1

    @property
    def name(self) -> str:
        own = {0: "plain loop", 1: "alone"}.get(self.pack, f"pack of {self.pack}")
        return own if self.processes == 1 else f"{self.processes} processes, {own}"

    @property
    def runs(self) -> int:
        return max(1, self.pack) * self.processes


@dataclass(frozen=True)
class Measured:
    """One process: what its steps took, how many there were, its peak memory in bytes, how turns were executed."""

    wall: float
    cpu: float
    steps: int
    memory: int
    turns: str


@dataclass(frozen=True)
class Sizes:
    """How much is measured. `small` fits a minute on a CPU."""

    seconds: float  # of training in a process
    rounds: int
    packs: tuple[int, ...]
    processes: int
    small: bool

    def contenders(self) -> list[Contender]:
        several = [Contender(pack, self.processes) for pack in ((self.packs[0],) if self.small else (1, self.packs[0]))]
        return [Contender(0), *map(Contender, self.packs if self.small else (1, *self.packs)), *several]


FULL = Sizes(seconds=2.0, rounds=2, packs=(16, 64, 256), processes=4, small=False)
SMALL = Sizes(seconds=0.3, rounds=1, packs=(2,), processes=2, small=True)


# --- one process ---


def spec_of(grid: str, small: bool) -> RunSpec:
    """The run of a grid; a small DCGAN has a 16th of the channels and an 8th of the batch."""
    spec = GRIDS[grid]
    return replace(spec, network=replace(spec.network, width=4), batch=8) if small and grid != "ring" else spec


def data_of(grid: str) -> Data:
    """The ring, or random images: their content does not change the time of a step."""
    if grid == "ring":
        return RING.dataset.load(None)
    x = torch.randint(256, (2048, 3, 64, 64), generator=stream(0, "benchmark"), dtype=torch.uint8)
    return Data(Space((3, 64, 64)), Split(x), Split(x[:64]), Split(x[:64]))


def measure(grid: str, pack: int, device: str, sizes: Sizes) -> Measured:
    """Warm up, wait for a line on stdin, train until the seconds are over."""
    spec, data = spec_of(grid, sizes.small), data_of(grid)
    if pack == 0:
        return _plain(grid, spec, data, Where(device), sizes.seconds)
    return _ours([replace(spec, seed=seed) for seed in range(pack)], data, device, sizes.seconds)


def _plain(grid: str, spec: RunSpec, data: Data, where: Where, seconds: float) -> Measured:
    images = data.train.x.float() / 127.5 - 1

    def loop(steps: int) -> Spent:
        if grid == "ring":
            return plain.ring(steps, 0, where)
        pair = spec.network.generator(data.space), spec.network.discriminator(data.space)
        return plain.non_saturating(pair, images, (steps, spec.batch), where)

    loop(WARM)
    steps = max(1, round(seconds * WARM / loop(WARM).wall))
    _wait_for_the_others()
    spent = loop(steps)
    return Measured(spent.wall, spent.cpu, steps, _peak_memory(where.device), "eager")


def _ours(specs: list[RunSpec], data: Data, device: str, seconds: float) -> Measured:
    snapshots = train(specs, data, range(WARM, 10**9, WARM), Place.of(device))
    next(snapshots)
    _wait_for_the_others()
    began = time.perf_counter()

    def train_on() -> tuple[int, str | None]:
        while True:
            snapshot = next(snapshots)  # it waits for the device, to see whether all is finite
            if time.perf_counter() - began >= seconds:
                return snapshot.step - WARM, snapshot.eager

    (steps, eager), spent = timed(train_on)
    return Measured(spent.wall, spent.cpu, steps, _peak_memory(device), "eager" if eager else "graphs")


def _wait_for_the_others() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def _peak_memory(device: str) -> int:
    """Of the device's memory that torch reserved, or of this process."""
    if device == "cpu":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return torch.cuda.max_memory_reserved(device)


# --- processes that begin together ---


def together(grid: str, contender: Contender, device: str, small: bool) -> list[Measured] | str:
    """What each process of a contender measured; or the last line of what went wrong, such as too little memory."""
    options = ["--measure", grid, "--pack", str(contender.pack), "--device", device, *(["--small"] if small else [])]
    command = [sys.executable, str(Path(__file__)), *options]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(contender.processes)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    ends = [process.communicate("go\n" if process.poll() is None else None) for process in processes]
    failed = [err for process, (_, err) in zip(processes, ends, strict=True) if process.returncode]
    if failed:
        return (failed[0].strip().splitlines() or ["it failed"])[-1]
    return [Measured(**json.loads(out)) for out, _ in ends]


def spent_per_run(found: list[Measured], contender: Contender) -> Spent:
    """Seconds of a whole run, given the steps of each process and how long they took: they run side by side."""
    per_step = [Spent(one.wall, one.cpu) / one.steps for one in found]
    wall, cpu = (mean(getattr(spent, clock) for spent in per_step) for clock in ("wall", "cpu"))
    return Spent(wall * LENGTH, cpu * LENGTH) / contender.runs


def table(grid: str, device: str, sizes: Sizes) -> str:
    """A line for each contender: runs per hour, peak memory of all processes, the ratio to the plain loop."""
    contenders = sizes.contenders()
    sides = [lambda _, one=one: together(grid, one, device, sizes.small) for one in contenders]
    found = list(zip(*in_turns(sides, sizes.rounds), strict=True))
    lines = [f"{grid}, runs of {LENGTH} steps", f"{'':<28}{'an hour':>10}{'GiB':>8}  {'turns':<8}times the plain loop"]
    reference = [spent_per_run(one, contenders[0]) for one in found[0] if not isinstance(one, str)]
    for contender, rounds in zip(contenders, found, strict=True):
        good = [one for one in rounds if not isinstance(one, str)]
        if len(good) < len(rounds):
            lines.append(f"{contender.name:<28}{'-':>10}  {next(one for one in rounds if isinstance(one, str))}")
            continue
        spent = [spent_per_run(one, contender) for one in good]
        memory = max(sum(process.memory for process in one) for one in good) / GIB
        faster = ratio(list(zip(reference, spent, strict=True)), on_device=device != "cpu")
        line = f"{contender.name:<28}{HOUR / typical(spent).wall:>10.1f}{memory:>8.2f}  {good[0][0].turns:<8}"
        lines.append(line if contender.pack == 0 else f"{line}{faster}")
    return "\n".join(lines)


# --- numbers ---


def apart(grid: str, device: str) -> str:
    """The largest difference in float64 between G's weights in a pack of three and alone, after 20 steps."""
    spec, data, place = spec_of(grid, small=True), data_of(grid), replace(Place.of(device), dtype=torch.float64)
    specs = [replace(spec, seed=seed) for seed in range(3)]
    (together,) = train(specs, data, (20,), place)
    gaps = []
    for single, in_pack in zip(specs, together.runs, strict=True):
        (alone,) = train([single], data, (20,), place)
        pairs = zip(alone.runs[0].generator().values(), in_pack.generator().values(), strict=True)
        gaps += [float((a - b).abs().max()) for a, b in pairs]
    return f"{grid}: a pack of 3 and its runs alone differ by {max(gaps):.1e} at most in float64, after 20 steps"


def resumed(grid: str, device: str) -> str:
    """The largest difference between G's weights of a run resumed at step 10 and of one that never stopped, at 20."""
    spec, data, place = spec_of(grid, small=True), data_of(grid), Place.of(device)
    (straight,) = train([spec], data, (20,), place)
    half = next(train([spec], data, (10,), place)).runs[0].checkpoint()
    (after,) = train([spec], data, (20,), place, [half])
    pairs = zip(straight.runs[0].generator().values(), after.runs[0].generator().values(), strict=True)
    gap = max(float((a - b).abs().max()) for a, b in pairs)
    return f"{grid}: a resumed run and one that never stopped differ by {gap:.1e} at most, after 20 steps"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--small", action="store_true", help="small networks and packs, for a CPU")
    parser.add_argument("--grid", choices=GRIDS, nargs="*", default=list(GRIDS))
    parser.add_argument("--measure", choices=GRIDS, help=argparse.SUPPRESS)
    parser.add_argument("--pack", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    sizes = SMALL if options.small else FULL
    if options.device == "cpu":
        torch.set_num_threads(1)
    if options.measure:
        print(json.dumps(asdict(measure(options.measure, options.pack, options.device, sizes))))
        return
    began, device = time.perf_counter(), options.device
    name = platform.processor() or "CPU" if device == "cpu" else torch.cuda.get_device_name(device)
    print(f"{name}; ganbench {__version__}, torch {torch.__version__}, Python {platform.python_version()}")
    for grid in options.grid:
        print(f"\n{table(grid, device, sizes)}", flush=True)
    print()
    for grid in options.grid:
        print(apart(grid, device), resumed(grid, device), sep="\n", flush=True)
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
