"""What a run costs beside its training steps and its evaluation: the harness's own share.

    python benchmarks/overhead.py --seeds 2              # suites/stability.yaml, two of its cells, two seeds of each
    python benchmarks/overhead.py --seeds 1 --steps 500

Runs `ganbench run` in this process (the inline executor: the worker's own code) with clocks around its parts. CPU time
of the thread is what counts: on a machine whose cores all train, it is what the parts take from training, and other
jobs don't disturb it. Wall time, with the waiting for the disk, is given beside it; the mirror waits in its own thread.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from ganbench.cli import cli
from ganbench.results import pictures, tensors
from ganbench.results.store import RunFolder
from ganbench.runner import recorder, worker
from ganbench.runner.worker import Worker
from ganbench.tracking.connection import Connection

SUITE = Path(__file__).parent.parent / "suites" / "stability.yaml"
CELLS = ("--only", "variant=lsgan", "--only", "batchnorm=none", "--only", "optimizer=adam")
TRAINING, EVALUATION, MIRROR, ONCE, REST = "training steps", "evaluation", "MLflow mirror", "MLflow start", "other"
PARTS = {  # what is clocked, with the name it gets
    TRAINING: [(worker, "train")],
    EVALUATION: [(recorder, "sample"), (recorder, "score_all")],
    "data": [(Worker, "reference")],
    "checkpoints": [(tensors, "save")],
    "pictures": [(pictures, "png")],
    "rows and state": [(RunFolder, "append"), (RunFolder, "write_state")],
    REST: [(Worker, "fill")],
    MIRROR: [(Connection, "mirror_run")],
    ONCE: [(Connection, "__init__")],
}


@dataclass
class Clocks:
    """CPU and wall seconds of parts, by data set; what is inside another part counts for the inner one alone."""

    spent: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(lambda: [0.0, 0.0]))
    dataset: str = ""
    _open: dict[str, list[list[float]]] = field(default_factory=lambda: defaultdict(list))  # by thread kind

    @contextmanager
    def part(self, name: str, dataset: str = "") -> Iterator[None]:
        stack = self._open["mirror" if name in (MIRROR, ONCE) else "worker"]
        began, inner = (time.thread_time(), time.monotonic()), [0.0, 0.0]
        stack.append(inner)
        try:
            yield
        finally:
            stack.pop()
            took = (time.thread_time() - began[0], time.monotonic() - began[1])
            total = self.spent[dataset or self.dataset, name]
            for i in range(2):
                total[i] += took[i] - inner[i]
                if stack:
                    stack[-1][i] += took[i]

    def clocked(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function` with its time, or that of each step of the generator it makes, added to a part."""

        def call(*args: Any, **options: Any) -> Any:
            if name == REST:  # a job: which data set is it about?
                self.dataset = args[1].specs[0].dataset.kind()
            about = args[1].run_id.split("-")[1] if name == MIRROR else ""
            with self.part(name, about):
                made = function(*args, **options)
            return self._steps(name, made) if name == TRAINING else made

        return call

    def _steps(self, name: str, moments: Iterator[Any]) -> Iterator[Any]:
        while True:
            with self.part(name):
                moment = next(moments, None)
            if moment is None:
                return
            yield moment


def run(clocks: Clocks, results: Path, *options: str) -> None:
    """`ganbench run` with clocks around its parts."""
    command = ["run", str(SUITE), "--results", str(results), "--executor", "inline", *CELLS, *options]
    with ExitStack() as patches:
        for name, places in PARTS.items():
            for owner, attribute in places:
                clocked = clocks.clocked(name, getattr(owner, attribute))
                patches.enter_context(patch.object(owner, attribute, clocked))
        cli.main(command, standalone_mode=False)


def table(clocks: Clocks, runs: int) -> str:
    """Seconds a run of each part, CPU and wall, and the share of all but training and evaluation."""
    datasets = sorted({dataset for dataset, name in clocks.spent if name == TRAINING}, reverse=True)
    lines = [f"{'seconds a run':<18}" + "".join(f"{dataset + ' CPU':>14}{'wall':>9}" for dataset in datasets)]
    rows = {part: [clocks.spent[dataset, part] for dataset in datasets] for part in PARTS if part != ONCE}
    for part, cells in rows.items():
        lines.append(f"{part:<18}" + "".join(f"{cpu / runs:>14.3f}{wall / runs:>9.3f}" for cpu, wall in cells))
    shares = []
    for column in range(len(datasets)):
        cpu, wall = ({part: cells[column][i] for part, cells in rows.items()} for i in range(2))
        shares += [_overhead(cpu), _overhead({part: wall[part] for part in rows if part != MIRROR})]
    pairs = zip(shares[::2], shares[1::2], strict=True)
    return "\n".join([*lines, f"{'overhead':<18}" + "".join(f"{cpu:>14.1%}{wall:>9.1%}" for cpu, wall in pairs)])


def _overhead(parts: dict[str, float]) -> float:
    return 1 - (parts[TRAINING] + parts[EVALUATION]) / sum(parts.values())


def start() -> float:
    """Seconds until a worker process could begin its first step: imports, and what torch imports at its first use."""
    began = time.monotonic()
    code = "import ganbench.runner.worker_process, torch; torch.optim.Adam([torch.ones(1)])"
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2, help="runs on each data set")
    parser.add_argument("--steps", type=int, help="of a run; the suite's own by default")
    options = parser.parse_args()
    steps = ("--set", f"train.steps={options.steps}") if options.steps else ()
    warm, clocks = Clocks(), Clocks()
    with tempfile.TemporaryDirectory(prefix="ganbench-overhead-") as folder:
        run(warm, Path(folder), "--set", "train.steps=10", "--set", "grid.seed=[15]")  # done once a process
        run(clocks, Path(folder), *steps, "--set", f"grid.seed={list(range(15, 15 + options.seeds))}")
    print(f"{options.seeds} runs of lsgan on each data set of {SUITE.name}; {len(os.sched_getaffinity(0))} cores, "
          f"torch {torch.__version__}")  # fmt: skip
    print(table(clocks, options.seeds))
    once = sum(cpu for (_, part), (cpu, _) in warm.spent.items() if part == ONCE)
    print(f"once: {start():.1f} s until a worker can begin, {once:.1f} s CPU of the parent until MLflow is there")


if __name__ == "__main__":
    main()
