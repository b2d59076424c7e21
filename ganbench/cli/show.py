"""`ganbench show RUN`: what a run was asked to do, how far it is, its scores, and where its files are."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from ganbench.errors import DamagedRun, RequestError
from ganbench.report.model.document import Table, numbered
from ganbench.report.render import markdown
from ganbench.report.text import ABSENT, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from ganbench.results.store import RunFolder, Store

SHOWN = 10  # ids listed when a prefix fits many


def show(store: Store, run_id: str) -> str:
    """One run as text, found by its id, its hash or a beginning that fits only one. Raises `RequestError` otherwise."""
    folder = _find(store, run_id)
    parts = [
        folder.run_id,
        _readable(_state, folder),
        _readable(_spec, folder),
        _readable(_scores, folder),
        _files(folder),
        _readable(_log, folder),
    ]
    return "\n\n".join(part for part in dict.fromkeys(parts) if part)


def _find(store: Store, prefix: str) -> RunFolder:
    """The run of an id, else of the only id that begins so, else of the only hash that does."""
    known = [folder.run_id for folder in store.runs()]
    found = [prefix] if prefix in known else [run_id for run_id in known if run_id.startswith(prefix)]
    found = found or [run_id for run_id in known if run_id.rpartition("-")[2].startswith(prefix)]
    if len(found) == 1:
        return store.run(found[0])
    place = str(store.root / "runs")
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        fits = f"it fits {', '.join(found[:SHOWN])}{more}"
        raise RequestError(place, f"{prefix!r} is the beginning of {len(found)} runs", fits, "write more of the id")
    near = get_close_matches(prefix, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise RequestError(
        place,
        f"no run {prefix!r}",
        f"{hint}there are {len(known)} runs",
        "`ganbench report --format csv` lists the ids of a suite",
    )


def _readable(part: Callable[[RunFolder], str], folder: RunFolder) -> str:
    """A part of the answer, or the damage where it can't be read."""
    try:
        return part(folder)
    except DamagedRun as damage:
        return str(damage)


def _state(folder: RunFolder) -> str:
    state = folder.check()
    if state is None:
        return _pairs({"status": "missing"})
    seconds = f"{state.seconds:.1f}, {state.evaluation_seconds:.1f} of them in evaluation"
    pairs = {"status": state.status, "step": state.step, "seconds": seconds}
    if state.diverged:
        pairs["diverged"] = f"{state.diverged.get('term')} was not finite at step {state.diverged.get('step')}"
    return _pairs(pairs | ({"error": state.error} if state.error else {}))


def _spec(folder: RunFolder) -> str:
    """Every part of the spec, its defaults written in: `lsgan (version 1, a 0, b 1, c 1)`."""
    spec = (folder.read_json("spec.json") or {}).get("spec", {})
    return _pairs({name: _component(value) for name, value in spec.items() if name != "format"})


def _component(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    options = ", ".join(f"{name} {option}" for name, option in value.items() if name != "kind")
    return f"{value['kind']} ({options})" if "kind" in value else options


def _scores(folder: RunFolder) -> str:
    """The curve of every metric, the newest value of each step."""
    newest = {(row["step"], row["metric"]): row["value"] for row in folder.rows("scores.jsonl")}
    steps = sorted({step for step, _ in newest})
    metrics = tuple(dict.fromkeys(metric for _, metric in newest))
    rows = tuple((str(step), *(_value(newest.get((step, metric))) for metric in metrics)) for step in steps)
    table = Table(title="scores", label="scores", columns=numbered("step", *metrics), rows=rows)
    return markdown.table(table) if rows else "no scores yet"


def _value(value: float | None) -> str:
    return ABSENT if value is None else number(value)


def _files(folder: RunFolder) -> str:
    names = sorted(path.name + "/" * path.is_dir() for path in folder.path.iterdir() if not path.name.startswith("."))
    return f"files in {folder.path}:\n  {' '.join(names)}"


def _log(folder: RunFolder) -> str:
    """The end of a failed run's log."""
    state = folder.state()
    lines = folder.log_end() if state and state.status == "failed" else []
    return "\n".join(["the log's end:", *(f"  {line}" for line in lines)]) if lines else ""


def _pairs(pairs: dict[str, Any]) -> str:
    width = max(map(len, pairs), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in pairs.items())
