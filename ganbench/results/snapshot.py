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
from ganbench.results.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ganbench.results.manifest import Columns
    from ganbench.results.store import RunFolder, Store

EVERY = 2.0  # seconds between two looks
PATIENCE = 15  # looks without a worker: one imports torch before it takes its first run, and again between two
LEAST = 2  # metrics shown however narrow the terminal is: the names fold instead
WIDE = 10_000  # characters: where no terminal folds lines, no name and no metric is cut
OVER = ("done", "diverged", "failed")


@dataclass(frozen=True)
class Running:
    """A run that a process fills now. `left` is the seconds to its end at its own speed so far, None at its start."""

    run_id: str
    step: int
    of: int
    left: float | None


@dataclass(frozen=True)
class Look:
    """One run as its files have it: its status, its newest scores, and how far it is where a process fills it."""

    status: str
    newest: dict[str, float] = field(default_factory=dict)
    running: Running | None = None


@dataclass(frozen=True)
class Cell:
    """The runs that differ in their seed only: how many in which state, and their newest scores."""

    name: tuple[str, ...]
    statuses: Counter[str] = field(default_factory=Counter)
    newest: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """A dataset: its cells by the axes that tell them apart, and the metrics that were measured on it."""

    dataset: str
    axes: tuple[str, ...]
    metrics: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Snapshot:
    """A suite as its files have it."""

    suite: str
    sections: tuple[Section, ...]
    running: tuple[Running, ...]

    @property
    def statuses(self) -> Counter[str]:
        return sum((cell.statuses for section in self.sections for cell in section.cells), Counter())

    @property
    def left(self) -> int:
        """How many runs are not over."""
        return sum(count for status, count in self.statuses.items() if status not in OVER)


def snapshot(store: Store, suite: str) -> Snapshot:
    """Look at a suite's run folders once. Raises `RequestError` for a suite that never ran here."""
    manifest = read_manifest(store, suite)
    runs, metrics = manifest.runs, manifest.ranked_metrics()
    looks = {run_id: _look(store.run(run_id), int(columns["steps"])) for run_id, columns in runs.items()}
    sections = []
    for dataset in dict.fromkeys(str(columns["dataset"]) for columns in runs.values()):
        own = [(columns, looks[run_id]) for run_id, columns in runs.items() if columns["dataset"] == dataset]
        sections.append(_section(dataset, own, metrics))
    return Snapshot(suite, tuple(sections), tuple(look.running for look in looks.values() if look.running))


def table(shot: Snapshot, width: int = WIDE) -> Group:
    """A snapshot for `width` characters; who works comes first, for a low terminal cuts the end off."""
    statuses, grids = shot.statuses, [_grid(section, width) for section in shot.sections]
    counts = ", ".join(f"{count} {status}" for status, count in statuses.most_common())
    rows = [(run.run_id, f"{run.step}/{run.of}", _seconds(run.left)) for run in shot.running]
    working = _table(("run", "step", "left"), rows, names=1) if rows else Text("nobody works on it now")
    return Group(Text(f"{shot.suite}: {counts}"), Text(), working, *(part for grid in grids for part in grid))


def watch(store: Store, suite: str, once: bool = False) -> None:
    """Print a suite; on a terminal, unless `once`, again and again until nothing is left to do or nobody comes."""
    console = Console()
    if not console.is_terminal:
        console.width = WIDE
    shot = snapshot(store, suite)
    if once or not console.is_terminal:
        console.print(table(shot, console.width))
        return
    alone = 0
    with Live(table(shot, console.width), console=console, auto_refresh=False) as live:
        while shot.left and alone < PATIENCE:
            time.sleep(EVERY)
            shot = snapshot(store, suite)
            alone = 0 if shot.running else alone + 1
            live.update(table(shot, console.width), refresh=True)
    console.print(Text(_farewell(shot)))


def _farewell(shot: Snapshot) -> str:
    """Why `watch` leaves."""
    if not shot.left:
        return f"nothing is left to do: `ganbench report {shot.suite}` prints the tables"
    runs = "1 run is" if shot.left == 1 else f"{shot.left} runs are"
    return f"nobody worked on it for {PATIENCE * EVERY:.0f} s, and {runs} left: `ganbench run` goes on with them"


def _section(dataset: str, runs: Sequence[tuple[Columns, Look]], metrics: Iterable[str]) -> Section:
    """`runs`: each run's columns, and how it stands."""
    axes = _axes([columns for columns, _ in runs])
    cells: dict[tuple[str, ...], Cell] = {}
    for columns, look in runs:
        name = tuple(str(columns[axis]) for axis in axes)
        cell = cells.setdefault(name, Cell(name))
        cell.statuses[look.status] += 1
        for metric, value in look.newest.items():
            cell.newest.setdefault(metric, []).append(value)
    measured = tuple(name for name in metrics if any(name in cell.newest for cell in cells.values()))
    return Section(dataset, axes, measured, tuple(cells.values()))


def _axes(runs: Sequence[Columns]) -> tuple[str, ...]:
    """The fewest columns that tell the cells apart; of two that say the same, the first one."""

    def cells(columns: list[str]) -> int:
        return len({tuple(str(run[name]) for name in columns) for run in runs})

    axes = [name for name in runs[0] if name not in ("dataset", "seed")]
    every = cells(axes)
    for name in reversed(axes):
        fewer = [other for other in axes if other != name]
        axes = fewer if cells(fewer) == every else axes
    return tuple(axes) or ("variant",)


def _grid(section: Section, width: int) -> tuple[Text | Table, ...]:
    """A dataset's name and its table, with as many metrics as there is room for beside whole names."""
    rows = [(*section.axes, "runs", *section.metrics)]
    rows += [
        (*cell.name, _runs(cell), *(_mean(cell.newest.get(name)) for name in section.metrics)) for cell in section.cells
    ]
    names, columns = len(section.axes), len(rows[0])
    while columns > names + 1 + LEAST and _width(rows, columns) > width:
        columns -= 1
    cut = [row[:columns] for row in rows]
    hidden = section.metrics[columns - names - 1 :]
    more = (Text(f"no room for {', '.join(hidden)}"),) if hidden else ()
    return (Text(), Text(section.dataset, style="bold"), _table(cut[0], cut[1:], names), *more)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], names: int) -> Table:
    """Plain text, which keeps its brackets; where there is no room only the first `names` columns fold."""
    grid = Table(box=None, header_style="bold", pad_edge=False)
    for place, name in enumerate(header):
        grid.add_column(Text(name), overflow="fold", no_wrap=place >= names)
    for row in rows:
        grid.add_row(*map(Text, row))
    return grid


def _width(rows: Iterable[Sequence[str]], columns: int) -> int:
    """Characters that the first columns of a table take."""
    return sum(max(map(len, column)) + 2 for column in list(zip(*rows, strict=True))[:columns]) - 2


def _runs(cell: Cell) -> str:
    """`6/10, 2 running`: done of all, then the others that were begun."""
    others = (f", {count} {status}" for status, count in cell.statuses.items() if status not in ("done", "waiting"))
    return f"{cell.statuses['done']}/{sum(cell.statuses.values())}{''.join(others)}"


def _mean(values: Sequence[float] | None) -> str:
    return f"{sum(values) / len(values):.4g}" if values else "–"


def _seconds(left: float | None) -> str:
    return "–" if left is None else f"{left:.0f} s"


def _look(folder: RunFolder, steps: int) -> Look:
    """A run that says `running` but that nobody fills is `stopped`."""
    try:
        state = folder.state()
    except DamagedRun:
        return Look("damaged")
    if state is None:
        return Look("waiting")
    newest = {row["metric"]: row["value"] for row in _rows(folder, "scores.jsonl")}
    if state.status == "running":
        return Look("running", newest, _running(folder, steps)) if folder.busy() else Look("stopped", newest)
    return Look(state.status, newest)


def _running(folder: RunFolder, of: int) -> Running:
    rows = _rows(folder, "terms.jsonl")
    if not rows:
        return Running(folder.run_id, 0, of, None)
    first, last = rows[0], rows[-1]
    speed = (last["step"] - first["step"]) / (last["time"] - first["time"]) if last["time"] > first["time"] else 0.0
    return Running(folder.run_id, last["step"], of, (of - last["step"]) / speed if speed > 0 else None)


def _rows(folder: RunFolder, name: str) -> list[dict[str, Any]]:
    try:
        return folder.rows(name)
    except DamagedRun:
        return []
