"""What `ganbench report` takes over a suite of many runs, which are made up and written as workers would.

python benchmarks/report.py --runs 10000
python benchmarks/report.py --runs 1000 --format json
"""

from __future__ import annotations

import argparse
import itertools
import random
import tempfile
from pathlib import Path
from typing import Any

from command import call
from timing import timed

from ganbench.report import FORMATS
from ganbench.results.files import write_json
from ganbench.results.manifest import Manifest, MetricInfo, write_manifest
from ganbench.results.questions import Claim, Compare, Condition, Contrast, OutcomeRule, Part, Questions
from ganbench.results.store import State, Store
from ganbench.results.table import read_results
from ganbench.stats.outcomes import Thresholds

SEEDS = 10
DATASETS = ("digits", "glyphs", "mnist", "fashion_mnist")
BATCHNORMS = ("none", "generator", "discriminator", "both")
OPTIMIZERS = ("adam", "rmsprop", "rmsprop_tf")
MARKS = tuple(range(1000, 10_001, 1000))
METRICS = {"fd_classifier": ("lower", "fid"), "is_classifier": ("higher", "inception_score")}
FINGERPRINT = {
    "extractor": "classifier conv-1",
    "weights": "0" * 64,
    "dtype": "float64",
    "split": "test",
    "real": "300",
}
ENVIRONMENT = {"python": "3", "packages": {"torch": "2"}, "device": "cpu", "threads": 1, "pack": 1}
SETTINGS = len(DATASETS) * len(BATCHNORMS) * len(OPTIMIZERS) * SEEDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000, help="rounded to whole grids")
    parser.add_argument("--format", choices=FORMATS, default="markdown")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder)).open()
        runs = made_up(store, max(2, round(options.runs / SETTINGS)))
        _, reading = timed(lambda: read_results(store, "many"))
        line = ("-m", "ganbench", "report", "many", "--results", folder, "--format", options.format)
        text, whole = call(*line)
    print(f"{runs} runs, {options.format}: {whole.wall:.1f} s ({whole.cpu:.1f} s on the CPU) for the command; reading "
          f"takes {reading.wall:.1f} s ({reading.cpu:.1f} s)")  # fmt: skip
    print(f"{len(text.encode()) / 1e6:.2f} MB")


def made_up(store: Store, variants: int) -> int:
    """Write a suite of so many variants on every setting; the number of its runs."""
    rng = random.Random(0)
    cells = itertools.product([f"v{n}" for n in range(variants)], DATASETS, BATCHNORMS, OPTIMIZERS, range(SEEDS))
    runs = {}
    for variant, dataset, batchnorm, optimizer, seed in cells:
        own = {"variant": variant, "dataset": dataset, "network": "dcgan", "batchnorm": batchnorm}
        run_id = f"{variant}-{dataset}-{batchnorm}-{optimizer}-s{seed}-0123456789"
        runs[run_id] = own | {"optimizer": optimizer, "schedule": "d_first", "batch": 64, "steps": 10_000, "seed": seed}
        write(store, run_id, rng)
    write_manifest(store, manifest(runs, variants))
    return len(runs)


def write(store: Store, run_id: str, rng: random.Random) -> None:
    folder = store.run(run_id)
    folder.path.mkdir(parents=True)
    level = rng.uniform(5, 60)
    rows = [
        {"step": step, "time": 0.0, "metric": metric, "value": level + rng.random(), "stderr": None, "n": 1000}
        | {"n_reference": 1000, "evaluator": evaluator, "fingerprint": FINGERPRINT}
        for step in MARKS
        for metric, (_, evaluator) in METRICS.items()
    ]
    terms = {name: level for name in ("d/real", "d/fake", "g/fake", "health/g_gradient", "health/d_gradient")}
    folder.append("terms.jsonl", [{"step": step, "time": 0.0, "terms": terms} for step in range(100, 10_001, 100)])
    folder.append("scores.jsonl", rows)
    write_json(folder.path / "env.json", ENVIRONMENT)
    folder.write_state(State("diverged" if rng.random() < 0.02 else "done", step=10_000, seconds=60.0))


def manifest(runs: dict[str, Any], variants: int) -> Manifest:
    metrics = {name: MetricInfo(better, low=0.0) for name, (better, _) in METRICS.items()}
    questions = Questions(
        outcome={
            name: OutcomeRule(good=(Condition("fd_classifier", Thresholds(limit=30, ratio=2)),)) for name in DATASETS
        },
        compare=(
            Compare(axis="variant", metric="fd_classifier", baseline="v0"),
            Compare(axis="variant", metric="stable", baseline="v0", pooled=True),
        ),
        claims=tuple(claim(n) for n in range(1, variants)),
    )
    return Manifest(
        suite="many",
        version="0",
        about="How long does a report take?",
        runs=runs,
        marks={run_id: tuple(MARKS) for run_id in runs},
        axes=("variant", "dataset", "batchnorm", "optimizer", "seed"),
        select="last",
        metrics=metrics,
        scores=tuple(evaluator for _, evaluator in METRICS.values()),
        samples=1000,
        questions=questions,
    )


def claim(n: int) -> Claim:
    test = Contrast(metric="fd_classifier", better={"variant": f"v{n}"}, worse={"variant": "v0"})
    return Claim(says=f"v{n} is better than v0", source="made up", parts=(Part(test=test),))


if __name__ == "__main__":
    main()
