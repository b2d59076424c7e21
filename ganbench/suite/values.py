"""From nodes to checked values. Pydantic checks them; the node has the place of a mistake."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, is_dataclass, replace
from functools import cache
from typing import Annotated, Any

from annotated_types import Ge, Le
from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from ganbench.annealing import Annealing, annealable, nested, written_name
from ganbench.component import Component, list_options, option_fields
from ganbench.networks.base import BatchNorm
from ganbench.plugins import Registry, guess, hint
from ganbench.spec import HalfLife, MemoryFormat, Precision, Schedule, Seed
from ganbench.suite.nodes import Mistakes, Node

MOST = 100_000  # runs of a suite, values of an axis, seeds
LARGEST = 2**31 - 1  # whole number as an option of a component
Batch = Annotated[int, Ge(1), Le(2**20)]
GBatch = Annotated[int, Ge(2), Le(2**20)]  # two at least, for batch norm in G
Steps = Annotated[int, Ge(1), Le(10**9)]
SCALARS: dict[str, Any] = {
    **{"batchnorm": BatchNorm, "batch": Batch, "steps": Steps, "seed": Seed},
    **{"precision": Precision, "memory_format": MemoryFormat, "g_batch": GBatch},
}
STANDARD = "standard"  # under `evaluate.with`: what papers report today, each where the data allow it
STANDARD_EVALUATORS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("fid", {}),
    ("fid", {"features": "dinov2"}),
    ("kid", {}),
    ("inception_score", {}),
    ("precision_recall", {}),
    ("density_coverage", {"features": "dinov2"}),
    ("modes", {}),
    ("wasserstein", {}),
)
LONGEST_NAME = 100  # of a suite; it also names files, folders and an experiment
WORDS = {
    "greater_than": "must be above {gt:.10g}",
    "greater_than_equal": "must be at least {ge:.10g}",
    "less_than": "must be below {lt:.10g}",
    "less_than_equal": "must be at most {le:.10g}",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": "must be a word",
    "none_required": "must be null",
    "tuple_type": "must be a list",
    "too_short": "has too few items",
    "missing": "has too few items",
    "predicate_failed": "must be the path of a TorchScript file, letters, digits, - and _, then .pt",
    "too_long": "must have at most {max_length} items",
    "dataclass_type": "must be a mapping such as {example}",
}
EXAMPLES = {Annealing.__name__: "{from: 2e-4, to: 0}", HalfLife.__name__: "{half_life: 1000}"}


@dataclass(frozen=True, eq=False)
class Choice:
    """One value of an axis and its node."""

    value: Any
    node: Node


def choices(axis: str, node: Node, registry: Registry, mistakes: Mistakes) -> list[Choice]:
    """The values that a node gives to an axis, or to `evaluate.with` under the name `evaluator`.

    The node is a value or a list. A list inside a component makes one component for each item. A single number for
    `seed` is the number of seeds.
    """
    if isinstance(node.value, list) and not node.value:
        mistakes.at(node, f"the list of {axis} is empty", "give at least one value")
    if axis == "seed" and type(node.value) is int:
        return _seeds(node, mistakes)
    found: list[Choice] = []
    for item in node.items:
        found += _alternatives(axis, item, registry, mistakes)
        if len(found) > MOST:
            mistakes.at(item, f"{axis} has more than {MOST} values", "give fewer")
            break
    return found


def scalar(name: str, kind: Any, node: Node, mistakes: Mistakes) -> Any:
    """The value of a node as the type `kind`; None if it is not valid, which is noted."""
    return _checked(kind, node.plain, name, lambda _: node, mistakes)


def component(owner: type[Any], subject: str, node: Node, mistakes: Mistakes) -> Any:
    """An instance of a component class from a mapping of its options; None where one is wrong, which is noted."""
    return _built(owner, subject, node, node.value if isinstance(node.value, dict) else {}, mistakes)


def mapping(node: Node, owner: str, keys: Iterable[str], mistakes: Mistakes) -> dict[str, Node]:
    """The entries of a mapping. A key that is not in `keys` is noted as a mistake and left out."""
    known = tuple(keys)
    if not isinstance(node.value, dict):
        mistakes.at(node, f"{owner} must be a mapping", hint("", known))
        return {}
    for key, entry in node.value.items():
        if key not in known:
            mistakes.at(entry.key or entry, f"{owner} has no key {key!r}", hint(key, known))
    return {key: entry for key, entry in node.value.items() if key in known}


def _seeds(node: Node, mistakes: Mistakes) -> list[Choice]:
    if isinstance(node.value, int) and 1 <= node.value <= MOST:
        return [Choice(seed, node) for seed in range(node.value)]
    mistakes.at(
        node, f"seed = {node.text} is the number of seeds and must be in 1 .. {MOST}", "for a single seed write [3]"
    )
    return []


def _alternatives(axis: str, node: Node, registry: Registry, mistakes: Mistakes) -> list[Choice]:
    if axis in SCALARS:
        values = [scalar(axis, SCALARS[axis], node, mistakes)]
    elif axis == "schedule":
        values = _schedules(node, mistakes)
    else:
        values = _components(axis, node, registry, mistakes)
    return [Choice(value, node) for value in values if value is not None]


def _schedules(node: Node, mistakes: Mistakes) -> list[Schedule | None]:
    entries = {"order": node} if isinstance(node.value, str) else node.value
    if not isinstance(entries, dict):
        mistakes.at(node, "schedule must be an order or a mapping", "d_first, g_first, simultaneous, or {order: ...}")
        return []
    return [_built(Schedule, "schedule", node, body, mistakes) for body in _bodies(entries, Schedule, mistakes)]


def _components(family: str, node: Node, registry: Registry, mistakes: Mistakes) -> list[Component | None]:
    if family == "evaluator" and node.value == STANDARD:
        return [registry.find(family, kind)(**options) for kind, options in STANDARD_EVALUATORS]
    entries = {"kind": node} if isinstance(node.value, str) else node.value
    if not isinstance(entries, dict) or "kind" not in entries:
        mistakes.at(node, f"{family} must be a kind or a mapping with `kind`", hint("", registry.names(family)))
        return []
    kind = entries["kind"]
    if not isinstance(kind.value, str) or kind.value not in registry.names(family):
        mistakes.at(kind, f"there is no {family} {kind.text!r}", hint(kind.text, registry.names(family)))
        return []
    owner = registry.find(family, kind.value)
    options = {name: entry for name, entry in entries.items() if name != "kind"}
    subject = f"{family} {kind.value}"
    return [_built(owner, subject, node, body, mistakes) for body in _bodies(options, owner, mistakes)]


def _bodies(entries: Mapping[str, Node], owner: type, mistakes: Mistakes) -> list[dict[str, Node]]:
    """The mapping, once for each combination of the values in its lists, also in those of a mapping within."""
    lists, mappings = list_options(owner), nested(owner)
    for name, node in entries.items():
        if node.value == [] and name not in lists:
            mistakes.at(node, f"the list of {name} is empty", "give at least one value")

    def values(name: str, node: Node) -> list[Node]:
        if name in lists and not _is_axis(node):
            return [node]
        return [value for item in node.items for value in _within(item, mappings.get(name), mistakes)]

    alternatives = [values(name, node) for name, node in entries.items()]
    count = math.prod(map(len, alternatives))
    if count > MOST:
        largest = max(entries.values(), key=lambda node: len(node.items))
        mistakes.at(largest, f"the lists of these options have {count} combinations", f"at most {MOST}", "give fewer")
        return []
    return [dict(zip(entries, combination, strict=True)) for combination in itertools.product(*alternatives)]


def _within(node: Node, kind: type | None, mistakes: Mistakes) -> list[Node]:
    """The values that a node gives to an option; a mapping of that kind with lists inside is several."""
    if kind is None or not isinstance(node.value, dict):
        return [node]
    return [replace(node, value=body) for body in _bodies(node.value, kind, mistakes)]


def _is_axis(node: Node) -> bool:
    """Whether an option whose value is a list is given as a list of lists."""
    return any(isinstance(item.value, list) for item in node.items if item is not node)


def _built(owner: type[Any], subject: str, node: Node, body: Mapping[str, Node], mistakes: Mistakes) -> Any:
    """An instance of a component class or of `Schedule`; None if an option is wrong, which is noted."""
    names = [written_name(option) for option in option_fields(owner)]
    unknown = [name for name in body if name not in names]
    for name in unknown:
        mistakes.at(body[name].key or node, f"{subject} has no option {name!r}", hint(name, names))

    def place(path: Loc) -> Node:
        top = body.get(str(path[0]), node) if path else node
        return top.items[int(path[1])] if path[1:] and int(path[1]) < len(top.items) else top

    known = {name: option.plain for name, option in body.items() if name not in unknown}
    huge = [item for name in known for item in body[name].items if _is_huge(item)]
    for item in huge:
        mistakes.at(item, f"{subject}: {item.text} is too large", f"whole numbers are at most {LARGEST}")
    if huge:
        return None
    wrong = _wrong_mappings(owner, subject, body, mistakes)
    if wrong and wrong == list(known):  # nothing is left to check
        return None
    value = _checked(owner, {n: v for n, v in known.items() if n not in wrong}, subject, place, mistakes)
    return None if unknown or wrong else value


def _wrong_mappings(owner: type, subject: str, body: Mapping[str, Node], mistakes: Mistakes) -> list[str]:
    """The options whose value is a mapping with a mistake, which is noted at its place inside."""
    wrong, constants = [], annealable(owner)
    for name, kind in nested(owner).items():
        node = body.get(name)
        if node is None or not isinstance(node.value, dict):
            continue
        value = component(kind, f"{subject}: {name}", node, mistakes)
        changes = isinstance(value, Annealing)
        if value is None or (changes and not _in_bounds(constants[name], value, f"{subject}: {name}", node, mistakes)):
            wrong.append(name)
    return wrong


def _in_bounds(constant: Any, course: Annealing, subject: str, node: Node, mistakes: Mistakes) -> bool:
    """Whether a course runs between values that the option may have, or 0. What is not is noted."""
    entries = node.value if isinstance(node.value, dict) else {}
    limits = {name: value for name, value in course.limits().items() if value != 0}
    checked = [
        scalar(f"{subject}: {name}", constant, replace(entries.get(name, node), value=value), mistakes)
        for name, value in limits.items()
    ]
    return None not in checked


def _is_huge(node: Node) -> bool:
    return isinstance(node.value, int) and abs(node.value) > LARGEST


Loc = tuple[str | int, ...]  # (option,) or (option, index in its list); () for the whole


def _checked(kind: Any, plain: Any, subject: str, place: Callable[[Loc], Node], mistakes: Mistakes) -> Any:
    try:
        return _adapter(kind).validate_json(json.dumps(plain), strict=True)
    except ValidationError as error:
        for path, errors in itertools.groupby(error.errors(), key=lambda details: _path(details["loc"])):
            mistakes.at(place(path), *_message(subject, path, place(path), list(errors)))
    except PydanticUserError as error:
        mistakes.at(place(()), f"{subject}: its options can't be checked", error.message)
    return None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Components and `Schedule` say themselves which of their numbers are finite; every other number must be."""
    return TypeAdapter(kind, config=None if is_dataclass(kind) else ConfigDict(allow_inf_nan=False))


def _path(place: Loc) -> Loc:
    """Pydantic's place without the names of a union's members."""
    return (*place[:1], *(part for part in place[1:] if isinstance(part, int)))


def _message(subject: str, path: Loc, node: Node, errors: list[ErrorDetails]) -> tuple[str, ...]:
    """A message, and a hint if the word is close to an allowed one."""
    first = errors[0]
    if first["type"] == "missing" and len(path) == 1:
        return (f"{subject} needs the option {path[0]!r}",)
    if first["type"] == "value_error":
        return (f"{subject}: {first['msg'].removeprefix('Value error, ')}",)
    if isinstance(node.value, (int, float)):  # a number that may also be annealed
        errors = [error for error in errors if error["type"] != "dataclass_type"]
    words = " or ".join(_words(error).removeprefix("must be " if i else "") for i, error in enumerate(errors))
    option = "".join((str(path[0]), *(f"[{index}]" for index in path[1:]))) if path else ""
    given = f"{subject}: {option} = {node.text}" if path else f"{subject} = {node.text}"
    return (f"{given} {words}", guess(node.text, [word for error in errors for word in _allowed(error)]))


def _words(error: ErrorDetails) -> str:
    if error["type"] == "literal_error":
        return f"must be one of {', '.join(_allowed(error))}"
    given = error.get("ctx", {})
    return WORDS.get(error["type"], error["msg"]).format(
        **given, example=EXAMPLES.get(str(given.get("class_name")), "")
    )


def _allowed(error: ErrorDetails) -> list[str]:
    """The words of a `Literal`."""
    return re.findall(r"'([^']*)'", error.get("ctx", {}).get("expected", ""))
