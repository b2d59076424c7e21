"""What a search leaves for the report: the trials, the chosen settings and what the best of k is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ganbench.tuning.best_of import best_of
from ganbench.tuning.search import Budget, Tuned


def record(suite: str, budget: Budget, tuned: Sequence[Tuned]) -> dict[str, Any]:
    """A JSON object; a value is null where a trial was given up, diverged or failed."""
    return {"suite": suite, **asdict(budget), "contenders": [_contender(one, budget) for one in tuned]}


def _contender(one: Tuned, budget: Budget) -> dict[str, Any]:
    values = [math.nan if value is None else value for _, value in one.trials]
    exchangeable = budget.sampler == "random"  # else the trials' order is part of what they found
    curve = best_of(values, budget.better) if one.chosen is not None and exchangeable else []
    return {
        "contender": one.contender,
        "columns": dict(one.columns),
        "chosen": one.chosen,
        "trials": [{"settings": settings, "value": value} for settings, value in one.trials],
        "best_of": [asdict(best) for best in curve],
    }


def lines(body: dict[str, Any]) -> str:
    """A table for a terminal: each contender's chosen settings and its best of 1, of half and of all trials."""
    head = f"{body['metric']} ({body['better']} is better), {body['trials']} trials each, {body['sampler']} search"
    rows = [head, ""]
    for one in body["contenders"]:
        rows.append(one["contender"])
        if one["chosen"] is None:
            rows.append("  no trial came to an end with a value")
            continue
        rows.append("  chosen: " + ", ".join(f"{name} {value:.3g}" for name, value in one["chosen"].items()))
        n = len(one["best_of"])
        for best in (one["best_of"][k - 1] for k in sorted({1, (n + 1) // 2, n}) if k):
            rows.append(f"  best of {best['k']:<3} {best['mean']:.4g} [{best['low']:.4g}, {best['high']:.4g}]")
    return "\n".join(rows)
