"""The space that a tuner searches: the fields of a run's variant and optimizer that say where to look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_type_hints

from ganbench.component import Component, Search, searches
from ganbench.errors import RequestError
from ganbench.spec import RunSpec

PARTS: tuple[Literal["optimizer", "variant"], ...] = ("optimizer", "variant")


@dataclass(frozen=True)
class Knob:
    """One field that is searched: `optimizer.lr`."""

    part: Literal["optimizer", "variant"]
    field: str
    search: Search

    @property
    def name(self) -> str:
        return f"{self.part}.{self.field}"


def knobs(spec: RunSpec, only: Iterable[str] = ()) -> tuple[Knob, ...]:
    """The fields of a run that declare where to search; `only` those named (`optimizer.lr`), where any are."""
    found = [Knob(part, *one) for part in PARTS for one in _searched(getattr(spec, part))]
    wanted = set(only)
    return tuple(knob for knob in found if not wanted or knob.name in wanted)


def check_names(specs: Iterable[RunSpec], only: Iterable[str]) -> None:
    """Raises `RequestError` for a name that no run of the suite can search."""
    known = {knob.name for spec in specs for knob in knobs(spec)}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise RequestError(
            "--search", f"{', '.join(unknown)}: no run of the suite searches that", ", ".join(sorted(known)),
            "declare a range on the field: Annotated[Positive, Search(1e-5, 1e-2, log=True)]",
        )  # fmt: skip


def turned(spec: RunSpec, values: Mapping[str, Any]) -> RunSpec:
    """The run with its knobs at these values, by name."""
    parts = {
        part: replace(
            getattr(spec, part),
            **{name.partition(".")[2]: value for name, value in values.items() if name.startswith(f"{part}.")},
        )
        for part in PARTS
    }
    return replace(spec, **parts)


def _searched(component: Component) -> list[tuple[str, Search]]:
    hints = get_type_hints(type(component), include_extras=True)
    return [(name, mark) for name, hint in hints.items() for mark in searches(hint)]
