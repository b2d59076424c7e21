"""What the diagnostics of stability cost: the table of docs/reference/metrics.md.

    OMP_NUM_THREADS=1 python benchmarks/diagnostics.py               each cell in a pack, as suites/why.yaml runs it
    OMP_NUM_THREADS=1 python benchmarks/diagnostics.py --seeds 1     runs trained alone

`ganbench run` trains the cells with Adam of that suite in this process up to the third mark, with clocks around its
scores. Between the first and the third mark, when all is loaded and recorded, a diagnostic's share is its CPU time
divided by that of the steps and the other scores.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from ganbench.cli import cli
from ganbench.evaluators.effective_rank import EffectiveRank
from ganbench.evaluators.parts.networks import NetworkEvaluator
from ganbench.runner.recorder import Recorder

SUITE = Path(__file__).parent.parent / "suites" / "why.yaml"
EVERY = {"digits": 100, "ring8": 300}  # steps between marks, as in the suite
MARKS = 3
LIMIT = 0.05  # of a run's time
STEPS = {name: MARKS * every for name, every in EVERY.items()}


@dataclass
class Clock:
    """CPU seconds of the process at the end of each cell's marks, and those that scores have taken until then."""

    spent: Counter[str] = field(default_factory=Counter)  # by kind of diagnostic, and by all `scores`
    ends: dict[str, dict[int, tuple[float, Counter[str]]]] = field(default_factory=dict)  # by cell and step

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.spent[name] += time.process_time() - began

    def around_evaluator(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def clocked(evaluator: Any, *given: Any) -> Any:
            with self.timed(evaluator.kind()):
                return call(evaluator, *given)

        return clocked

    def around_mark(self, score: Callable[..., Any]) -> Callable[..., Any]:
        def clocked(recorder: Recorder, step: int, *given: Any) -> None:
            with self.timed("scores"):
                score(recorder, step, *given)
            spec = recorder.spec
            cell = f"{spec.dataset.kind()} {spec.variant.kind()} {spec.network.batchnorm}"
            self.ends.setdefault(cell, {})[step] = time.process_time(), Counter(self.spent)

        return clocked


@dataclass(frozen=True)
class Cost:
    """CPU seconds of a cell between its first and its last mark."""

    steps: int
    training: float
    others: float  # scores besides the diagnostics
    diagnostics: dict[str, float]

    def share(self, seconds: float) -> float:
        return seconds / (self.training + self.others)

    def least_every(self, seconds: float) -> int:
        """The steps between marks from which on a diagnostic of that cost keeps the limit."""
        return max(1, math.ceil((seconds / LIMIT - self.others) / self.training * self.steps / (MARKS - 1)))


def cost(ends: dict[int, tuple[float, Counter[str]]]) -> Cost:
    (first, (began, before)), *_, (last, (ended, after)) = sorted(ends.items())
    spent = after - before
    scores = spent.pop("scores")
    return Cost(last - first, ended - began - scores, scores - sum(spent.values()), dict(spent))


def run(clock: Clock, results: str, *options: str) -> None:
    """`ganbench run` with the clock around scores."""
    command = ["run", str(SUITE), "--results", results, "--executor", "inline", "--tracking-uri", "none"]
    chosen = ["--only", "optimizer=adam", "--set", f"train.steps={STEPS}"]
    with ExitStack() as patches:
        for owner in (EffectiveRank, NetworkEvaluator):
            clocked = clock.around_evaluator(owner.__call__)
            patches.enter_context(patch.object(owner, "__call__", clocked))
        patches.enter_context(patch.object(Recorder, "score", clock.around_mark(Recorder.score)))
        cli.main([*command, *chosen, *options], standalone_mode=False)


def table(costs: dict[str, Cost]) -> str:
    """Each cell's shares, and the steps between marks from which on they are below the limit."""
    lines = [f"{'':<28}{'share':>8}{f'{LIMIT:.0%} from':>10} steps between marks"]
    for cell, found in costs.items():
        lines.append(cell)
        for name, seconds in {**found.diagnostics, "all": sum(found.diagnostics.values())}.items():
            lines.append(f"    {name:<24}{found.share(seconds):>8.1%}{found.least_every(seconds):>10}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, help="of each cell, which train as a pack; the suite's own by default")
    options = parser.parse_args()
    clock = Clock()
    with tempfile.TemporaryDirectory(prefix="ganbench-diagnostics-") as folder:
        run(clock, folder, *(("--seeds", str(options.seeds)) if options.seeds else ()))
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(table({cell: cost(ends) for cell, ends in clock.ends.items()}))


if __name__ == "__main__":
    main()
