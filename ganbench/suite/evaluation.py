"""The section `evaluate`: when a run is scored, on how many samples and by which evaluators."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le

from ganbench.component import Fraction
from ganbench.evaluators.base import NAMES_OF_METRICS, Evaluator, Metric, is_file, is_metric_name
from ganbench.plugins import Registry, hint
from ganbench.spec import RunSpec
from ganbench.suite import per_dataset
from ganbench.suite.grid import Datasets
from ganbench.suite.nodes import Mistakes, Node
from ganbench.suite.values import STANDARD, Choice, Steps, choices, mapping, scalar
from ganbench.variants.base import Variant

SAMPLES = 1000
MOST_MARKS = 10_000  # of a run: each keeps a generator, a picture and its scores
Samples = Annotated[int, Ge(1), Le(10**7)]


@dataclass(frozen=True)
class Skipped:
    """An evaluator that can't score a dataset, with the reason. Both are given by their notation."""

    dataset: str
    evaluator: str
    because: str


@dataclass(frozen=True)
class Evaluation:
    """`every`: steps between two marks, by dataset or `default`; empty: only the last step is a mark.

    `samples`: the number generated at each mark. `budget`: the share of the wall time that evaluation may take; marks
    before the last are left out to keep to it.
    """

    every: Mapping[str, int]
    samples: int
    evaluators: tuple[Evaluator, ...]
    skipped: tuple[Skipped, ...] = ()
    own: tuple[Metric, ...] = ()  # metrics that variants measure on their own networks
    budget: float | None = None

    def marks(self, spec: RunSpec) -> tuple[int, ...]:
        """The steps at which a run is scored: every multiple of `every`, and always the last one."""
        every = per_dataset.of(self.every, spec.dataset) or spec.steps
        return (*range(every, spec.steps, every), spec.steps)

    def evaluators_for(self, spec: RunSpec) -> tuple[Evaluator, ...]:
        """The evaluators that can score the run's dataset."""
        skipped = {(skip.dataset, skip.evaluator) for skip in self.skipped}
        return tuple(e for e in self.evaluators if (spec.dataset.notation(), e.notation()) not in skipped)

    def on(self, datasets: Container[str]) -> Evaluation:
        """The evaluation of some of the suite's datasets, which are given by their notation."""
        return replace(self, skipped=tuple(skip for skip in self.skipped if skip.dataset in datasets))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics of the evaluators, in their order, then those of the variants."""
        return (*(metric for evaluator in self.evaluators for metric in evaluator.metrics()), *self.own)


def own_metrics(variants: Iterable[Variant]) -> tuple[Metric, ...]:
    """The metrics that variants measure on their own networks, each name once."""
    measures = {name: better for variant in variants for name, better in variant.measures.items()}
    return tuple(Metric(name, better) for name, better in measures.items())


def read_evaluation(
    node: Node, datasets: Datasets, names: Iterable[str], registry: Registry, mistakes: Mistakes
) -> Evaluation:
    """The section `evaluate`. `names`: the datasets for which a value may be given."""
    entries = mapping(node, "evaluate", ("every", "samples", "with", "budget"), mistakes)
    every: dict[str, int] = {}
    if "every" in entries:
        every = per_dataset.read(entries["every"], names, lambda n: scalar("every", Steps, n, mistakes) or 1, mistakes)
    samples = scalar("samples", Samples, entries["samples"], mistakes) if "samples" in entries else SAMPLES
    budget = scalar("budget", Fraction, entries["budget"], mistakes) if "budget" in entries else None
    wanted = entries.get("with")
    chosen = choices("evaluator", wanted, registry, mistakes) if wanted and wanted.value != [] else []
    notations = [choice.value.notation() for choice in chosen]
    ordered = [choice for i, choice in enumerate(chosen) if notations[i] not in notations[:i]]
    _check_names(ordered, mistakes)
    _check_code(ordered, registry, mistakes)
    checked = ordered if samples else ()  # whether an evaluator can score a dataset depends on the number of samples
    skipped = [skip for choice in checked for skip in _skipped(choice, datasets, samples, mistakes)]
    evaluators = tuple(choice.value for choice in ordered)
    return Evaluation(every, samples or 1, evaluators, tuple(skipped), budget=budget)


def check_marks(node: Node, evaluation: Evaluation, specs: Iterable[RunSpec], mistakes: Mistakes) -> None:
    """Note a run with too many marks, at `every`. The marks themselves are not made."""
    counts = (spec.steps // (per_dataset.of(evaluation.every, spec.dataset) or spec.steps) for spec in specs)
    most = max(counts, default=0)
    if most > MOST_MARKS:
        entries = node.value if isinstance(node.value, dict) else {}
        mistakes.at(entries.get("every", node), f"a run has {most} marks", f"at most {MOST_MARKS}", "raise `every`")


def read_select(node: Node, evaluation: Evaluation, mistakes: Mistakes) -> str:
    """The rule `select`: `last`, `tail` (the median of the last fifth) or `best:METRIC`."""
    rule, _, name = str(node.value).partition(":")
    known = [metric.name for metric in evaluation.metrics]
    if node.value not in ("last", "tail") and (rule != "best" or not name):
        mistakes.at(node, f"select = {node.text} is not a rule", hint(node.text, ("last", "tail", "best:METRIC")))
    elif rule == "best" and name not in known:
        mistakes.at(node, f"select: no evaluator of this suite reports {name!r}", hint(name, known))
    return str(node.value)


def _check_names(chosen: Iterable[Choice], mistakes: Mistakes) -> None:
    """Note two evaluators that report under the same name, because their scores would share a column."""
    owners: dict[str, Evaluator] = {}
    for choice in chosen:
        for metric in choice.value.metrics():
            if not is_metric_name(metric.name):
                given = f"{choice.value.notation()} reports {metric.name!r}, which can't name a metric"
                mistakes.at(choice.node, given, NAMES_OF_METRICS)
            owner = owners.setdefault(metric.name, choice.value)
            if owner is not choice.value:
                both = f"{owner.notation()} and {choice.value.notation()}"
                mistakes.at(choice.node, f"{both} both report {metric.name!r}", "put one of them into another suite")


def _check_code(chosen: Iterable[Choice], registry: Registry, mistakes: Mistakes) -> None:
    """Note features from a TorchScript file that is not among the plug-ins: its code would run."""
    for choice in chosen:
        for name in filter(is_file, choice.value.needs()):
            if not registry.trusts(Path(name)):
                given = f"features: {name} is a TorchScript file, which holds code, and it is not among the plug-ins"
                mistakes.at(
                    choice.node, given, f"if you trust it, name {name} in `plugins`, relative to the suite file"
                )


def _skipped(choice: Choice, datasets: Datasets, samples: int, mistakes: Mistakes) -> list[Skipped]:
    """The datasets that an evaluator can't score. It is a mistake if these are all and the evaluator was named."""
    evaluator: Evaluator = choice.value
    skipped = []
    for name, (dataset, space) in datasets.items():
        reason = evaluator.unsupported(space, samples, modes=dataset.has_modes)
        skipped += [Skipped(name, evaluator.notation(), reason)] if reason else []
    if datasets and len(skipped) == len(datasets) and choice.node.value != STANDARD:
        reasons = "; ".join(f"{skip.dataset}: {skip.because}" for skip in skipped)
        mistakes.at(choice.node, f"evaluator {evaluator.notation()} can score none of the suite's datasets", reasons)
    return skipped
