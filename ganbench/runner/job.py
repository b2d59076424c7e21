"""A job: runs that one worker trains and scores together. It crosses the pipe to a worker process as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ganbench.errors import RequestError
from ganbench.runner.ledger import is_exhaustion
from ganbench.spec import ADDED_AXES, Arithmetic, RunSpec, Schedule, plain, revived, run_spec, saved_columns

if TYPE_CHECKING:
    from ganbench.component import Component
    from ganbench.evaluators.base import Evaluator
    from ganbench.plugins import Registry
    from ganbench.variants.base import Variant

T = TypeVar("T")
ROWS_OF_TERMS = 100  # points of a run's training curves
FAMILIES = ("variant", "penalty", "augment", "dataset", "network", "optimizer")  # the components of a run


@dataclass(frozen=True)
class Job:
    """Train runs that differ only in their seed and score them at marks."""

    specs: tuple[RunSpec, ...]  # the runs that are asked for
    marks: tuple[int, ...]  # steps, rising; the last one is the run's length
    samples: int  # generated at each mark
    evaluators: tuple[Evaluator, ...]
    until: int | None = None  # leave the runs at this mark, to be resumed later; None: train them to their end
    budget: float | None = None  # the share of the wall time that evaluation may take; marks are skipped to keep to it
    pack: tuple[int, ...] = ()  # the seeds that are trained as one program, those of `specs` among them; (): only these
    backs_off: bool = False  # running out of memory is no failure: the parent tries these runs in another way

    @property
    def trained(self) -> tuple[RunSpec, ...]:
        """The runs of the pack in its order; those that aren't asked for are computed and not written."""
        return tuple(replace(self.specs[0], seed=seed) for seed in self.pack) or self.specs

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the runs of the pack."""
        return tuple(spec.seed for spec in self.trained)

    @property
    def cell(self) -> str:
        """The id of the cell: that of its run of seed 0."""
        return replace(self.specs[0], seed=0).run_id()

    @property
    def seed_of(self) -> dict[str, int]:
        """The seeds of the runs that are asked for, by their ids."""
        return {spec.run_id(): spec.seed for spec in self.specs}

    def part(self, runs: Sequence[str], pack: tuple[int, ...]) -> Job:
        """The part of the job that concerns these runs of it, trained in a pack of these seeds."""
        return replace(self, specs=tuple(self.spec_of(run_id) for run_id in runs), pack=pack)

    def backing_off(self, backs_off: bool) -> Job:
        """The job with this `backs_off`."""
        return replace(self, backs_off=backs_off)

    def passes_on(self, error: BaseException) -> bool:
        """Whether an error is no failure of the run, but for the parent to deal with."""
        return self.backs_off and is_exhaustion(error)

    def spec_of(self, run_id: str) -> RunSpec:
        """The run of this id."""
        return self.specs[self.run_ids.index(run_id)]

    def only(self, specs: Sequence[RunSpec], until: int | None = None) -> Job:
        """The part of the job that concerns these runs of it, trained in the same pack; `until` another mark."""
        return replace(self, specs=tuple(specs), pack=self.seeds, until=until or self.until)

    def stops(self) -> list[int]:
        """The steps at which training yields a snapshot: the marks and the points of the training curves."""
        steps = self.specs[0].steps
        end = self.until or steps
        curve = range(steps, 0, -max(1, steps // ROWS_OF_TERMS))
        return [step for step in sorted({*curve, *self.marks, end}) if step <= end]

    def for_all(self, given: Sequence[T]) -> list[T] | None:
        """A checkpoint for every run of the pack, from those of `specs`; None without any.

        A run that isn't asked for takes that of another: no run sees the others.
        """
        own = dict(zip((spec.seed for spec in self.specs), given, strict=True)) if given else {}
        return [own.get(seed, given[0]) for seed in self.seeds] if given else None

    @property
    def run_ids(self) -> tuple[str, ...]:
        return tuple(spec.run_id() for spec in self.specs)

    def wanted(self) -> dict[str, Evaluator]:
        """The evaluators by the name under which their scores are kept."""
        return {score_key(evaluator, self.samples): evaluator for evaluator in self.evaluators}


@dataclass(frozen=True)
class EncodedJob:
    """A job as one line of JSON, in a process that passes it on and needs none of its components.

    What has the name of something of `Job` means the same.
    """

    line: str

    @property
    def run_ids(self) -> tuple[str, ...]:
        return run_ids(self.line)

    @property
    def task(self) -> str:
        """What is done with the runs: marks, evaluators and the rest, without the runs themselves and their pack."""
        return json.dumps({k: v for k, v in self._body().items() if k not in ("runs", "specs", "pack")})

    @property
    def seed_of(self) -> dict[str, int]:
        body = self._body()
        return {run_id: spec["seed"] for run_id, spec in zip(body["runs"], body["specs"], strict=True)}

    @property
    def pack(self) -> tuple[int, ...]:
        return tuple(self._body()["pack"])

    @property
    def seeds(self) -> tuple[int, ...]:
        return self.pack or tuple(self.seed_of.values())

    @property
    def cell(self) -> str:
        """What the runs of a cell have in common; its id takes components."""
        return json.dumps(self._body()["specs"][0] | {"seed": 0})

    def part(self, runs: Sequence[str], pack: tuple[int, ...]) -> EncodedJob:
        body = self._body()
        specs = dict(zip(body["runs"], body["specs"], strict=True))
        return self._with(runs=runs, specs=[specs[run_id] for run_id in runs], pack=pack)

    def backing_off(self, backs_off: bool) -> EncodedJob:
        return self._with(backs_off=backs_off)

    def _body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.line)
        return body

    def _with(self, **changed: object) -> EncodedJob:
        return EncodedJob(json.dumps(self._body() | changed))


def score_key(evaluator: Evaluator, samples: int) -> str:
    """What makes two scores of a run comparable: the protocol, its version and the number of samples."""
    return f"{evaluator.notation()} v{evaluator.version} n={samples}"


def own_key(variant: Variant) -> str:
    """The name under which the scores are kept that a variant measures of its own networks."""
    return f"{variant.kind()} v{variant.version}"


def spec_file(spec: RunSpec) -> dict[str, Any]:
    """The content of a run's `spec.json`."""
    return {"run_id": spec.run_id(), "spec": spec.canonical(), "columns": saved_columns(spec)}


def encode(job: Job | EncodedJob) -> str:
    """A job as one line of JSON."""
    if isinstance(job, EncodedJob):
        return job.line
    components = {"specs": plain(job.specs, complete=True), "evaluators": plain(job.evaluators, complete=True)}
    return json.dumps({"runs": job.run_ids, **vars(job), **components})


def decode(line: str, registry: Registry) -> Job:
    """The job that was encoded. Raises `RequestError` for a component that this process doesn't have as it was."""
    body = json.loads(line)
    runs = tuple(body.pop("runs"))
    specs = tuple(_spec(spec, registry) for spec in body.pop("specs"))
    evaluators: Any = tuple(registry.build("evaluator", evaluator) for evaluator in body.pop("evaluators"))
    marks, pack = tuple(body.pop("marks")), tuple(body.pop("pack"))
    job = Job(specs, marks, evaluators=evaluators, pack=pack, **body)
    if job.run_ids != runs:
        given = "the worker reads other components than the command did: the file of a plug-in has changed"
        raise RequestError("job", given, todo="run the same line again")
    return job


def run_ids(line: str) -> tuple[str, ...]:
    """The ids of the runs of an encoded job, also of one that can't be decoded."""
    return tuple(json.loads(line)["runs"])


def read_spec(body: Mapping[str, Any], registry: Registry) -> RunSpec:
    """The run that `spec_file` describes, without what only its hashes know.

    Raises `RequestError` for a kind that is not known, `TypeError` for a component that lacks a required option, and
    `KeyError` for a body that is no spec.
    """
    named = (family for family in FAMILIES if family not in ADDED_AXES or body.get(family))
    components = {family: _options(body[family], registry.find(family, body[family]["kind"])) for family in named}
    return _spec({name: value for name, value in body.items() if name != "format"} | components, registry)


def _options(body: Mapping[str, Any], owner: type[Component]) -> dict[str, Any]:
    """The kind and the options of a component, without its version, its digest and its identity."""
    known = {"kind"} | {f.name for f in fields(owner)}
    return {name: value for name, value in body.items() if name in known}


def _spec(body: Mapping[str, Any], registry: Registry) -> RunSpec:
    named = (family for family in FAMILIES if body.get(family))
    components: dict[str, Any] = {family: registry.build(family, body[family]) for family in named}
    arithmetic = Arithmetic(**body.get("arithmetic", {}))
    parts = {
        **body,
        **components,
        "schedule": Schedule(**{name: revived(value) for name, value in body["schedule"].items()}),
    }
    return run_spec(**{**parts, "arithmetic": arithmetic})
