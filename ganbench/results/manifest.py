"""The manifest of a suite: what it asked for when it last ran here. The report reads it instead of the suite file.

The file is `<results>/suites/<name>.json`. `FORMAT` is raised when the structure of the file changes; files of earlier
formats are read. Version 0.1 wrote files without a format, which have the structure of format 1. Format 2 has claims of
several parts, and says under `outcome` when a run is good and diverse, no longer when it is stable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ganbench.errors import RequestError
from ganbench.results.files import lock_file, read_bytes, signed_json, write_signed_json
from ganbench.results.names import why_no_name
from ganbench.results.questions import Questions, from_json

if TYPE_CHECKING:
    from filelock import FileLock

    from ganbench.results.store import Store

FORMAT = 2
AGAIN = "run the suite again: `ganbench run FILE` replaces the file and repeats no finished run"

Columns = Mapping[str, str | int]  # a run's value on each axis, as `RunSpec.columns` gives it
T = TypeVar("T")


@dataclass(frozen=True)
class MetricInfo:
    """A metric that the suite asks for: which values are better, their bounds (None: unbounded) and their unit."""

    better: Literal["lower", "higher", "neither"]
    low: float | None = None
    high: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class ExcludedCell:
    """A cell that the suite leaves out, without its seeds, and the reason."""

    columns: Columns
    because: str


@dataclass(frozen=True)
class NotEvaluated:
    """An evaluator that cannot score a dataset, both in their notation, and the reason."""

    dataset: str
    evaluator: str
    because: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a suite asks for. `runs`, `marks` and `packs` are keyed by run id, the first two in the suite's order.

    `marks`: the steps at which a run is scored. `packs`: the seeds that are trained as one program with a run, its own
    among them; of every run that was ever planned under this name. `scores`: the names under which the evaluators'
    scores are kept (`score_key`). `samples`: generated at each mark. `budget`: the share of the wall time that
    evaluation may take. `looks`: the numbers of seeds after which the claims are tested; empty: after all.
    """

    suite: str
    version: str  # of the ganbench that wrote it
    about: str
    runs: Mapping[str, Columns]
    marks: Mapping[str, tuple[int, ...]]
    axes: tuple[str, ...]
    select: str
    metrics: Mapping[str, MetricInfo]
    scores: tuple[str, ...]
    samples: int
    packs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    budget: float | None = None
    excluded: tuple[ExcludedCell, ...] = ()
    not_evaluated: tuple[NotEvaluated, ...] = ()
    questions: Questions = field(default_factory=Questions)
    looks: tuple[int, ...] = ()

    def ranked_metrics(self) -> dict[str, Literal["lower", "higher"]]:
        """The metrics of the headline tables, and whether lower or higher values are better."""
        return {name: info.better for name, info in self.metrics.items() if info.better != "neither"}

    def as_json(self) -> dict[str, Any]:
        """The content of the file."""
        return {
            "format": FORMAT,
            "suite": self.suite,
            "version": self.version,
            "about": self.about,
            "runs": {run_id: dict(columns) for run_id, columns in self.runs.items()},
            "excluded": [{"columns": dict(cell.columns), "because": cell.because} for cell in self.excluded],
            "axes": list(self.axes),
            "select": self.select,
            "looks": list(self.looks),
            **self.questions.as_json(),
            "marks": {run_id: list(marks) for run_id, marks in self.marks.items()},
            "packs": {run_id: list(seeds) for run_id, seeds in self.packs.items()},
            "evaluation": {
                "samples": self.samples,
                "budget": self.budget,
                "with": list(self.scores),
                "skipped": [asdict(entry) for entry in self.not_evaluated],
            },
            "metrics": {name: asdict(info) for name, info in self.metrics.items()},
        }


def write_manifest(store: Store, manifest: Manifest) -> None:
    """Write a suite's manifest, atomically."""
    write_signed_json(store.manifest_path(manifest.suite), manifest.as_json())


def planning(store: Store) -> FileLock:
    """The lock of the process that plans: of two at once, the second reads what the first has planned."""
    return lock_file(store.root / "suites" / ".lock")


def read_manifest(store: Store, suite: str) -> Manifest:
    """Read a suite's manifest. Raises `RequestError` if the suite never ran here or the file is damaged."""
    known = store.suites()
    if suite not in known:
        raise RequestError(
            str(store.root / "suites"),
            f"no suite {suite!r} has run here",
            f"known: {', '.join(known) or 'none'}",
            "run it first: ganbench run FILE",
        )
    path = store.manifest_path(suite)
    try:
        body = signed_json(read_bytes(path) or b"")
        if body.get("format", 1) not in range(1, FORMAT + 1):
            raise RequestError(
                str(path),
                f"its format is {body['format']!r}",
                f"this ganbench reads the formats 1 to {FORMAT}",
                "update ganbench, or " + AGAIN,
            )
        return _manifest(body)
    except OSError as error:
        raise RequestError(str(path), f"can't be read: {error.strerror}", todo=AGAIN) from None
    except KeyError as missing:
        raise RequestError(str(path), f"damaged: it has no {missing}", todo=AGAIN) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise RequestError(str(path), f"damaged: {error}", todo=AGAIN) from None


def _manifest(body: Mapping[str, Any]) -> Manifest:
    """Raises `KeyError` for a missing key, and `TypeError` or `ValueError` for a value of another type."""
    evaluation = _mapping(body, "evaluation", lambda value: value)
    manifest = Manifest(
        suite=_typed(body["suite"], "suite", str),
        version=_typed(body.get("version", ""), "version", str),
        about=_typed(body["about"], "about", str),
        runs=_mapping(body, "runs", lambda columns: dict(_typed(columns, "runs", dict))),
        marks=_mapping(body, "marks", lambda marks: _numbers(marks, "marks")),
        packs=_mapping({"packs": _alone(body), **body}, "packs", lambda seeds: _numbers(seeds, "packs")),
        axes=_words(body, "axes"),
        select=_typed(body["select"], "select", str),
        metrics=_mapping(body, "metrics", lambda info: MetricInfo(**info)),
        scores=_words(evaluation, "with"),
        samples=_typed(evaluation["samples"], "samples", int),
        budget=evaluation.get("budget"),
        excluded=tuple(ExcludedCell(**cell) for cell in body["excluded"]),
        not_evaluated=tuple(NotEvaluated(**entry) for entry in evaluation.get("skipped", ())),
        questions=from_json(body),
        looks=_numbers(body.get("looks", []), "looks"),
    )
    for run_id in manifest.runs:
        if rule := why_no_name(run_id):
            raise ValueError(f"{run_id!r:.80} can't be a run id: {rule}")
    if manifest.runs.keys() != manifest.marks.keys():
        raise ValueError("its runs and its marks do not match")
    return manifest


def _mapping(body: Mapping[str, Any], key: str, read: Callable[[Any], T]) -> dict[str, T]:
    return {name: read(value) for name, value in _typed(body[key], key, dict).items()}


def _alone(body: Mapping[str, Any]) -> dict[str, list[int]]:
    """The packs of a file of 0.1, which planned every run alone."""
    return {run_id: [columns["seed"]] for run_id, columns in body["runs"].items()}


def _numbers(value: Any, key: str) -> tuple[int, ...]:
    return tuple(_typed(number, key, int) for number in value)


def _words(body: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_typed(word, key, str) for word in _typed(body[key], key, list))


def _typed(value: Any, key: str, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"{key} = {value!r:.60}, which is not of type {kind.__name__}")
    return value
