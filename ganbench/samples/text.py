"""A card as a table for people and as JSON for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganbench.samples.choice import Absent
from ganbench.samples.scoring import Card, Line

HEADER = ("metric", "value", "stderr", "generated", "reference", "evaluator")
ARROWS = {"lower": " ↓", "higher": " ↑", "neither": ""}


def table(card: Card, absent: Sequence[Absent], fingerprints: bool) -> str:
    """The scores in columns, then what is absent and why; with `fingerprints` how each number was made."""
    rows = [HEADER, *map(_row, card.lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [
        "  ".join(cell.rjust(width) if 0 < i < 5 else cell.ljust(width)
                  for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]  # fmt: skip
    lines += ["", "absent:"] if absent else []
    lines += [f"  {one.name}: {one.because}" for one in absent]
    for title, prints in _groups(card).items() if fingerprints else ():
        lines += ["", f"{title}:", *(f"  {key}: {value}" for key, value in prints.items())]
    return "\n".join(lines)


def body(card: Card, absent: Sequence[Absent]) -> dict[str, Any]:
    """`{"scores": [...], "absent": [...], "notes": [...], "generated": {...}, "reference": {...}}`."""
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
        for line in card.lines
    ]
    notes = {"absent": [vars(one) for one in absent], "notes": list(card.sides.notes)}
    return {"scores": scores, **notes, **card.sides.about}


def _groups(card: Card) -> dict[str, dict[str, str]]:
    """Each fingerprint once, by the names of the metrics that share it."""
    names: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for line in card.lines:
        names.setdefault(tuple(line.score.fingerprint.items()), []).append(line.metric.name)
    return {", ".join(group): dict(prints) for prints, group in names.items()}


def _row(line: Line) -> tuple[str, ...]:
    score = line.score
    stderr = "" if score.stderr is None else f"{score.stderr:.3g}"
    counts = (str(score.n), str(score.n_reference or ""))
    return (line.metric.name + ARROWS[line.metric.better], f"{score.value:.6g}", stderr, *counts, line.evaluator)
