"""What a search leaves for the report: the trials, the chosen settings and the expected best of k trials."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ganbench.tuning.best_of import best_of
from ganbench.tuning.search import STATES, Budget, Tuned

RULE = (
    "A trial that was given up counts with its value at its rung, one that diverged or failed with the worst value of"
    " all contenders' trials."
)


def record(suite: str, budget: Budget, tuned: Sequence[Tuned]) -> dict[str, Any]:
    """A JSON object. A failed trial's value is null and counts as `worst`, which is null where no trial has a value."""
    values = [trial.value for contender in tuned for trial in contender.trials if trial.value is not None]
    worst = (max if budget.better == "lower" else min)(values, default=None)
    searched = [_contender(contender, budget, worst) for contender in tuned]
    return {"suite": suite, **asdict(budget), "rule": RULE, "worst": worst, "contenders": searched}


def _contender(tuned: Tuned, budget: Budget, worst: float | None) -> dict[str, Any]:
    values = [math.nan if trial.value is None else trial.value for trial in tuned.trials]
    exchangeable = budget.sampler == "random"  # else a later trial depends on the earlier ones
    if worst is None or not exchangeable or all(map(math.isnan, values)):
        curve = []
    else:
        curve = best_of(values, budget.better, worst)
    return {
        "contender": tuned.contender,
        "columns": dict(tuned.columns),
        "chosen": tuned.chosen,
        "trials": [asdict(trial) for trial in tuned.trials],
        "best_of": [asdict(best) for best in curve],
    }


def lines(body: dict[str, Any]) -> str:
    """A table for a terminal: each contender's chosen settings and its best of 1, of half and of all trials."""
    head = f"{body['metric']} ({body['better']} is better), {body['trials']} trials each, {body['sampler']} search"
    rows = [head, body["rule"], ""]
    for contender in body["contenders"]:
        ended = Counter(trial["ended"] for trial in contender["trials"])
        rows.append(contender["contender"])
        rows.append("  trials: " + ", ".join(f"{ended[how]} {how}" for how in STATES))
        chosen = contender["chosen"] or {}
        rows.append("  chosen: " + (", ".join(f"{name} {value:.3g}" for name, value in chosen.items()) or "none"))
        n = len(contender["best_of"])
        for best in (best for best in contender["best_of"] if best["k"] in (1, (n + 1) // 2, n)):
            rows.append(f"  best of {best['k']:<3} {best['mean']:.4g} [{best['low']:.4g}, {best['high']:.4g}]")
    return "\n".join(rows)
