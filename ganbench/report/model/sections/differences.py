"""`ganbench report A B`: the second results compared with the first."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ganbench.report.analysis.pairs import FEW
from ganbench.report.analysis.versus import enough, too_few_pairs
from ganbench.report.model.document import Document, Paragraph, Section, Table, named, numbered
from ganbench.report.text import (
    ABSENT,
    ARROWS,
    also_different,
    beside,
    detectable_text,
    interval_text,
    p_text,
    plural,
    too_few,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ganbench.report.analysis.versus import Difference, Versus
    from ganbench.report.model.document import Block


def differences(versus: Versus) -> Document:
    """One table of all differences."""
    sentence = too_few_pairs(versus)
    blocks: tuple[Block, ...] = (Paragraph(sentence), _table(versus)) if sentence else (_table(versus),)
    return Document(f"{versus.second} against {versus.first}", "", _counts(versus), (Section("", "", blocks),))


def as_json(versus: Versus) -> dict[str, Any]:
    """The differences for scripts."""
    rows = [
        asdict(difference.comparison)
        | {"left_out": difference.left_out, "lost": difference.lost, "had": difference.had}
        for difference in versus.differences
    ]
    counts = {name: getattr(versus, name) for name in ("worse", "better", "lost", "pairs_needed")}
    sides = {"first": versus.first, "second": versus.second, "rule": versus.rule}
    return {**sides, "differences": rows, "apart": versus.apart, **counts}


def _counts(versus: Versus) -> str:
    return (
        f"{plural(len(versus.differences), 'difference')}: {versus.better} better, {versus.worse} worse, {versus.lost}"
        " with lost runs, the others not significant."
    )


def _table(versus: Versus) -> Table:
    settings = list(dict.fromkeys(name for row in versus.differences for name in row.comparison.setting))
    note = (
        f"Rule {versus.rule}. Second minus first, paired by seed and setting: Wilcoxon's signed-rank test, or McNemar's"
        " test for a rate. Rows without a setting are over all settings; they are corrected separately from the others."
        " LOST: how many of the first's runs with the number have a counterpart in the second without it, because it"
        " failed, is missing or unfinished, diverged or was not measured."
    )
    note += f" Not compared: {'; '.join(versus.apart)}." if versus.apart else ""
    return Table(
        title="differences",
        label="differences",
        columns=(
            *named("metric", "dataset", *settings, "verdict"),
            *numbered(versus.first, versus.second, "difference [95 %]", "p (Holm)", "n", "notes"),
        ),
        rows=tuple(_row(difference, settings) for difference in versus.differences),
        note=note,
        titled=False,
    )


def _row(difference: Difference, settings: Sequence[str]) -> tuple[str, ...]:
    comparison, effect = difference.comparison, difference.comparison.effect
    setting = (str(comparison.setting.get(name, ABSENT)) for name in settings)
    metric = f"{comparison.metric} {ARROWS[comparison.direction]}"
    names = (metric, comparison.dataset, *setting, _verdict(difference))
    notes = "; ".join(_notes(difference)) or ABSENT
    if effect is None or comparison.corrected is None:
        return (*names, *(ABSENT,) * 4, "0", notes)
    sides = (beside(effect.second, effect.difference), beside(effect.first, effect.difference))
    return (*names, *sides, interval_text(effect.difference), p_text(comparison.corrected), str(effect.n), notes)


def _verdict(difference: Difference) -> str:
    verdict = {True: "better", False: "WORSE", None: ""}[difference.comparison.better]
    lost = f"LOST {difference.lost} of {difference.had}" if difference.lost else ""
    return ", ".join(filter(None, (verdict, lost))) or ABSENT


def _notes(difference: Difference) -> Iterator[str]:
    """What was left out, what else is different, and what could have been detected, as in the notes to claims."""
    comparison, effect = difference.comparison, difference.comparison.effect
    if effect is None:
        left = ", ".join(f"{runs} {why}" for why, runs in difference.left_out.items())
        yield f"no pair has {comparison.metric}{f' ({left})' if left else ''}"
        return
    if effect.few:
        yield f"fewer than {FEW} seeds"
    for why, runs in difference.left_out.items():
        yield f"{runs} of {effect.n + sum(difference.left_out.values())} pairs left out: {why}"
    if effect.varies:
        yield also_different(effect.varies)
    if comparison.better is None and not enough(effect.n, difference.family):
        yield too_few(effect.n, "pair")
    elif comparison.better is None and comparison.detectable:
        yield detectable_text(comparison.metric, beside(comparison.detectable, effect.difference))
