"""`ganbench watch`: a suite in progress, read from its files, so that any terminal can look on."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ganbench.errors import DamagedRun

if TYPE_CHECKING:
    from ganbench.store import RunFolder, Store

EVERY = 2.0  # seconds between two looks
SHOWN_METRICS = 4
AXES = ("dataset", "variant", "network", "batchnorm", "optimizer", "schedule", "batch")


@dataclass(frozen=True)
class Running:
    """A run that a process fills now. `left` is the seconds to its end at its own speed so far, None at its start."""

    run_id: str
    step: int
    of: int
    left: float | None


@dataclass(frozen=True)
class Cell:
    """The runs that differ in their seed only: how many in which state, and their newest scores' means."""

    name: tuple[str, ...]
    statuses: Counter[str] = field(default_factory=Counter)
    newest: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """A suite as its files have it."""

    suite: str
    axes: tuple[str, ...]
    metrics: tuple[str, ...]
    cells: tuple[Cell, ...]
    running: tuple[Running, ...]

    @property
    def statuses(self) -> Counter[str]:
        return sum((cell.statuses for cell in self.cells), Counter())

    @property
    def over(self) -> bool:
        """Whether no process works on it."""
        return not self.running


def snapshot(store: Store, suite: str) -> Snapshot:
    """Look at a suite's run folders once. Raises `RequestError` for a suite that never ran here."""
    manifest = store.manifest(suite)
    runs: dict[str, dict[str, Any]] = manifest["runs"]
    axes = tuple(a for a in AXES if len({columns.get(a) for columns in runs.values()}) > 1) or ("variant",)
    metrics = [name for name, body in manifest["metrics"].items() if body["better"] != "neither"]
    cells: dict[tuple[str, ...], Cell] = {}
    running = []
    for run_id, columns in runs.items():
        name = tuple(str(columns[axis]) for axis in axes)
        cell, folder = cells.setdefault(name, Cell(name)), store.run(run_id)
        status = _status(folder)
        cell.statuses[status] += 1
        if status == "running":
            running.append(_running(folder, int(columns["steps"])))
        for metric, value in _newest(folder).items() if status != "waiting" else ():
            cell.newest.setdefault(metric, []).append(value)
    return Snapshot(suite, axes, tuple(metrics[:SHOWN_METRICS]), tuple(cells.values()), tuple(running))


def table(shot: Snapshot) -> Group:
    """A snapshot for the terminal."""
    counts = ", ".join(f"{count} {status}" for status, count in shot.statuses.most_common())
    grid = Table(*shot.axes, "runs", *shot.metrics, box=None, header_style="bold", pad_edge=False)
    for cell in shot.cells:
        states = ", ".join(f"{count} {status}" for status, count in cell.statuses.most_common())
        means = (cell.newest.get(metric, []) for metric in shot.metrics)
        grid.add_row(*cell.name, states, *(f"{sum(m) / len(m):.4g}" if m else "–" for m in means))
    runs = Table("run", "step", "left", box=None, header_style="bold", pad_edge=False)
    for run in shot.running:
        runs.add_row(run.run_id, f"{run.step}/{run.of}", "–" if run.left is None else f"{run.left:.0f} s")
    return Group(
        Text(f"{shot.suite}: {counts}"), grid, Text(), runs if shot.running else Text("nobody works on it now")
    )


def watch(store: Store, suite: str, once: bool = False) -> None:
    """Print the suite, again and again until nobody works on it; `once`: as it is now."""
    console = Console()
    shot = snapshot(store, suite)
    if once or shot.over or not console.is_terminal:
        console.print(table(shot))
        return
    with Live(table(shot), console=console, auto_refresh=False) as live:
        while not shot.over:
            time.sleep(EVERY)
            shot = snapshot(store, suite)
            live.update(table(shot), refresh=True)


def _status(folder: RunFolder) -> str:
    """The state on file; a run that says `running` but that nobody fills is `stopped`."""
    try:
        state = folder.state()
    except DamagedRun:
        return "damaged"
    if state is None:
        return "waiting"
    return "stopped" if state.status == "running" and not folder.busy() else state.status


def _running(folder: RunFolder, of: int) -> Running:
    rows = _rows(folder, "terms.jsonl")
    if not rows:
        return Running(folder.run_id, 0, of, None)
    first, last = rows[0], rows[-1]
    speed = (last["step"] - first["step"]) / (last["time"] - first["time"]) if last["time"] > first["time"] else 0.0
    return Running(folder.run_id, last["step"], of, (of - last["step"]) / speed if speed > 0 else None)


def _newest(folder: RunFolder) -> dict[str, float]:
    return {row["metric"]: row["value"] for row in _rows(folder, "scores.jsonl")}


def _rows(folder: RunFolder, name: str) -> list[dict[str, Any]]:
    try:
        return folder.rows(name)
    except DamagedRun:
        return []
