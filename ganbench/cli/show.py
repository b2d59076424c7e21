"""`ganbench show`: the spec, state, scores and files of one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ganbench.cli.completion import run_ids
from ganbench.cli.options import as_json, results
from ganbench.cli.terminal import answer, answer_json, note
from ganbench.errors import DamagedRun, RequestError

if TYPE_CHECKING:
    from ganbench.results.content import RunContent
    from ganbench.results.state import AbsentRow, ScoreRow
    from ganbench.results.store import RunFolder

T = TypeVar("T")


@click.command()
@click.argument("run_id", metavar="RUN", shell_complete=run_ids)
@results
@click.option("--open", "opens", is_flag=True, help="Open its newest picture of samples in the viewer of the desktop.")
@as_json
def show(run_id: str, results: Path, opens: bool, as_json: bool) -> None:
    """Show one run: its spec, state, scores and files. If it failed, the end of its log follows.

    RUN is a run id, its hash, or the beginning of either that fits only one run.

    \b
    Examples:
      ganbench show lsgan-ring8-bn0-adam-s0
      ganbench show lsgan-ring8-bn0-adam-s0 --open
      ganbench show lsgan-ring8-bn0-adam-s0 --results stability.zip
    """
    from ganbench.api.lookup import find_run
    from ganbench.results.unpacked import opened

    with opened(results) as store:
        folder = find_run(store, run_id)
        if as_json:
            answer_json(asdict(run_record(folder)))
        else:
            answer(run_text(folder))
        if opens:
            _open(newest_picture(folder, results))


@dataclass(frozen=True, kw_only=True)
class ShownRun:
    """What `ganbench show --json` prints. `status` is `missing` before the run begins, and
    `damaged` where it can't be read.

    `spec`, `scores` and `absent` are as in the files of the run; `log` is its end if the run failed. `damaged`: a
    sentence for each damaged file, whose content is left out.
    """

    run_id: str
    status: str
    step: int | None
    seconds: float | None
    evaluation_seconds: float | None
    diverged: Mapping[str, Any] | None
    error: str | None
    spec: Mapping[str, Any]
    scores: Sequence[Mapping[str, Any]]
    absent: Sequence[Mapping[str, Any]]
    folder: str
    files: Sequence[str]
    log: Sequence[str]
    damaged: Sequence[str]


def run_record(folder: RunFolder) -> ShownRun:
    """A run as data."""
    damaged: dict[str, None] = {}

    def read(part: Callable[[], T], default: T) -> T:
        try:
            return part()
        except DamagedRun as damage:
            damaged[str(damage)] = None
            return default

    content = read(folder.read, None)
    state = content.state if content else None
    body = read(folder.spec, None) or {}
    return ShownRun(
        run_id=folder.run_id,
        status=state.status if state else "damaged" if damaged else "missing",
        step=state.step if state else None,
        seconds=state.seconds if state else None,
        evaluation_seconds=state.evaluation_seconds if state else None,
        diverged=state.diverged if state else None,
        error=state.error if state else None,
        spec=body.get("spec", {}),
        scores=content.scores() if content else [],
        absent=read(content.absent, []) if content else [],
        folder=str(folder.path),
        files=_files(folder.path),
        log=read(lambda: _log_of_failure(folder), []),
        damaged=list(damaged),
    )


def run_text(folder: RunFolder) -> str:
    """A run as text. A damaged file is named in place of what it should hold; the rest is still shown."""
    parts = [
        folder.run_id,
        _part(folder.read, _state),
        _part(folder.spec, _spec),
        _part(folder.read, _measured),
        f"files in {folder.path}:\n  {' '.join(_files(folder.path))}",
        _part(lambda: _log_of_failure(folder), _log),
    ]
    return "\n\n".join(part for part in dict.fromkeys(parts) if part)


def newest_picture(folder: RunFolder, results: Path) -> Path:
    """The picture of samples of a run's last mark. Raises `RequestError` if there is none, or it is in an archive."""
    pictures = {int(path.stem): path for path in (folder.path / "samples").glob("[0-9]*.png")}
    if not pictures:
        raise RequestError(
            folder.run_id, "the run has no picture of samples yet", todo="`ganbench watch` shows how far it is"
        )
    if results.is_file():
        raise RequestError(str(results), "a picture in an archive can't be opened", todo="unpack the archive first")
    return pictures[max(pictures)]


def _open(picture: Path) -> None:
    note(f"opening {picture}")  # a desktop without a viewer may say so only after this command has ended
    click.launch(str(picture))


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


def _files(folder: Path) -> list[str]:
    """The names in a folder but for hidden ones, with a slash behind those of folders."""
    return sorted(path.name + "/" * path.is_dir() for path in folder.iterdir() if not path.name.startswith("."))


def _log(lines: Sequence[str]) -> str:
    return "\n".join(["the end of the log:", *(f"  {line}" for line in lines)]) if lines else ""


def _aligned(lines: Mapping[str, Any]) -> str:
    """Names and values in two columns."""
    width = max(map(len, lines), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in lines.items())
