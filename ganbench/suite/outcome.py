"""The section `outcome`: the conditions of a stable run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le

from ganbench.evaluators.base import Metric
from ganbench.plugins import hint
from ganbench.results.questions import Condition
from ganbench.stats.outcomes import StabilityRule
from ganbench.suite import per_dataset
from ganbench.suite.evaluation import Evaluation
from ganbench.suite.grid import Datasets
from ganbench.suite.nodes import Mistakes, Node
from ganbench.suite.values import mapping, scalar

Number = float
Ratio = Annotated[float, Ge(1)]
Drop = Annotated[float, Ge(0)]
Share = Annotated[float, Gt(0), Le(1)]
KEYS = ("metric", "at_least", "at_most", "ratio", "drop", "marks")
MARKS = {"last": 0.0, "tail": 0.2, "all": 1.0}  # the share of the marks that decides; 0 means only the last one
EXAMPLE = "outcome: {stable: {metric: modes, at_least: 7, marks: tail}}"


@dataclass(frozen=True, eq=False)
class Placed:
    """A condition and its node."""

    condition: Condition
    node: Node


def read_outcome(
    node: Node, evaluation: Evaluation, datasets: Datasets, names: Iterable[str], mistakes: Mistakes
) -> dict[str, tuple[Condition, ...]]:
    """The conditions of a stable run, by the notation of each dataset. `names`: the datasets that may be named."""
    entries = mapping(node, "outcome", ("stable",), mistakes)
    if "stable" not in entries:
        mistakes.at(node, "outcome needs `stable`", EXAMPLE)
        return {}
    metrics = {metric.name: metric for metric in evaluation.metrics}

    def conditions(entry: Node) -> list[Placed]:
        return [placed for item in entry.items if (placed := _condition(item, metrics, mistakes))]

    given = per_dataset.read(entries["stable"], names, conditions, mistakes)
    outcome = {}
    for notation, (dataset, _) in datasets.items():
        chosen = per_dataset.of(given, dataset) or []
        for placed in chosen:
            _check_measured(placed, notation, evaluation, mistakes)
        if chosen:
            outcome[notation] = tuple(placed.condition for placed in chosen)
    return outcome


def _condition(node: Node, metrics: dict[str, Metric], mistakes: Mistakes) -> Placed | None:
    entries = mapping(node, "stable", KEYS, mistakes)
    if "metric" not in entries:
        if isinstance(node.value, dict):
            mistakes.at(node, "stable needs `metric`", EXAMPLE)
        return None
    metric = metrics.get(str(entries["metric"].value))
    if metric is None or metric.better == "neither":
        ranked = [name for name, known in metrics.items() if known.better != "neither"]
        given = entries["metric"].text
        mistakes.at(entries["metric"], f"stable: this suite has no ranked metric {given!r}", hint(given, ranked))
        return None
    limit, wrong = ("at_least", "at_most") if metric.better == "higher" else ("at_most", "at_least")
    if wrong in entries:
        key = entries[wrong].key or node
        mistakes.at(key, f"{metric.name} is better when {metric.better}; give {limit}, not {wrong}")
        return None
    kinds: dict[str, Any] = {limit: Number, "ratio": Ratio, "drop": Drop}
    numbers = {name: scalar(name, kind, entries[name], mistakes) for name, kind in kinds.items() if name in entries}
    if not numbers:
        mistakes.at(node, f"stable needs `{limit}`, `ratio` or `drop`", EXAMPLE)
    if None in numbers.values() or not numbers:
        return None
    tail = _tail(entries["marks"], mistakes) if "marks" in entries else MARKS["tail"]
    rule = StabilityRule(limit=numbers.get(limit), ratio=numbers.get("ratio"), drop=numbers.get("drop"), tail=tail)
    return Placed(Condition(metric.name, rule), node)


def _tail(node: Node, mistakes: Mistakes) -> float:
    if isinstance(node.value, str):
        if node.value not in MARKS:
            mistakes.at(node, f"marks = {node.text} must be a share of the marks or a word", hint(node.text, MARKS))
        return MARKS.get(node.value, MARKS["tail"])
    return float(scalar("marks", Share, node, mistakes) or MARKS["tail"])


def _check_measured(placed: Placed, dataset: str, evaluation: Evaluation, mistakes: Mistakes) -> None:
    """Note a condition on a metric that is not measured on the dataset."""
    metric = placed.condition.metric
    owners = [e.notation() for e in evaluation.evaluators if metric in {own.name for own in e.metrics()}]
    for skip in evaluation.skipped:
        if skip.dataset == dataset and skip.evaluator in owners:
            mistakes.at(placed.node, f"{metric} is not measured on {dataset}: {skip.because}", "give it per dataset")
