"""`ganbench show`: the spec, state, scores and files of one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ganbench.cli.completion import run_ids
from ganbench.cli.options import results
from ganbench.cli.terminal import answer
from ganbench.errors import DamagedRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ganbench.results.content import RunContent
    from ganbench.results.state import AbsentRow, ScoreRow
    from ganbench.results.store import RunFolder

T = TypeVar("T")


@click.command()
@click.argument("run_id", metavar="RUN", shell_complete=run_ids)
@results
def show(run_id: str, results: Path) -> None:
    """Show one run: its spec, state, scores and files, and the end of its log if it failed.

    RUN is a run id, its hash, or the beginning of either that fits only one run.

    \b
    Examples:
      ganbench show lsgan-ring8-bn0-adam-s0
      ganbench show lsgan-ring8-bn0-adam-s0 --results stability.zip
    """
    from ganbench.api.lookup import find_run
    from ganbench.results.unpacked import opened

    with opened(results) as store:
        answer(run_text(find_run(store, run_id)))


def run_text(folder: RunFolder) -> str:
    """A run as text. A damaged file is named in place of what it should hold; the rest is still shown."""
    parts = [
        folder.run_id,
        _part(folder.read, _state),
        _part(folder.spec, _spec),
        _part(folder.read, _measured),
        _files(folder.path, list(folder.path.iterdir())),
        _part(lambda: _log_of_failure(folder), _log),
    ]
    return "\n\n".join(part for part in dict.fromkeys(parts) if part)


def _part(read: Callable[[], T], draw: Callable[[T], str]) -> str:
    try:
        return draw(read())
    except DamagedRun as damage:
        return str(damage)


def _log_of_failure(folder: RunFolder) -> list[str]:
    """The last lines of the log of a failed run."""
    state = folder.state()
    return folder.log_end() if state and state.status == "failed" else []


def _state(content: RunContent | None) -> str:
    if content is None:
        return _aligned({"status": "missing"})
    state = content.state
    seconds = f"{state.seconds:.1f}, {state.evaluation_seconds:.1f} of them in evaluation"
    lines = {"status": state.status, "step": state.step, "seconds": seconds}
    if state.diverged:
        lines["diverged"] = f"{state.diverged['term']} was not finite at step {state.diverged['step']}"
    return _aligned(lines | ({"error": state.error} if state.error else {}))


def _spec(body: Mapping[str, Any] | None) -> str:
    """Every part of the spec with its defaults: `lsgan (version 1, a 0, b 1, c 1)`."""
    spec = (body or {}).get("spec", {})
    return _aligned({name: _component(value) for name, value in spec.items() if name != "format"})


def _component(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    options = ", ".join(f"{name} {option}" for name, option in value.items() if name != "kind")
    return f"{value['kind']} ({options})" if "kind" in value else options


def _measured(content: RunContent | None) -> str:
    """The scores, and what is absent."""
    if content is None:
        return ""
    return "\n\n".join(filter(None, (_scores(content.scores()), _absent(content.absent()))))


def _scores(rows: Sequence[ScoreRow]) -> str:
    """A table of every metric over the steps; of several scores at a step the newest counts."""
    from ganbench.report.model.document import Table, numbered
    from ganbench.report.render import markdown
    from ganbench.report.text import ABSENT, number

    newest = {(row["step"], row["metric"]): row["value"] for row in rows}
    texts = {place: ABSENT if value is None else number(value) for place, value in newest.items()}
    steps = sorted({step for step, _ in newest})
    metrics = tuple(dict.fromkeys(metric for _, metric in newest))
    lines = tuple((str(step), *(texts.get((step, metric), ABSENT) for metric in metrics)) for step in steps)
    table = Table(title="scores", label="scores", columns=numbered("step", *metrics), rows=lines)
    return markdown.table(table) if lines else "no scores yet"


def _absent(rows: Sequence[AbsentRow]) -> str:
    """The metrics that are absent, with the steps and the reasons."""
    steps: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        steps.setdefault((row["metric"] or row["evaluator"], row["because"]), []).append(str(row["step"]))
    lines = (f"  {name} at {', '.join(dict.fromkeys(own))}: {because}" for (name, because), own in steps.items())
    return "\n".join(["absent:", *lines]) if rows else ""


def _files(folder: Path, paths: Sequence[Path]) -> str:
    names = sorted(path.name + "/" * path.is_dir() for path in paths if not path.name.startswith("."))
    return f"files in {folder}:\n  {' '.join(names)}"


def _log(lines: Sequence[str]) -> str:
    return "\n".join(["the end of the log:", *(f"  {line}" for line in lines)]) if lines else ""


def _aligned(lines: Mapping[str, Any]) -> str:
    """Names and values in two columns."""
    width = max(map(len, lines), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in lines.items())
