"""What an executor costs beside the runs: Ray over two nodes against `local`, and the memory of the command.

    python benchmarks/cluster.py --runs 200                                      # of about two seconds each
    python benchmarks/cluster.py --runs 1000 --steps 2 --executors local inline  # memory of the command over many runs

The nodes of Ray are started on loopback addresses of this machine, with a CPU for each of their workers. The sides take
turns, and each trains the same runs with as many workers. On a machine that does other work, runs take longer on both
sides; so the wall time is also given as a multiple of what it would be if the workers did nothing but runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

from timing import in_turns, timed

HEAD, NODES = "127.0.0.2:26380", ("127.0.0.3", "127.0.0.4")
SUITE = """\
name: many
about: Runs of one cell.
grid: {{variant: ns, dataset: ring8, seed: {runs}}}
train: {{network: {{kind: mlp, z: 8, g_widths: [64, 64], d_widths: [64, 64]}}, steps: {steps}, batch: 64}}
evaluate: {{every: {steps}, samples: 200, with: [modes]}}
"""
LOOK = 0.5  # seconds between two looks at the memory of the command


@dataclass(frozen=True)
class Taken:
    """Seconds of a command and of its runs, and its resident memory in MB after half of the time and at the end."""

    wall: float
    runs: float
    half: float
    end: float

    def multiple(self, workers: int) -> float:
        """The wall time by that of workers which do nothing but runs."""
        return self.wall * workers / self.runs


@contextmanager
def ray_cluster(cpus: int) -> Iterator[None]:
    """A head without CPUs and two nodes."""
    folder, ray = tempfile.mkdtemp(prefix="ray-"), str(Path(sys.executable).with_name("ray"))
    small = ("--object-store-memory=80000000", "--disable-usage-stats")
    address, _, port = HEAD.partition(":")
    head = ("--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false", f"--temp-dir={folder}")
    try:
        for node, words in [(address, head), *((node, (f"--address={HEAD}", f"--num-cpus={cpus}")) for node in NODES)]:
            line = (ray, "start", f"--node-ip-address={node}", *words, *small)
            subprocess.run(line, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"})
        yield
    finally:
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            if line.parent.exists() and folder in line.read_text(errors="replace"):
                os.kill(int(line.parent.name), 9)
        shutil.rmtree(folder, ignore_errors=True)


def command(executor: str, options: argparse.Namespace) -> Taken:
    """Train the runs of the suite with an executor."""
    engine = ["--executor", executor, "--workers", str(options.workers)]
    engine += ["--on", f"address={HEAD}"] if executor == "ray" else ["--devices", "cpu"]
    with tempfile.TemporaryDirectory(prefix="ganbench-cluster-") as folder:
        Path(folder, "many.yaml").write_text(SUITE.format(runs=options.runs, steps=options.steps))
        line = [sys.executable, "-m", "ganbench", "run", "many.yaml", *engine, "--tracking-uri", "none", "--pack", "1"]
        (held, code), spent = timed(lambda: watched(line, folder))
        assert code == 0, Path(folder, "log").read_text()
        states = [json.loads(path.read_text()) for path in Path(folder).glob("results/runs/*/state.json")]
    assert len(states) == options.runs
    return Taken(spent.wall, sum(state["seconds"] for state in states), held[len(held) // 2], held[-1])


def watched(line: Sequence[str], folder: str) -> tuple[list[float], int]:
    """The resident memory of a command in MB, from look to look, and its exit code."""
    megabytes, held = os.sysconf("SC_PAGE_SIZE") / 1e6, list[float]()
    with Path(folder, "log").open("wb") as log, subprocess.Popen(line, cwd=folder, stderr=log, stdout=log) as process:
        while process.poll() is None:
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
            held += [pages * megabytes] if pages else []  # a process that has just ended has none
            time.sleep(LOOK)
    return held, process.returncode


def table(executors: Sequence[str], rounds: Sequence[Sequence[Taken]], workers: int) -> str:
    """A row for each executor, with the ratios of each to the first."""
    names = ("wall s", "ratio", "runs s", "multiple", "ratio", "MB half", "at end")
    lines = [f"{'executor':<10}" + "".join(f"{name:>10}" for name in names)]
    for place, executor in enumerate(executors):
        own, first = [taken[place] for taken in rounds], [taken[0] for taken in rounds]
        wall, runs, half, end = (median(getattr(taken, f.name) for taken in own) for f in fields(Taken))
        multiples = [taken.multiple(workers) for taken in own]
        ratios = [
            median(taken.wall / other.wall for taken, other in zip(own, first, strict=True)),
            median(m / other.multiple(workers) for m, other in zip(multiples, first, strict=True)),
        ]
        row = (wall, ratios[0], runs, median(multiples), ratios[1], half, end)
        lines.append(f"{executor:<10}" + "".join(f"{figure:>10.{2 if figure < 10 else 0}f}" for figure in row))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--steps", type=int, default=1500, help="of a run; 1500 take about two seconds on a free core")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--executors", nargs="+", default=["local", "ray"], choices=["local", "ray", "inline"])
    options = parser.parse_args()
    sides = [lambda _, name=name: command(name, options) for name in options.executors]
    if "ray" in options.executors:
        with ray_cluster(max(1, options.workers // len(NODES))):
            rounds = in_turns(sides, options.rounds)
    else:
        rounds = in_turns(sides, options.rounds)
    print(f"{options.runs} runs of {options.steps} steps, {options.workers} workers, n = {options.rounds}, "
          f"{len(os.sched_getaffinity(0))} cores")  # fmt: skip
    print(table(options.executors, rounds, options.workers))


if __name__ == "__main__":
    main()
