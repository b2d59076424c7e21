"""The base of all components, and the description of a component's options.

A component is a frozen dataclass in a file of its own. Its fields are its hyper-parameters and the file's name is its
kind. This module also holds the types that bound a field's numbers (`Positive`, `Count` ...) and the functions that
describe fields to users (`options`).
"""

from __future__ import annotations

from abc import ABC
from dataclasses import MISSING, Field, dataclass, fields
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt

from ganbench.annealing import Annealable as Annealable
from ganbench.annealing import annealable
from ganbench.annealing import annealed as annealed
from ganbench.spec import ADDED as ADDED
from ganbench.spec import plain
from ganbench.text import number

if TYPE_CHECKING:
    from ganbench.spec import RunSpec

Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
Fraction = Annotated[float, Ge(0), Le(1)]
Momentum = Annotated[float, Ge(0), Lt(1)]
Count = Annotated[int, Ge(1)]
Index = Annotated[int, Ge(0)]


@dataclass(frozen=True)
class Search:
    """The range in which `ganbench tune` searches a field: `Annotated[Positive, Search(1e-5, 1e-2, log=True)]`."""

    low: float
    high: float
    log: bool = False  # sample uniformly in the logarithm


@dataclass(frozen=True, kw_only=True)
class Component(ABC):
    """Base of variants, penalties, augmentations, datasets, networks, optimizers and evaluators.

    A component is a value: it does not print, log, or read the clock or the environment. Its `version` is part of the
    run id; raise it when the component's numbers change. Two keys of a field's metadata change how the field is used:
    `field(metadata={"identity": False})` keeps it out of the run id, for example the path of a file, whose content
    `identity` then returns; `{"identity": "changed"}` (`ADDED`) keeps only its default out, so that an option which is
    added to a component leaves the ids of older runs; `{"option": False}` means that a suite can't set it.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True, "allow_inf_nan": False}

    version: ClassVar[int]
    source: ClassVar[str]  # the paper and equation, or where the data come from
    digest: ClassVar[str] = ""  # SHA-256 of the file that defines a user's component; empty for ganbench's own

    @classmethod
    def kind(cls) -> str:
        """The name used in a suite: the name of the file that defines the component."""
        return cls.__module__.rpartition(".")[2]

    def notation(self, hide: tuple[str, ...] = ()) -> str:
        """`lsgan` or `lsgan[a=-1,c=0]`: the kind, the fields that differ from their defaults, and a short identity."""
        changed = [
            f"{f.name}={_value_text(getattr(self, f.name))}"
            for f in fields(self)
            if f.name not in hide and f.metadata.get("identity", True)
            if f.default is MISSING or getattr(self, f.name) != f.default
        ]
        changed += [f"{name}={value[:8]}" for name, value in self.identity().items()]
        return self.kind() + (f"[{','.join(changed)}]" if changed else "")

    def identity(self) -> dict[str, str]:
        """What decides the numbers besides the fields, such as `{"content": SHA-256}`. It is part of the run id."""
        return {}

    def conflict(self, spec: RunSpec) -> str | None:
        """Why this component can't be used in this run and what to use instead; `None` when it can be used."""
        return None


def _value_text(value: Any) -> str:
    """Numbers in their usual form (`2e-4` as 0.0002, `1.0` as 1), tuples as `128x128`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return number(value)
    if isinstance(value, tuple):
        return "x".join(map(_value_text, value))
    return str(value)


# --- the options of a component ---


def option_fields(owner: type) -> tuple[Field[Any], ...]:
    """The fields that a suite can set; in a suite they have their `written_name`."""
    return tuple(f for f in fields(owner) if f.metadata.get("option", True))


def list_options(owner: type) -> frozenset[str]:
    """The names of the options whose value is a list."""
    hints = get_type_hints(owner, include_extras=True)
    return frozenset(f.name for f in option_fields(owner) if _holds_tuple(hints[f.name]))


def options(component: type[Component]) -> list[dict[str, Any]]:
    """One entry per option: `{"name": "lr", "type": "float", "default": 0.0002, "bounds": "> 0"}`.

    A required option has no `default`. `bounds` is empty where every value of the type is allowed. An option that
    `ganbench tune` searches has its range under `search`. One that may change during training has `anneals: true`.
    """
    hints, changing = get_type_hints(component, include_extras=True), annealable(component)
    return [
        _option(f, hints[f.name]) | ({"anneals": True} if f.name in changing else {}) for f in option_fields(component)
    ]


def searches(hint: Any) -> list[Search]:
    """The search range that a field's annotation declares, as a list of one; an empty list without a range."""
    return [mark for mark in get_args(hint)[1:] if isinstance(mark, Search)] if get_origin(hint) is Annotated else []


def _option(field: Field[Any], hint: Any) -> dict[str, Any]:
    entry = {"name": field.name, "type": type_text(hint), **_default(field), "bounds": bounds_text(hint)}
    for search in searches(hint):
        entry["search"] = f"{search.low:g} to {search.high:g}{', log' if search.log else ''}"
    return entry


def _default(field: Field[Any]) -> dict[str, Any]:
    if field.default is not MISSING:
        return {"default": plain(field.default)}
    return {} if field.default_factory is MISSING else {"default": plain(field.default_factory())}


def type_text(hint: Any) -> str:
    """A type for readers: `float`, `none | both`, `int | null`, `list of int`, `list of 2 float`."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return type_text(args[0])
    if origin in (Union, UnionType):
        return " | ".join(map(type_text, args))
    if origin is Literal:
        return " | ".join(map(str, args))
    if origin is tuple:
        length = "" if args[-1] is Ellipsis else f"{len(args)} "
        return f"list of {length}{type_text(args[0])}"
    return "null" if hint is NoneType else str(hint.__name__)


def bounds_text(hint: Any) -> str:
    """The bounds of a number, or of the numbers in a list: `>= 0 and < 1`."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return " and ".join(filter(None, (bounds_text(args[0]), *map(_bound, args[1:]))))
    if origin in (Union, UnionType, tuple):
        return next((text for arg in args if (text := bounds_text(arg))), "")
    return ""


def _bound(mark: object) -> str:
    match mark:
        case Gt(gt=limit):
            return f"> {limit}"
        case Ge(ge=limit):
            return f">= {limit}"
        case Lt(lt=limit):
            return f"< {limit}"
        case Le(le=limit):
            return f"<= {limit}"
    return ""


def _holds_tuple(hint: Any) -> bool:
    return get_origin(hint) is tuple or (get_origin(hint) is not Literal and any(map(_holds_tuple, get_args(hint))))
