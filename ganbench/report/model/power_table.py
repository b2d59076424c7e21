"""What the claims of a suite can show, as a table and as JSON values, and which of them can be answered in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganbench.report.model.claim_text import tested_part
from ganbench.report.model.document import Column, Table
from ganbench.report.text import plural
from ganbench.results.questions import RATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ganbench.report.analysis.power import PartPower
    from ganbench.results.planned import PlannedClaims

CAPTION = (  # of the tables of one command, once
    "Smallest effect: detected with 80 % power. Power: the probability that the part is found to hold if "
    "the effect is as given. Both are at the level that a claim has while no other one is answered. Effects of rates "
    "(stable, collapsed, never_good, diverged) are differences of the rate, or how far inside its bounds it is. Those "
    "of other metrics are in standard deviations (sd): of the paired difference, or of a run where there are no pairs. "
    "A published effect in sd takes the paper's ± for the standard deviation over runs; where the paper gives no "
    "numbers, the effect is 1 sd, or for a rate the largest possible one. It is assumed that no run fails or diverges."
)


def power_table(found: Sequence[PartPower]) -> Table:
    """A row for each part of each claim on each dataset, at each look."""
    names = ("claim", "dataset", "part", "answerable")
    numbers = ("seeds", "n", "level", "smallest effect", "effect", "power")
    columns = tuple(Column(name, "names") for name in names) + tuple(map(Column, numbers))
    return Table(title="Power", label="power", columns=columns, rows=tuple(map(_row, found)))


def _row(part: PartPower) -> tuple[str, ...]:
    unit = "" if part.part.test.metric in RATES else " sd"
    return (
        f"{part.place + 1}. {part.claim.says}",
        part.dataset,
        tested_part(part.part),
        _answerable(part),
        str(part.seeds),
        " + ".join(map(str, part.sizes)) or "0",
        f"{part.level:.2g}",
        "none" if part.smallest is None else f"{part.smallest:.2f}{unit}",
        "–" if part.effect is None else f"{part.effect:.2f}{unit}{' (published)' if part.known == 'published' else ''}",
        f"{part.power:.2f}",
    )


def _answerable(part: PartPower) -> str:
    if part.claim.unanswerable:
        return f"marked: {part.claim.unanswerable}"
    return "yes" if part.answerable else "no"


def power_json(found: Sequence[PartPower]) -> list[dict[str, Any]]:
    """The same as JSON values."""
    return [
        {
            "claim": part.claim.says,
            "dataset": part.dataset,
            "part": tested_part(part.part),
            "answerable": part.answerable,
            "because": part.claim.unanswerable,
            "seeds": part.seeds,
            "n": list(part.sizes),
            "level": part.level,
            "unit": "rate" if part.part.test.metric in RATES else "sd",
            "smallest_effect": part.smallest,
            "effect": part.effect,
            "known": part.known,
            "power": part.power,
        }
        for part in found
    ]


def answerable_text(planned: PlannedClaims) -> str:
    """`6 of 7 claims can be answered after 12 seeds, 7 after 24`; a claim counts once on each dataset."""
    total = len(planned.tests[-1])
    counts = [sum(found) for found in planned.answerable]
    first, *later = (
        f"{count} of {plural(total, 'claim')} can be answered" if look == 0 else f"{count}"
        for look, count in enumerate(counts)
    )
    texts = zip((first, *later), planned.seeds, strict=True)
    return ", ".join(f"{text} after {plural(seeds, 'seed')}" for text, seeds in texts)
