"""The progress of a suite, read from its files, so that any process can read it while others train the runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ganbench.errors import DamagedRun
from ganbench.results.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ganbench.results.manifest import Columns
    from ganbench.results.state import TermsRow
    from ganbench.results.store import RunFolder, Store

OVER = ("done", "diverged", "failed")


@dataclass(frozen=True)
class RunProgress:
    """A run that a process is filling. `seconds_left` is at its own speed so far, None before it has one."""

    run_id: str
    step: int
    steps: int  # when it is complete
    seconds_left: float | None


@dataclass(frozen=True)
class RunStatus:
    """A run's status, the newest value of each metric, and its progress if a process is filling it.

    Besides the statuses on disk there are `waiting` (not started), `stopped` (started, but no process is filling it)
    and `damaged`, with what is damaged in `error`.
    """

    status: str
    newest: Mapping[str, float] = field(default_factory=dict)
    progress: RunProgress | None = None
    error: str = ""


@dataclass(frozen=True)
class CellStatus:
    """The runs of a cell, which differ only in their seed: how many have which status, and their newest scores."""

    name: tuple[str, ...]
    statuses: Mapping[str, int]
    newest: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class DatasetStatus:
    """The cells of a dataset, named by the axes that distinguish them, and the metrics measured so far."""

    dataset: str
    axes: tuple[str, ...]
    metrics: tuple[str, ...]
    cells: tuple[CellStatus, ...]


@dataclass(frozen=True)
class SuiteSnapshot:
    """A suite at one moment."""

    suite: str
    datasets: tuple[DatasetStatus, ...]
    running: tuple[RunProgress, ...]
    damaged: tuple[str, ...] = ()  # a sentence for each damaged run

    @property
    def statuses(self) -> Counter[str]:
        return sum((Counter(cell.statuses) for dataset in self.datasets for cell in dataset.cells), Counter())

    @property
    def unfinished(self) -> int:
        """The number of runs that are not over."""
        return sum(count for status, count in self.statuses.items() if status not in OVER)


def read_snapshot(store: Store, suite: str) -> SuiteSnapshot:
    """Read a suite's run folders once. Raises `RequestError` for a suite that never ran here."""
    manifest = read_manifest(store, suite)
    runs, metrics = manifest.runs, tuple(manifest.ranked_metrics())
    statuses = {run_id: _run_status(store.run(run_id), int(columns["steps"])) for run_id, columns in runs.items()}
    datasets = []
    for dataset in dict.fromkeys(str(columns["dataset"]) for columns in runs.values()):
        own = [(columns, statuses[run_id]) for run_id, columns in runs.items() if columns["dataset"] == dataset]
        datasets.append(_dataset_status(dataset, own, metrics))
    running = tuple(run.progress for run in statuses.values() if run.progress)
    return SuiteSnapshot(suite, tuple(datasets), running, tuple(run.error for run in statuses.values() if run.error))


def _dataset_status(dataset: str, runs: Sequence[tuple[Columns, RunStatus]], metrics: Sequence[str]) -> DatasetStatus:
    """`runs` pairs each run's columns with its status."""
    axes = _distinguishing([columns for columns, _ in runs])
    members: dict[tuple[str, ...], list[RunStatus]] = {}
    for columns, run in runs:
        members.setdefault(tuple(str(columns[axis]) for axis in axes), []).append(run)
    cells = tuple(_cell_status(name, statuses) for name, statuses in members.items())
    measured = tuple(name for name in metrics if any(name in cell.newest for cell in cells))
    return DatasetStatus(dataset, axes, measured, cells)


def _cell_status(name: tuple[str, ...], runs: Sequence[RunStatus]) -> CellStatus:
    newest: dict[str, list[float]] = {}
    for run in runs:
        for metric, value in run.newest.items():
            newest.setdefault(metric, []).append(value)
    return CellStatus(name, dict(Counter(run.status for run in runs)), newest)


def _distinguishing(runs: Sequence[Columns]) -> tuple[str, ...]:
    """The fewest columns that distinguish the cells; of two columns that vary together, the first one."""

    def cells(columns: Sequence[str]) -> int:
        return len({tuple(str(run[name]) for name in columns) for run in runs})

    axes = [name for name in runs[0] if name not in ("dataset", "seed")]
    every = cells(axes)
    for name in reversed(axes):
        fewer = [other for other in axes if other != name]
        axes = fewer if cells(fewer) == every else axes
    return tuple(axes) or ("variant",)


def _run_status(folder: RunFolder, steps: int) -> RunStatus:
    try:
        content = folder.read()
        if content is None:
            return RunStatus("waiting")
        newest = {row["metric"]: row["value"] for row in content.scores()}
        if content.state.status != "running":
            return RunStatus(content.state.status, newest)
        progress = _progress(folder.run_id, content.terms(), steps) if content.in_progress else None
    except DamagedRun as damage:
        return RunStatus("damaged", error=str(damage))
    return RunStatus("running" if progress else "stopped", newest, progress)


def _progress(run_id: str, rows: Sequence[TermsRow], steps: int) -> RunProgress:
    if not rows:
        return RunProgress(run_id, 0, steps, None)
    first, last = rows[0], rows[-1]
    speed = (last["step"] - first["step"]) / (last["time"] - first["time"]) if last["time"] > first["time"] else 0.0
    return RunProgress(run_id, last["step"], steps, (steps - last["step"]) / speed if speed > 0 else None)
