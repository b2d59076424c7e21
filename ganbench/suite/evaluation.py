"""When a run is scored, on how many samples and by which protocols."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace

from ganbench.component import Count, Fraction
from ganbench.evaluators.base import Evaluator, Metric
from ganbench.plugins import Registry, hint
from ganbench.spec import RunSpec
from ganbench.suite import per_dataset
from ganbench.suite.grid import Datasets
from ganbench.suite.nodes import Mistakes, Node
from ganbench.suite.values import Choice, choices, mapping, scalar
from ganbench.variants.base import Variant

SAMPLES = 1000


@dataclass(frozen=True)
class Skipped:
    """An evaluator that can't score a dataset, both in their notation, and the reason."""

    dataset: str
    evaluator: str
    because: str


@dataclass(frozen=True)
class Evaluation:
    """`every`: steps between two marks, by dataset or `default`; empty: the last step only. `samples`: at each mark.

    `budget`: the share of the wall time that evaluation may take; marks but the last are left out to keep to it.
    """

    every: Mapping[str, int]
    samples: int
    evaluators: tuple[Evaluator, ...]
    skipped: tuple[Skipped, ...] = ()
    own: tuple[Metric, ...] = ()  # what variants measure of their own networks
    budget: float | None = None

    def marks(self, spec: RunSpec) -> tuple[int, ...]:
        """The steps at which a run is scored: every multiple of `every`, and always the last one."""
        every = per_dataset.of(self.every, spec.dataset) or spec.steps
        return (*range(every, spec.steps, every), spec.steps)

    def evaluators_for(self, spec: RunSpec) -> tuple[Evaluator, ...]:
        """The evaluators that can score the run's dataset."""
        skipped = {(one.dataset, one.evaluator) for one in self.skipped}
        return tuple(e for e in self.evaluators if (spec.dataset.notation(), e.notation()) not in skipped)

    def on(self, datasets: Container[str]) -> Evaluation:
        """The same for some of the suite's datasets, named by their notation."""
        return replace(self, skipped=tuple(one for one in self.skipped if one.dataset in datasets))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What the evaluators report, in their order, then what the variants do."""
        return (*(metric for evaluator in self.evaluators for metric in evaluator.metrics()), *self.own)


def own_metrics(variants: Iterable[Variant]) -> tuple[Metric, ...]:
    """What the variants measure of their own networks, each name once."""
    found = {name: better for variant in variants for name, better in variant.measures.items()}
    return tuple(Metric(name, better) for name, better in found.items())


def read_evaluation(
    node: Node, datasets: Datasets, names: Iterable[str], registry: Registry, mistakes: Mistakes
) -> Evaluation:
    """The section `evaluate`. `names`: the datasets that a value may be given for."""
    entries = mapping(node, "evaluate", ("every", "samples", "with", "budget"), mistakes)
    every: dict[str, int] = {}
    if "every" in entries:
        every = per_dataset.read(entries["every"], names, lambda n: scalar("every", Count, n, mistakes) or 1, mistakes)
    samples = scalar("samples", Count, entries["samples"], mistakes) if "samples" in entries else SAMPLES
    budget = scalar("budget", Fraction, entries["budget"], mistakes) if "budget" in entries else None
    wanted = entries.get("with")
    found = choices("evaluator", wanted, registry, mistakes) if wanted and wanted.value != [] else []
    notations = [choice.value.notation() for choice in found]
    ordered = [choice for i, choice in enumerate(found) if notations[i] not in notations[:i]]
    _check_names(ordered, mistakes)
    judged = ordered if samples else ()  # how many samples is part of whether an evaluator fits
    skipped = [one for choice in judged for one in _skipped(choice, datasets, samples, mistakes)]
    evaluators = tuple(choice.value for choice in ordered)
    return Evaluation(every, samples or 1, evaluators, tuple(skipped), budget=budget)


def read_select(node: Node, evaluation: Evaluation, mistakes: Mistakes) -> str:
    """The rule `select`: `last`, `tail` (the median of the last fifth) or `best:METRIC`."""
    rule, _, metric = str(node.value).partition(":")
    known = [one.name for one in evaluation.metrics]
    if node.value not in ("last", "tail") and (rule != "best" or not metric):
        mistakes.at(node, f"select = {node.text} is no rule", hint(node.text, ("last", "tail", "best:METRIC")))
    elif rule == "best" and metric not in known:
        mistakes.at(node, f"select: no evaluator of this suite reports {metric!r}", hint(metric, known))
    return str(node.value)


def _check_names(found: Iterable[Choice], mistakes: Mistakes) -> None:
    """Two evaluators that report under one name would be mixed in one column."""
    owners: dict[str, Evaluator] = {}
    for choice in found:
        for metric in choice.value.metrics():
            owner = owners.setdefault(metric.name, choice.value)
            if owner is not choice.value:
                both = f"{owner.notation()} and {choice.value.notation()}"
                mistakes.at(
                    choice.node, f"{both} both report {metric.name!r}", "put one of them into a suite of its own"
                )


def _skipped(choice: Choice, datasets: Datasets, samples: int, mistakes: Mistakes) -> list[Skipped]:
    evaluator: Evaluator = choice.value
    found = []
    for name, (dataset, space) in datasets.items():
        reason = evaluator.unsupported(space, samples, modes=dataset.has_modes)
        found += [Skipped(name, evaluator.notation(), reason)] if reason else []
    if datasets and len(found) == len(datasets):
        reasons = "; ".join(f"{one.dataset}: {one.because}" for one in found)
        mistakes.at(choice.node, f"evaluator {evaluator.notation()} fits none of the suite's datasets", reasons)
    return found
