"""The options of a component, read off its annotations: name, type, default and bounds."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt

from ganbench.component import Component, Search
from ganbench.spec import plain


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
