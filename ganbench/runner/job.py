"""A job: what one worker is told to do. It crosses the pipe to the worker as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ganbench.component import Component
from ganbench.spec import RunSpec, Schedule

if TYPE_CHECKING:
    from ganbench.evaluators.base import Evaluator
    from ganbench.plugins import Registry

FAMILIES = ("variant", "dataset", "network", "optimizer")


@dataclass(frozen=True)
class Job:
    """Train runs that differ only in their seed (most often one run) and score them at marks."""

    specs: tuple[RunSpec, ...]
    marks: tuple[int, ...]  # steps, rising; the last one is the run's length
    samples: int  # generated at each mark
    evaluators: tuple[Evaluator, ...]
    until: int | None = None  # leave the runs at this mark, to be gone on with; None: to their end
    budget: float | None = None  # the share of the wall time that evaluation may take; marks are left out to keep to it

    @property
    def run_ids(self) -> tuple[str, ...]:
        return tuple(spec.run_id() for spec in self.specs)

    def wanted(self) -> dict[str, Evaluator]:
        """The evaluators by the name under which their scores are kept."""
        return {score_key(evaluator, self.samples): evaluator for evaluator in self.evaluators}


def score_key(evaluator: Evaluator, samples: int) -> str:
    """What makes two scores of a run comparable: the protocol, its version and the number of samples."""
    return f"{evaluator.notation()} v{evaluator.version} n={samples}"


def encode(job: Job) -> dict[str, Any]:
    """A job as JSON values."""
    return {
        "specs": [{f.name: _value(getattr(spec, f.name)) for f in fields(spec)} for spec in job.specs],
        "marks": list(job.marks),
        "samples": job.samples,
        "until": job.until,
        "budget": job.budget,
        "evaluators": [_value(evaluator) for evaluator in job.evaluators],
    }


def decode(body: Mapping[str, Any], registry: Registry) -> Job:
    """The job that was encoded. Raises `RequestError` for a component that is not there."""
    return Job(
        tuple(_spec(spec, registry) for spec in body["specs"]),
        tuple(body["marks"]),
        body["samples"],
        tuple(_component(registry, "evaluator", evaluator) for evaluator in body["evaluators"]),
        body["until"],
        body["budget"],
    )


def _spec(body: Mapping[str, Any], registry: Registry) -> RunSpec:
    components = {family: _component(registry, family, body[family]) for family in FAMILIES}
    rest = {name: value for name, value in body.items() if name not in (*FAMILIES, "schedule")}
    return RunSpec(**components, schedule=Schedule(**body["schedule"]), **rest)


def _component(registry: Registry, family: str, body: Mapping[str, Any]) -> Any:
    options = {name: _tuples(value) for name, value in body.items() if name != "kind"}
    return registry.find(family, body["kind"])(**options)


def _value(value: Any) -> Any:
    if isinstance(value, (Component, Schedule)):
        kind = {"kind": value.kind()} if isinstance(value, Component) else {}
        return kind | {f.name: _value(getattr(value, f.name)) for f in fields(value)}
    return value


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
