"""A score sheet as a table for people and as JSON for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganbench.samples.choice import Unavailable
from ganbench.samples.scoring import ScoreLine, ScoreSheet
from ganbench.text import JSON_FORMAT

HEADER = ("metric", "value", "stderr", "generated", "reference", "evaluator")
ARROWS = {"lower": " ↓", "higher": " ↑", "neither": ""}


def score_table(sheet: ScoreSheet, absent: Sequence[Unavailable], fingerprints: bool) -> str:
    """The scores in columns, then what is absent and why; with `fingerprints`, also how each number was made."""
    rows = [HEADER, *map(_row, sheet.lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [
        "  ".join(cell.rjust(width) if 0 < i < 5 else cell.ljust(width)
                  for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]  # fmt: skip
    lines += ["", "absent:"] if absent else []
    lines += [f"  {missing.name}: {missing.because}" for missing in absent]
    for title, fingerprint in _by_fingerprint(sheet).items() if fingerprints else ():
        lines += ["", f"{title}:", *(f"  {key}: {value}" for key, value in fingerprint.items())]
    return "\n".join(lines)


def score_body(sheet: ScoreSheet, absent: Sequence[Unavailable]) -> dict[str, Any]:
    """`{"format": 1, "scores": [...], "absent": [...], "notes": [...], "generated": {...}, "reference": {...}}`."""
    scores = [
        {
            "metric": line.metric.name,
            "value": line.score.value,
            "stderr": line.score.stderr,
            "n_generated": line.score.n,
            "n_reference": line.score.n_reference,
            "evaluator": line.evaluator,
            "fingerprint": line.score.fingerprint,
        }
        for line in sheet.lines
    ]
    return {
        "format": JSON_FORMAT,
        "scores": scores,
        "absent": [vars(missing) for missing in absent],
        "notes": [*sheet.samples.notes, *sheet.notes],
        "generated": vars(sheet.samples.generated),
        "reference": vars(sheet.samples.reference),
    }


def _by_fingerprint(sheet: ScoreSheet) -> dict[str, dict[str, str]]:
    """Each fingerprint once, by the names of the metrics that share it."""
    names: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for line in sheet.lines:
        names.setdefault(tuple(line.score.fingerprint.items()), []).append(line.metric.name)
    return {", ".join(group): dict(fingerprint) for fingerprint, group in names.items()}


def _row(line: ScoreLine) -> tuple[str, ...]:
    score = line.score
    stderr = "" if score.stderr is None else f"{score.stderr:.3g}"
    counts = (str(score.n), str(score.n_reference or ""))
    return (line.metric.name + ARROWS[line.metric.better], f"{score.value:.6g}", stderr, *counts, line.evaluator)
