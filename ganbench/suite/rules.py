"""Which runs are left out and why: by the rules of the suite, or because components conflict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ganbench.component import Component
from ganbench.datasets.base import Space
from ganbench.plugins import hint
from ganbench.spec import GRID_AXES, RunSpec, Schedule, plain
from ganbench.suite.grid import Datasets, GridCell
from ganbench.suite.nodes import Mistakes, Node
from ganbench.suite.values import mapping

Labels = Mapping[str, tuple[str, ...]]  # axis -> the words that name its value


@dataclass(frozen=True)
class Excluded:
    """A run that the suite leaves out, with the reason."""

    spec: RunSpec
    because: str


@dataclass(frozen=True, eq=False)
class ExclusionRule:
    """An entry of `exclude`."""

    where: Mapping[str, Node]
    because: str
    node: Node

    def matches(self, spec: RunSpec) -> bool:
        """Whether the run has one of the rule's values on every axis that the rule names."""
        named = labels(spec)
        return all(any(_is(item.plain, axis, spec, named) for item in node.items) for axis, node in self.where.items())

    def values(self) -> list[tuple[str, Node]]:
        """Each axis of the rule with each of its values."""
        return [(axis, item) for axis, node in self.where.items() for item in node.items]


def read_rules(node: Node, mistakes: Mistakes) -> tuple[ExclusionRule, ...]:
    """The rules of `exclude`."""
    rules = []
    for item in node.items:
        entries = mapping(item, "exclude", ("where", "because"), mistakes)
        missing = [key for key in ("where", "because") if key not in entries]
        for key in missing if isinstance(item.value, dict) else ():
            mistakes.at(item, f"exclude needs `{key}`", "exclude: [{where: {dataset: ring8}, because: why}]")
        if missing:
            continue
        because, where = entries["because"], mapping(entries["where"], "where", GRID_AXES, mistakes)
        if not isinstance(because.value, str) or not because.value.strip():
            mistakes.at(because, "because must be a text that gives the reason")
        if isinstance(entries["where"].value, dict) and not entries["where"].value:
            mistakes.at(entries["where"], "where names no axis", hint("", GRID_AXES))
        rules.append(ExclusionRule(where, str(because.value), item))
    return tuple(rules)


def labels(spec: RunSpec) -> Labels:
    """The words that name a run's value on each axis: its notation and its kind."""
    return {axis: (str(column), *_short(getattr(spec, axis, None))) for axis, column in spec.columns().items()}


def all_labels(specs: Iterable[RunSpec]) -> dict[str, tuple[str, ...]]:
    """The words that name some run's value, on each axis."""
    seen: dict[str, dict[str, None]] = {axis: {} for axis in GRID_AXES}
    for spec in specs:
        for axis, words in labels(spec).items():
            seen[axis].update(dict.fromkeys(words))
    return {axis: tuple(words) for axis, words in seen.items()}


def sorted_out(
    cells: Iterable[GridCell], rules: Iterable[ExclusionRule], datasets: Datasets
) -> tuple[tuple[RunSpec, ...], tuple[Excluded, ...]]:
    """The runs to do and the runs left out, each once. Conflicts are checked once for all seeds of a cell."""
    specs: dict[str, RunSpec] = {}
    excluded: dict[str, Excluded] = {}
    for cell in cells:
        reason = conflict(cell.spec, datasets[cell.spec.dataset.notation()][1])
        for seed in cell.seeds:
            spec = replace(cell.spec, seed=seed)
            because = next((rule.because for rule in rules if rule.matches(spec)), reason)
            if because:
                excluded.setdefault(spec.run_id(), Excluded(spec, because))
            else:
                specs.setdefault(spec.run_id(), spec)
    return tuple(specs.values()), tuple(excluded.values())


def check_used(rules: Iterable[ExclusionRule], specs: Iterable[RunSpec], mistakes: Mistakes) -> None:
    """Note each rule that matches no run, at the values that no run has, if any."""
    specs = tuple(specs)
    for rule in rules:
        if any(map(rule.matches, specs)):
            continue
        strangers = [(a, item) for a, item in rule.values() if not any(_is(item.plain, a, s, labels(s)) for s in specs)]
        for axis, item in strangers:
            known = all_labels(specs)[axis]
            mistakes.at(item, f"no run of this suite has {axis} {item.text}", hint(item.text, known))
        if not strangers:
            mistakes.at(rule.node, "this rule matches no run, because no run has all of these values")


def conflict(spec: RunSpec, space: Space) -> str | None:
    """The first reason why the components of a run can't be used together; None if they can."""
    unsupported = spec.network.unsupported(space)
    if unsupported:
        return f"network {spec.network.kind()}: {unsupported}"
    lacking = sorted((spec.variant.needs - spec.network.parts) | (set(spec.variant.others) - spec.network.others))
    if lacking:
        return (
            f"variant {spec.variant.kind()}: needs a network with {', '.join(lacking)}; {spec.network.kind()} has none"
        )
    if spec.variant.asks_labels and not space.classes:
        return f"variant {spec.variant.kind()}: needs labels, and {spec.dataset.kind()} has none"
    if reason := spec.arithmetic.conflict(space):
        return f"memory_format: {reason}"
    if spec.network.pac > 1 and spec.network.conditional:
        return f"network {spec.network.kind()}: packed samples have no single label; set pac to 1"
    added = {"penalty": spec.penalty, "augment": spec.augment}
    for axis, part in added.items():
        if part and (reason := part.unsupported(space)):
            return f"{axis} {part.kind()}: {reason}"
    checks = {f"{axis} {part.kind()}": part.conflict for axis, part in spec.components().items()}
    reasons = ((name, check(spec)) for name, check in (checks | {"schedule": spec.schedule.conflict}).items())
    return next((f"{name}: {reason}" for name, reason in reasons if reason), None)


def is_named(wanted: Any, axis: str, spec: RunSpec) -> bool:
    """Whether a value in `where` means the run's value on an axis."""
    return _is(wanted, axis, spec, labels(spec))


def _is(wanted: Any, axis: str, spec: RunSpec, named: Labels) -> bool:
    """Whether a value in `where` is a run's kind, notation or number, or its fields (of a list, any item)."""
    if not isinstance(wanted, dict):
        return str(wanted) in named[axis]
    fields = plain(getattr(spec, axis, None))
    return isinstance(fields, dict) and all(
        fields.get(name) == value or (isinstance(value, list) and fields.get(name) in value)
        for name, value in wanted.items()
    )


def _short(part: Any) -> tuple[str, ...]:
    if isinstance(part, Component):
        return (part.kind(),)
    return (part.order,) if isinstance(part, Schedule) else ()
