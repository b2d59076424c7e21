"""Which claims the runs of a suite can answer at all, before any of them is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ganbench.results.looks import look_of_runs
from ganbench.results.planned import PlannedClaims, PlannedRun, planned_tests
from ganbench.results.questions import RATES, Questions
from ganbench.spec import RunSpec
from ganbench.suite.evaluation import Evaluation
from ganbench.suite.nodes import Mistakes, Node


def planned_claims(
    specs: Sequence[RunSpec], evaluation: Evaluation, questions: Questions, looks: Sequence[int]
) -> PlannedClaims:
    """The tests that the claims of a suite will have at each look."""
    runs = [PlannedRun(spec.columns(), _metrics(spec, evaluation, questions)) for spec in specs]
    if not looks:
        seeds = max(Counter(replace(spec, seed=0) for spec in specs).values(), default=0)
        return PlannedClaims(questions.claims, (seeds,), (planned_tests(runs, questions.claims),))
    places = look_of_runs({spec.run_id(): run.columns for spec, run in zip(specs, runs, strict=True)}, looks)
    entered = [[run for run, place in zip(runs, places.values(), strict=True) if place <= look]
               for look in range(len(looks))]  # fmt: skip
    return PlannedClaims(questions.claims, tuple(looks), tuple(planned_tests(own, questions.claims) for own in entered))


def _metrics(spec: RunSpec, evaluation: Evaluation, questions: Questions) -> frozenset[str]:
    scored = {metric.name for evaluator in evaluation.evaluators_for(spec) for metric in evaluator.metrics()}
    rates = set(RATES) if spec.dataset.notation() in questions.outcome else {"diverged"}
    return frozenset(scored | rates | set(spec.variant.measures))


def check_answerable(planned: PlannedClaims, nodes: Sequence[Node], mistakes: Mistakes) -> None:
    """Note each claim that no outcome of the runs could answer and that does not say so. `nodes`: of the claims."""
    for test, seeds in planned.never_answered():
        if planned.claims[test.place].unanswerable:
            continue
        given = f"no outcome of {planned.seeds[-1]} seeds could answer this claim on {test.dataset}"
        least = f"its smallest p is {test.least:.2g}, and with Holm's correction over all claims that is too large"
        todo = f"{seeds} seeds would do; or" if seeds else "no number of seeds up to 200 would do;"
        mistakes.at(nodes[test.place], given, least, f"{todo} mark it `answerable: no` and say `because`")
