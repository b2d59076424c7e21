"""Checks that every component must pass, whatever its family."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt, Predicate

from ganbench.component import Component, options
from ganbench.plugins import Registry, family_of
from ganbench.spec import canonical_json, plain
from ganbench.testing.claim import claim


def check_component(example: Component, registry: Registry | None = None) -> None:
    """The form of a component: a frozen, documented dataclass whose values have one name and one identity each.

    The example, and for each option a value that differs from it in that option alone, must have different notations
    and different canonical JSON (which run ids hash), be hashable, and reach a worker unchanged.
    """
    known = registry or Registry()
    check_class(type(example), known)
    values = [example, *variations(example)]
    for value in values:
        check_value(value, known)
    kind = example.kind()
    claim(len({value.notation() for value in values}) == len(values), f"{kind}: two values share a notation")
    claim(len({canonical_json(plain(value)) for value in values}) == len(values), f"{kind}: two values share an id")


def variations(example: Component) -> list[Any]:
    """For each option that counts in the run id, the example with another value of it that its annotation allows."""
    hints = get_type_hints(type(example), include_extras=True)
    counted = [f.name for f in fields(example) if f.metadata.get("identity", True)]
    others = {name: list(_others(hints[name], getattr(example, name))) for name in counted}
    lacking = [name for name, values in others.items() if not values]
    claim(not lacking, f"{example.kind()}: no other value is known for {', '.join(lacking)}")
    return [replace(example, **{name: values[0]}) for name, values in others.items()]


def check_class(component: type[Component], registry: Registry) -> None:
    """A frozen dataclass with version, source and docstrings, registered under the name of its file."""
    name = component.__name__
    frozen = "__dataclass_fields__" in vars(component) and _is_frozen(component)
    claim(frozen and all(f.kw_only for f in fields(component)), f"{name} is not a dataclass(frozen=True, kw_only=True)")
    claim(
        re.fullmatch("[a-z][a-z0-9_]*", component.kind()),
        f"{name}: the name of its file, {component.kind()!r}, is no valid kind",
    )
    registered = registry.find(family_of(component), component.kind())
    claim(registered is component, f"{component.kind()!r} names {registered.__name__}, not {name}")
    claim(type(component.version) is int and component.version >= 1, f"{name}.version is not an integer of at least 1")
    claim(component.source.strip(), f"{name}.source names no paper and no place")
    text = vars(component).get("__doc__") or f"{name}("  # a dataclass without a docstring gets its signature
    claim(not text.startswith(f"{name}("), f"{name} has no docstring")
    for option in options(component):
        explained = "default" in option or option["name"] in text
        claim(explained, f"{name}.{option['name']} has no default, and the docstring doesn't mention it")
    for method, _ in inspect.getmembers(component, inspect.isfunction):
        documented = method.startswith("_") or inspect.getdoc(getattr(component, method))
        claim(documented, f"{name}.{method} has no docstring")


def check_value(value: Component, registry: Registry) -> None:
    """One value: its notation, its equality, its canonical JSON, and its encoding for a worker."""
    name = value.notation()
    claim(re.fullmatch(rf"{value.kind()}(\[.+\])?", name), f"the notation {name!r} doesn't begin with the kind")
    claim(value == replace(value) and hash(value) == hash(replace(value)), f"{name} doesn't equal a copy of itself")
    text = canonical_json(plain(value))
    body = json.loads(text)
    claim(canonical_json(body) == text, f"{name}: its canonical JSON changes when it is read and written")
    head = (body["kind"], body["version"])
    claim(head == (value.kind(), value.version), f"{name}: its canonical JSON has another kind or version")
    family = family_of(type(value))
    sent = json.loads(json.dumps(plain(value, complete=True)))
    claim(registry.build(family, sent) == value, f"{name} reaches a worker as another value")


def _is_frozen(component: type[Component]) -> bool:
    return bool(vars(component)["__dataclass_params__"].frozen)


def _others(hint: Any, value: Any) -> Iterator[Any]:
    """Values other than `value` that a type allows."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        yield from (other for other in _others(args[0], value) if all(_within(other, mark) for mark in args[1:]))
    elif origin is Literal:
        yield from (word for word in args if word != value)
    elif origin in (Union, UnionType):
        yield from (other for arg in args if arg is not NoneType for other in _others(arg, value))
    elif origin is tuple:
        last = value[-1] if value else None
        yield from ((*value[:-1], other) for other in _others(args[0], last) if value or args[-1] is Ellipsis)
    elif hint is bool:
        yield not value
    elif hint in (int, float):
        numbers = (1, 2, 3, 5, 100, -1) if hint is int else (0.5, 0.25, 1.5, -1.5)
        yield from (number for number in numbers if number != value)
    elif hint is str:
        yield f"{value}x"


def _within(value: Any, mark: object) -> bool:
    """Whether a number is within a bound."""
    match mark:
        case Gt(gt=limit):
            return bool(value > limit)
        case Ge(ge=limit):
            return bool(value >= limit)
        case Lt(lt=limit):
            return bool(value < limit)
        case Le(le=limit):
            return bool(value <= limit)
        case Predicate(func=test):
            return bool(test(value))
    return True
