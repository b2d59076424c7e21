"""A component is one frozen dataclass in one file; its fields are its hyper-parameters, its kind the file's name."""

from __future__ import annotations

from abc import ABC
from dataclasses import MISSING, Field, dataclass, fields
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt

from ganbench.spec import plain

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
    """Where `ganbench tune` looks for a field's value: `Annotated[Positive, Search(1e-5, 1e-2, log=True)]`."""

    low: float
    high: float
    log: bool = False  # evenly in the logarithm


@dataclass(frozen=True, kw_only=True)
class Component(ABC):
    """Base of variants, datasets, networks, optimizers and evaluators.

    A component is a value: it never prints, logs, reads the clock or the environment. Its `version` is part of the
    run id: raise it when the component's numbers change. A field that doesn't decide numbers (where a file lies) is
    declared with `field(metadata={"identity": False})`; what does decide them in its place is told by `identity`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True, "allow_inf_nan": False}

    version: ClassVar[int]
    source: ClassVar[str]  # the paper and equation, or where the data come from
    digest: ClassVar[str] = ""  # SHA-256 of the file of a user's own component; empty for ganbench's own

    @classmethod
    def kind(cls) -> str:
        """The name used in a suite: the name of the file that defines the component."""
        return cls.__module__.rpartition(".")[2]

    def notation(self, hide: tuple[str, ...] = ()) -> str:
        """`lsgan`, or `lsgan[a=-1,c=0]`: the kind, every field that differs from its default, and a short identity."""
        changed = [
            f"{f.name}={_plain(getattr(self, f.name))}"
            for f in fields(self)
            if f.name not in hide and f.metadata.get("identity", True)
            if f.default is MISSING or getattr(self, f.name) != f.default
        ]
        changed += [f"{name}={value[:8]}" for name, value in self.identity().items()]
        return self.kind() + (f"[{','.join(changed)}]" if changed else "")

    def identity(self) -> dict[str, str]:
        """What decides the numbers besides the fields: `{"content": SHA-256}` of a user's file. Part of the run id."""
        return {}

    def conflict(self, spec: RunSpec) -> str | None:
        """Why this component can't serve in this run, and what would; `None` when it can."""
        return None


def _plain(value: Any) -> str:
    """Numbers as one writes them (`2e-4` as 0.0002, `1.0` as 1), tuples as `128x128`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, tuple):
        return "x".join(map(_plain, value))
    return str(value)


def options(component: type[Component]) -> list[dict[str, Any]]:
    """One entry per field: `{"name": "lr", "type": "float", "default": 0.0002, "bounds": "> 0"}`.

    A required option has no `default`; `bounds` is empty where every value of the type will do. An option that
    `ganbench tune` searches has the range under `search`.
    """
    hints = get_type_hints(component, include_extras=True)
    return [_option(f, hints[f.name]) for f in fields(component)]


def searches(hint: Any) -> list[Search]:
    """The range in which a field is searched, where it declares one."""
    return [mark for mark in get_args(hint)[1:] if isinstance(mark, Search)] if get_origin(hint) is Annotated else []


def _option(field: Field[Any], hint: Any) -> dict[str, Any]:
    found = [f"{mark.low:g} to {mark.high:g}{', log' if mark.log else ''}" for mark in searches(hint)]
    search = {"search": found[0]} if found else {}
    return {"name": field.name, "type": type_text(hint), **_default(field), "bounds": bounds_text(hint), **search}


def list_options(owner: type) -> frozenset[str]:
    """The names of the fields whose value is itself a list."""
    hints = get_type_hints(owner, include_extras=True)
    return frozenset(f.name for f in fields(owner) if _holds_tuple(hints[f.name]))


def type_text(hint: Any) -> str:
    """A type as one says it: `float`, `none | both`, `int | null`, `list of int`, `list of 2 float`."""
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
        return " and ".join(filter(None, map(_bound, args[1:])))
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


def _default(field: Field[Any]) -> dict[str, Any]:
    if field.default is not MISSING:
        return {"default": plain(field.default)}
    return {} if field.default_factory is MISSING else {"default": plain(field.default_factory())}


def _holds_tuple(hint: Any) -> bool:
    return get_origin(hint) is tuple or (get_origin(hint) is not Literal and any(map(_holds_tuple, get_args(hint))))
