"""The space that a search covers: the fields of a run's components that declare a range."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_type_hints

from ganbench.annealing import annealed
from ganbench.component import Component, Search, searches
from ganbench.errors import RequestError
from ganbench.spec import RunSpec

Part = Literal["optimizer", "variant", "penalty", "augment"]
PARTS: tuple[Part, ...] = ("optimizer", "variant", "penalty", "augment")


@dataclass(frozen=True)
class SearchedField:
    """One field that is searched: `optimizer.lr`."""

    part: Part
    field: str
    search: Search

    @property
    def name(self) -> str:
        return f"{self.part}.{self.field}"

    def default(self, spec: RunSpec) -> Any:
        """The field's default in the component of this run; the end of the range where by default it is off."""
        default = type(getattr(spec, self.part)).__dataclass_fields__[self.field].default
        return self.search.high if _is_off(default, self.search) else default


def searched_fields(spec: RunSpec, only: Iterable[str] = ()) -> tuple[SearchedField, ...]:
    """The fields of a run that declare a range; `only` the named ones (`optimizer.lr`), where any are named."""
    declared = [SearchedField(part, *field) for part, owner in _parts(spec).items() for field in _declared(owner)]
    wanted = set(only)
    return tuple(field for field in declared if not wanted or field.name in wanted)


def check_names(specs: Iterable[RunSpec], only: Iterable[str]) -> None:
    """Raises `RequestError` for a name that is not a searched field of any run of the suite."""
    known = {field.name for spec in specs for field in searched_fields(spec)}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise RequestError(
            "--search", f"{', '.join(unknown)}: no run has a search range for it", ", ".join(sorted(known)),
            "declare a range on the field: Annotated[Positive, Search(1e-5, 1e-2, log=True)]",
        )  # fmt: skip


def with_settings(spec: RunSpec, values: Mapping[str, Any]) -> RunSpec:
    """The run with its searched fields at these values, by name."""
    parts = {
        part: replace(
            owner,
            **{name.partition(".")[2]: value for name, value in values.items() if name.startswith(f"{part}.")},
        )
        for part, owner in _parts(spec).items()
    }
    return replace(spec, **parts)


def _parts(spec: RunSpec) -> dict[Part, Any]:
    """The components of a run that are searched; a run may have no penalty and no augmentation."""
    return {part: owner for part in PARTS if (owner := getattr(spec, part)) is not None}


def _declared(component: Component) -> list[tuple[str, Search]]:
    """The fields with a range, without those that change during training or are off."""
    hints = get_type_hints(type(component), include_extras=True)
    return [
        (name, search)
        for name, hint in hints.items()
        if name not in annealed(component)
        for search in searches(hint)
        if not _is_off(getattr(component, name), search)
    ]


def _is_off(value: float | None, search: Search) -> bool:
    """Whether a suite turned a field off, by null or by a 0 outside its range; a search would turn it on."""
    return value is None or (value == 0 and search.low > 0)
