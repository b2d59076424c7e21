"""Small results folders with chosen numbers, written through the store as a worker would."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganbench.results.files import write_json
from ganbench.results.store import State, Store

VALIDATION = "fd_pixels_validation"
FINGERPRINT = {"extractor": "pixels", "dtype": "float64", "evaluator_version": "1"}
METRICS = {
    "fd_pixels": {"better": "lower", "low": 0.0, "high": None},
    "hq": {"better": "higher", "low": 0.0, "high": 1.0},
}
EVALUATORS = {"fd_pixels": "fid[features=pixels]", VALIDATION: "fid[features=pixels,split=validation]"} | dict.fromkeys(
    ("hq", "modes", "modes_aligned"), "modes"
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run to write: `curves` maps a metric to its value at each mark, None where it has none."""

    variant: str = "ns"
    dataset: str = "digits"
    seed: int = 0
    status: str = "done"
    curves: dict[str, list[float | None]] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    fingerprint: dict[str, str] = field(default_factory=lambda: FINGERPRINT)
    n: int = 1000
    error: str | None = None
    log: str = ""

    @property
    def run_id(self) -> str:
        parts = (self.variant, self.dataset, *map(str, self.columns.values()))
        return "-".join("".join(filter(str.isalnum, part)) or "x" for part in parts) + f"-s{self.seed}-0123456789"

    def described(self) -> dict[str, Any]:
        columns = {"network": "mlp", "batchnorm": "none", "optimizer": "adam", "seed": self.seed}
        rest = {"schedule": "d_first", "batch": 64, "steps": 4000}
        return {"variant": self.variant, "dataset": self.dataset} | columns | rest | self.columns


def marks_of(runs: list[Run]) -> dict[str, list[int]]:
    """Marks every 1000 steps, as many as the run's longest curve."""
    lengths = {run.run_id: max([1, *map(len, run.curves.values())]) for run in runs}
    return {run_id: [1000 * (index + 1) for index in range(length)] for run_id, length in lengths.items()}


def write_suite(root: Path, runs: list[Run], **manifest: Any) -> Store:
    """A results folder with these runs and the manifest of the suite `study` that asked for them."""
    store = Store(root).open()
    for run in runs:
        if run.status != "missing":
            write_run(store, run)
    body = {
        "suite": "study",
        "about": "Which objectives stay stable?",
        "runs": {run.run_id: run.described() for run in runs},
        "excluded": [],
        "evaluation": {
            "every": 1000,
            "samples": 1000,
            "with": sorted(set(EVALUATORS.values())),
            "skipped": [],
        },
        "metrics": METRICS,
        "select": "last",
        "axes": ["variant", "dataset", "seed"],
        "marks": marks_of(runs),
        "version": "0",
    }
    write_json(store.manifest_path("study"), body | manifest)
    return store


def write_run(store: Store, run: Run) -> None:
    folder = store.run(run.run_id)
    folder.path.mkdir(parents=True, exist_ok=True)
    spec = {"variant": {"kind": run.variant, "version": 1}, "steps": 4000, "seed": run.seed, "format": 1}
    (folder.path / "spec.json").write_text(json.dumps({"run_id": run.run_id, "spec": spec, "columns": run.described()}))
    (folder.path / "log.txt").write_text(run.log)
    for metric, values in run.curves.items():
        steps = range(1000, 1000 * len(values) + 1, 1000)
        folder.append(
            "scores.jsonl",
            [score(run, step, metric, value) for step, value in zip(steps, values, strict=True) if value is not None],
        )
    diverged = {"step": 812, "term": "d/real"} if run.status == "diverged" else None
    times = {"seconds": 12.0, "evaluation_seconds": 3.0}
    folder.write_state(State(run.status, step=4000, diverged=diverged, error=run.error, **times))  # type: ignore[arg-type]


def score(run: Run, step: int, metric: str, value: float) -> dict[str, Any]:
    """One row of `scores.jsonl`."""
    measured = {"metric": metric, "value": value, "stderr": 99.0, "n": run.n, "n_reference": 300}  # in no interval
    return {"step": step, "time": 1.7e9, "evaluator": EVALUATORS[metric], "fingerprint": run.fingerprint} | measured
