"""`ganbench watch`: tables of a suite while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.completion import suite_names
from ganbench.cli.options import as_json, results
from ganbench.cli.terminal import answer_json
from ganbench.errors import RequestError
from ganbench.text import printable

if TYPE_CHECKING:
    from rich.console import Group

    from ganbench.results.snapshot import CellStatus, DatasetStatus, SuiteSnapshot
    from ganbench.results.store import Store

EVERY = 2.0  # seconds between two snapshots
PATIENCE = 15  # snapshots without a worker: one imports torch before its first run, and pauses between two runs
LEAST = 2  # metrics shown however narrow the terminal is; if they do not fit, names are folded
WIDE = 10_000  # characters: without a terminal, no name and no metric is cut


@dataclass(frozen=True)
class TextTable:
    """A table under its title. Where there is no room, only the first `names` columns are folded."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int


@click.command()
@click.argument("suite", required=False, shell_complete=suite_names)
@results
@click.option("--once", is_flag=True, help="Print the current status and exit.")
@as_json
def watch(suite: str | None, results: Path, once: bool, as_json: bool) -> None:
    """Watch a running suite from any terminal. It shows the progress, the runs in training and the newest scores.

    \b
    Examples:
      ganbench watch stability
      ganbench watch stability --once
    """
    from ganbench.cli.request import suite_name
    from ganbench.results.snapshot import read_snapshot
    from ganbench.results.store import Store

    if as_json and not once:
        raise RequestError("--json", "it prints the current status", "one object", "add --once")
    store = Store(results)
    name = suite_name(store, suite)
    if as_json:
        snapshot = read_snapshot(store, name)
        answer_json(asdict(snapshot) | {"statuses": snapshot.statuses})
    else:
        follow(store, name, once)


def follow(store: Store, suite: str, once: bool = False) -> None:
    """Print a suite; on a terminal, unless `once`, again and again until all runs are over or no worker comes."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from ganbench.cli.request import print_damage
    from ganbench.results.snapshot import read_snapshot

    console = Console()
    if not console.is_terminal:
        console.width = WIDE
    snapshot = read_snapshot(store, suite)
    if once or not console.is_terminal:
        console.print(draw(snapshot, console.width))
        print_damage(snapshot.damaged)
        return
    without_worker = 0
    with Live(draw(snapshot, console.width), console=console, auto_refresh=False) as live:
        while snapshot.unfinished and without_worker < PATIENCE:
            time.sleep(EVERY)
            snapshot = read_snapshot(store, suite)
            without_worker = 0 if snapshot.running else without_worker + 1
            live.update(draw(snapshot, console.width), refresh=True)
    console.print(Text(_reason_to_end(snapshot)))
    print_damage(snapshot.damaged)


def draw(snapshot: SuiteSnapshot, width: int = WIDE) -> Group:
    """A snapshot for a terminal of `width` characters."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    def drawn(block: str | TextTable) -> Text | Group:
        """Rich's `Text` keeps brackets, which are markup in a plain string."""
        if isinstance(block, str):
            return Text(printable(block))
        table = Table(box=None, header_style="bold", pad_edge=False)
        for place, name in enumerate(block.header):
            table.add_column(Text(printable(name)), overflow="fold", no_wrap=place >= block.names)
        for row in block.rows:
            table.add_row(*(Text(printable(text)) for text in row))
        return Group(Text(printable(block.title), style="bold"), table)

    return Group(*map(drawn, blocks(snapshot, width)))


def blocks(snapshot: SuiteSnapshot, width: int) -> Iterator[str | TextTable]:
    """What is drawn, from top to bottom. Runs in training come first because a low terminal cuts off the end."""
    counts = ", ".join(f"{count} {status}" for status, count in snapshot.statuses.most_common())
    yield f"{snapshot.suite}: {counts}"
    rows = [(run.run_id, f"{run.step}/{run.steps}", _seconds(run.seconds_left)) for run in snapshot.running]
    yield TextTable("", ("run", "step", "left"), rows, names=1) if rows else "\nno run is in training now"
    for dataset in snapshot.datasets:
        yield from _dataset(dataset, width)


def _dataset(dataset: DatasetStatus, width: int) -> Iterator[str | TextTable]:
    """A dataset's name and its table, with as many metrics as fit beside whole names."""
    header = (*dataset.axes, "runs", *dataset.metrics)
    rows = [(*cell.name, _runs(cell), *(_mean(cell.newest.get(name)) for name in dataset.metrics))
            for cell in dataset.cells]  # fmt: skip
    names, columns = len(dataset.axes), len(header)
    while columns > names + 1 + LEAST and _width([header, *rows], columns) > width:
        columns -= 1
    yield ""
    yield TextTable(dataset.dataset, header[:columns], [row[:columns] for row in rows], names)
    if columns < len(header):
        yield f"no room for {', '.join(header[columns:])}"


def _width(rows: Iterable[Sequence[str]], columns: int) -> int:
    """The number of characters that the first columns of a table take."""
    return sum(max(map(len, column)) + 2 for column in list(zip(*rows, strict=True))[:columns]) - 2


def _runs(cell: CellStatus) -> str:
    """`6/10, 2 running`: how many of all runs are done, then the others that were started."""
    others = (f", {count} {status}" for status, count in cell.statuses.items() if status not in ("done", "waiting"))
    return f"{cell.statuses.get('done', 0)}/{sum(cell.statuses.values())}{''.join(others)}"


def _mean(values: Sequence[float] | None) -> str:
    return f"{sum(values) / len(values):.4g}" if values else "–"


def _seconds(left: float | None) -> str:
    return "–" if left is None else f"{left:.0f} s"


def _reason_to_end(snapshot: SuiteSnapshot) -> str:
    """Why `watch` ends."""
    if not snapshot.unfinished:
        return f"all runs are over: `ganbench report {snapshot.suite}` prints the tables"
    runs = "1 run is" if snapshot.unfinished == 1 else f"{snapshot.unfinished} runs are"
    seconds = PATIENCE * EVERY
    return f"no worker was active for {seconds:.0f} s, and {runs} unfinished: `ganbench run` continues with them"
