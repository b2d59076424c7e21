"""What a report computes as frames, for programs: runs, their outcomes, and claims."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from ganbench.errors import DamagedRun
from ganbench.report.analysis.rows import rows
from ganbench.report.analysis.trajectories import per_run
from ganbench.results.questions import Claim
from ganbench.spec import Arithmetic, flattened, plain

if TYPE_CHECKING:
    from ganbench.report.analysis.claims import Verdict
    from ganbench.report.analysis.parts import PartResult
    from ganbench.report.analysis.study import Study
    from ganbench.report.analysis.summary import Report
    from ganbench.results.store import Store
    from ganbench.results.table import Results

CLAIMS = {
    "claim": "int64", "says": "str", "source": "str", "dataset": "str", "answer": "str", "p": "float64",
    "p_corrected": "float64", "seeds_needed": "Int64", "part": "int64", "metric": "str", "part_answer": "str",
    "effect": "float64", "low": "float64", "high": "float64", "n": "int64", "part_p": "float64",
}  # fmt: skip
PRECISION = "arithmetic.precision"


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


def run_table(study: Study) -> pd.DataFrame:
    """One row for each run, in the suite's order.

    Columns: `run_id`; its value on each axis (`variant` ... `seed`; `precision` is a metric, so that axis is called
    `arithmetic.precision`); `status` (done, diverged, failed, running, missing
    or damaged); `outcome` of a run that is over (by the suite's rule, or completed or diverged without one; missing
    for others); `collapsed_step` (Int64); `step`, the last one that was trained (Int64); `seconds` of wall time, of its
    whole pack (float64); `error`, empty unless it failed; each option of its components and its training that is not
    the same in all runs, such as `optimizer.lr` (text, numbers, true and false; a list is JSON; missing where the
    component lacks it); and each metric as the number of the run by the study's rule (float64). A metric is missing
    where a run is not done or was not measured.
    """
    results = study.results
    ended = pd.DataFrame.from_dict(results.ended, orient="index", columns=["step", "seconds"])
    endings = outcome_table(results).set_index("run_id")
    numbers = study.numbers.pivot(index="run_id", columns="metric", values="headline").astype("float64")
    table = results.runs.set_index("run_id").rename(columns={"precision": PRECISION})
    by_status = table["status"].map({"done": "completed", "diverged": "diverged"})
    order = [metric for metric in results.manifest.metrics if metric in numbers]
    order += sorted(set(numbers.columns) - set(order))
    table = table.assign(
        outcome=endings["outcome"].reindex(table.index).fillna(by_status),
        collapsed_step=endings["step"].reindex(table.index).astype("Int64"),
        step=ended["step"].reindex(table.index).astype("Int64"),
        seconds=ended["seconds"].reindex(table.index).astype("float64"),
        error=table.pop("error"),
    )
    options = _varying_options(study.store, table.index).drop(columns=PRECISION, errors="ignore")
    return table.join(options).join(numbers[order]).reset_index()


def _varying_options(store: Store, run_ids: pd.Index) -> pd.DataFrame:
    """The options that differ between the runs that have begun, a column each; without the axes of the same name."""
    found = {run_id: _options(store, run_id) for run_id in run_ids}
    begun = [options for options in found.values() if options]
    names = dict.fromkeys(name for options in begun for name in options if "." in name)
    differing = [name for name in names if len({repr(options.get(name)) for options in begun}) > 1]
    return pd.DataFrame(
        [[options.get(name) for name in differing] for options in found.values()], index=run_ids, columns=differing
    )


def _options(store: Store, run_id: str) -> dict[str, Any]:
    """The options of a run by dotted names; none of a run that has not begun or whose spec is damaged."""
    try:
        spec = store.run(run_id).spec().get("spec", {})
    except DamagedRun:
        return {}
    whole = spec and {"arithmetic": plain(Arithmetic()), **spec}  # an id leaves out the usual arithmetic
    return {name: json.dumps(value) if isinstance(value, list) else value for name, value in flattened(whole)}


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
