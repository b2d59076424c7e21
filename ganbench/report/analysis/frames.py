"""What a report computes as frames, for programs: claims and outcomes of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ganbench.report.analysis.rows import rows
from ganbench.report.analysis.trajectories import per_run
from ganbench.results.questions import Claim

if TYPE_CHECKING:
    from ganbench.report.analysis.claims import Verdict
    from ganbench.report.analysis.parts import PartResult
    from ganbench.report.analysis.summary import Report
    from ganbench.results.table import Results

CLAIMS = {
    "claim": "int64", "says": "str", "source": "str", "dataset": "str", "answer": "str", "p": "float64",
    "p_corrected": "float64", "seeds_needed": "Int64", "part": "int64", "metric": "str", "part_answer": "str",
    "effect": "float64", "low": "float64", "high": "float64", "n": "int64", "part_p": "float64",
}  # fmt: skip


def claim_table(report: Report) -> pd.DataFrame:
    """One row for each part of each claim on each dataset.

    Of the claim: `claim` (its place in the suite, from 1), `says`, `source`, `dataset`, `answer` (reproduced,
    contradicted or inconclusive), `p`, `p_corrected` (by Holm over all claims), `seeds_needed` (about how many would
    answer it). Of the part: `part` (from 1), `metric`, `part_answer` (holds, contradicted or open), `effect` with the
    ends `low` and `high` of its interval in the units of the metric (positive = the claim holds), `n` (pairs, or
    runs where there are none) and `part_p`. A number that is not known is missing.
    """
    claims = list[Claim]()
    claims.extend(verdict.claim for verdict in report.claims if verdict.claim not in claims)
    found = [
        _claim_row(verdict, part) | {"claim": claims.index(verdict.claim) + 1, "part": place}
        for verdict in report.claims
        for place, part in enumerate(verdict.parts, 1)
    ]
    return pd.DataFrame(found, columns=list(CLAIMS)).astype(CLAIMS)


def outcome_table(results: Results) -> pd.DataFrame:
    """One row for each finished run for which the suite has a rule: `run_id`, its columns, `outcome`, `step`."""
    known = rows(results, per_run(results, results.manifest.select), results.manifest.questions.outcome)
    found: list[dict[str, Any]] = [
        {"run_id": row.run_id, **row.columns, "outcome": row.ending.kind, "step": row.ending.step}
        for row in known
        if row.ending
    ]
    columns = ["run_id", *(name for name in results.runs.columns if name not in ("run_id", "status", "error"))]
    return pd.DataFrame(found, columns=[*columns, "outcome", "step"]).astype({"outcome": "str", "step": "Int64"})


def _claim_row(verdict: Verdict, part: PartResult) -> dict[str, Any]:
    effect = part.effect
    return {
        "says": verdict.claim.says,
        "source": verdict.claim.source,
        "dataset": verdict.dataset,
        "answer": verdict.answer,
        "p": verdict.p,
        "p_corrected": verdict.corrected,
        "seeds_needed": verdict.needed,
        "metric": part.part.test.metric,
        "part_answer": part.answer,
        "effect": effect.mean if effect else None,
        "low": effect.low if effect else None,
        "high": effect.high if effect else None,
        "n": part.n,
        "part_p": part.p,
    }
