"""The section `outcome`: when a run is good and when it is diverse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge

from ganbench.evaluators.base import Metric
from ganbench.plugins import hint
from ganbench.results.questions import Condition, OutcomeRule
from ganbench.stats.outcomes import Thresholds
from ganbench.suite import per_dataset
from ganbench.suite.evaluation import Evaluation
from ganbench.suite.grid import Datasets
from ganbench.suite.nodes import Mistakes, Node
from ganbench.suite.values import mapping, scalar

Number = float
Ratio = Annotated[float, Ge(1)]
Drop = Annotated[float, Ge(0)]
KEYS = ("metric", "at_least", "at_most", "ratio", "drop")
PARTS = ("good", "diverse")
EXAMPLE = "outcome: {good: {metric: hq, at_least: 0.5}, diverse: {metric: modes, at_least: 7}}"


@dataclass(frozen=True, eq=False)
class Placed:
    """A condition and its node."""

    condition: Condition
    node: Node


Given = Mapping[str, list[Placed]]  # by the name of a dataset, or `default`


def read_outcome(
    node: Node, evaluation: Evaluation, datasets: Datasets, names: Iterable[str], mistakes: Mistakes
) -> dict[str, OutcomeRule]:
    """The rule for each dataset, by its notation. `names`: the datasets that may be named."""
    if isinstance(node.value, dict) and "stable" in node.value:
        note = f"give `good`, and `diverse` with a metric of diversity, as in {EXAMPLE}"
        mistakes.at(node.value["stable"].key or node, "`stable` is how suites of version 0.1 were written", note)
        return {}
    entries, known = mapping(node, "outcome", PARTS, mistakes), tuple(names)
    given: dict[str, Given] = {}
    for part in PARTS:
        if part in entries:
            reader = _Reader(part, {metric.name: metric for metric in evaluation.metrics}, mistakes)
            given[part] = per_dataset.read(entries[part], known, reader.conditions, mistakes)
        elif isinstance(node.value, dict):
            mistakes.at(node, f"outcome needs `{part}`", EXAMPLE)
    if len(given) < len(PARTS):
        return {}
    outcome = {}
    for notation, (dataset, _) in datasets.items():
        good, diverse = (per_dataset.of(given[part], dataset) for part in PARTS)
        for placed in (*(good or ()), *(diverse or ())):
            _check_measured(placed, notation, evaluation, mistakes)
        if good and diverse:
            outcome[notation] = OutcomeRule(good=_conditions(good), diverse=_conditions(diverse))
        elif (good is None) != (diverse is None):
            part = "good" if good is None else "diverse"
            mistakes.at(entries[part], f"outcome needs `{part}` for {notation} too", "or give neither part for it")
    return outcome


def _conditions(placed: Iterable[Placed]) -> tuple[Condition, ...]:
    return tuple(one.condition for one in placed)


@dataclass(frozen=True)
class _Reader:
    """Reads the conditions of one part of the section."""

    part: str
    metrics: Mapping[str, Metric]
    mistakes: Mistakes

    def conditions(self, entry: Node) -> list[Placed]:
        """The conditions of one dataset."""
        return [placed for item in entry.items if (placed := self._condition(item))]

    def _condition(self, node: Node) -> Placed | None:
        entries = mapping(node, self.part, KEYS, self.mistakes)
        if "metric" not in entries:
            if isinstance(node.value, dict):
                self.mistakes.at(node, f"{self.part} needs `metric`", EXAMPLE)
            return None
        metric = self._metric(entries["metric"])
        thresholds = self._thresholds(node, entries, metric) if metric else None
        return Placed(Condition(metric.name, thresholds), node) if metric and thresholds else None

    def _metric(self, node: Node) -> Metric | None:
        """The ranked metric of that name, which for `diverse` is a diversity metric."""
        metric = self.metrics.get(str(node.value))
        ranked = [name for name, known in self.metrics.items() if known.better != "neither"]
        if metric is None or metric.better == "neither":
            given = f"{self.part}: this suite has no ranked metric {node.text!r}"
            self.mistakes.at(node, given, hint(node.text, ranked))
            return None
        if self.part == "diverse" and not metric.diversity:
            able = ", ".join(name for name in ranked if self.metrics[name].diversity)
            allowed = f"metrics here that do: {able}" if able else "add an evaluator that does, such as class_modes"
            self.mistakes.at(node, f"{metric.name} does not measure diversity, as `diverse` needs", allowed)
            return None
        return metric

    def _thresholds(self, node: Node, entries: Mapping[str, Node], metric: Metric) -> Thresholds | None:
        limit, wrong = ("at_least", "at_most") if metric.better == "higher" else ("at_most", "at_least")
        if wrong in entries:
            given = f"{metric.name} is better when {metric.better}; give {limit}, not {wrong}"
            self.mistakes.at(entries[wrong].key or node, given)
            return None
        kinds: dict[str, Any] = {limit: Number, "ratio": Ratio, "drop": Drop}
        numbers = {key: scalar(key, kinds[key], entries[key], self.mistakes) for key in kinds if key in entries}
        if not numbers:
            self.mistakes.at(node, f"{self.part} needs `{limit}`, `ratio` or `drop`", EXAMPLE)
        if None in numbers.values() or not numbers:
            return None
        return Thresholds(limit=numbers.get(limit), ratio=numbers.get("ratio"), drop=numbers.get("drop"))


def _check_measured(placed: Placed, dataset: str, evaluation: Evaluation, mistakes: Mistakes) -> None:
    """Note a condition on a metric that is not measured on the dataset."""
    metric = placed.condition.metric
    owners = [e.notation() for e in evaluation.evaluators if metric in {own.name for own in e.metrics()}]
    for skip in evaluation.skipped:
        if skip.dataset == dataset and skip.evaluator in owners:
            mistakes.at(placed.node, f"{metric} is not measured on {dataset}: {skip.because}", "give it per dataset")
