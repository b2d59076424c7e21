"""Claims, their tests and their answers in words, the same in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.report.text import interval_text, plural
from ganbench.results.questions import RATES, Contrast
from ganbench.text import span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ganbench.report.analysis.claims import Verdict
    from ganbench.report.analysis.parts import PartResult
    from ganbench.report.analysis.replication import Replication
    from ganbench.results.questions import Cell, Claim, Level, Part

ANSWERS = {"reproduced": "reproduced", "contradicted": "CONTRADICTED", "inconclusive": "inconclusive"}
MANY = 1000  # seeds, above which their number is only said to be larger


def answer(verdict: Verdict) -> str:
    """`reproduced`, or `reproduced on digits` if the claim is tested on other data than the paper's."""
    surrogate = verdict.claim.surrogate
    return ANSWERS[verdict.answer] + (f" on {surrogate.used}" if surrogate else "")


def tested(claim: Claim) -> str:
    """A claim's test: `stable: lsgan better than ns, where batchnorm none`, or those of its parts, joined by *and*."""
    return "; and ".join(map(tested_part, claim.parts))


def tested_part(part: Part) -> str:
    """The test of a part in words."""
    test = part.test
    where = "; ".join(f"{name} {' or '.join(map(str, values))}" for name, values in part.where.items())
    if isinstance(test, Contrast):
        worse = cell_text(test.worse)
        relation = f"better than {worse}" if test.within is None else f"within {test.within:g} of {worse}"
        words = f"{test.metric}: {cell_text(test.better)} {relation}{'' if test.paired else ', unpaired'}"
    else:
        words = f"{test.metric} {bounds_text(test)}"
    return words + (f", where {where}" if where else "")


def bounds_text(test: Level) -> str:
    """`at least 0.5`, `at most 2` or `in 221 .. 229`."""
    if test.low is not None and test.high is not None:
        return f"in {test.low:g} .. {test.high:g}"
    return f"at least {test.low:g}" if test.low is not None else f"at most {test.high:g}"


def cell_text(cell: Cell) -> str:
    """`lsgan`, or `batchnorm none, optimizer adam`: a variant goes without the name of its axis."""
    return ", ".join(str(value) if axis == "variant" else f"{axis} {value}" for axis, value in cell.items())


def measure(test: Contrast | Level, units: Mapping[str, str]) -> str:
    """What the effect of a test is: the metric with its unit, and of a comparison what a positive effect means."""
    name = _with_unit(test.metric, units)
    if not isinstance(test, Contrast):
        return name
    return f"{name}, {'better by (positive = the claim holds)' if test.within is None else 'difference'}"


def sentence(verdict: Verdict, units: Mapping[str, str]) -> str:
    """What was found: the claim, its answer, and for each part its numbers, their direction and what they rest on.

    `units`: by metric, empty for one without.
    """
    found = "; ".join(_found(part, _own(part.part, verdict.claim), units) for part in verdict.parts)
    return f"{verdict.claim.says} ({verdict.dataset}): {answer(verdict)}. {found}.{_more(verdict)}"


def matched(verdicts: Sequence[Verdict], found: Replication) -> list[tuple[Verdict, Verdict | None]]:
    """Each verdict with that of the same claim on the same dataset on other seeds."""
    others = {(verdict.claim.says, verdict.dataset): verdict for verdict in found.verdicts}
    return [(verdict, others.get((verdict.claim.says, verdict.dataset))) for verdict in verdicts]


def confirmed_answers(verdicts: Sequence[Verdict], found: Replication) -> str:
    """How many answers other seeds confirm, leave open and contradict, and how many of their own they give."""
    answers = [(one.answer, other.answer if other else "inconclusive") for one, other in matched(verdicts, found)]
    answered = [other == one for one, other in answers if one != "inconclusive"]
    there = f"seeds {span(found.seeds)}"
    if not answered:
        return f"No claim has an answer to confirm on {there}."
    still_open = sum(other == "inconclusive" != one for one, other in answers)
    opposite = len(answered) - sum(answered) - still_open
    new = sum(one == "inconclusive" != other for one, other in answers)
    text = f"{sum(answered)} of {plural(len(answered), 'answer')} confirmed on {there}"
    text += f", {still_open} stayed open there" if still_open else ""
    text += f", {opposite} reversed" if opposite else ""
    return text + (f", and {plural(new, 'answer')} {'is' if new == 1 else 'are'} new there." if new else ".")


def _own(part: Part, claim: Claim) -> str:
    """`ns: `, the settings of a part by which it differs from the other parts of its claim; empty without any."""
    own = {name: values for name, values in part.where.items() if any(p.where.get(name) != values for p in claim.parts)}
    words = cell_text({name: " or ".join(map(str, values)) for name, values in own.items()})
    return f"{words}: " if words else ""


def _with_unit(metric: str, units: Mapping[str, str]) -> str:
    """`hq (share of samples)`, or the metric alone without a unit."""
    unit = "share of runs" if metric in RATES else units.get(metric)
    return f"{metric} ({unit})" if unit else metric


def _found(part: PartResult, own: str, units: Mapping[str, str]) -> str:
    test, metric = part.part.test, part.part.test.metric
    if part.effect is None:
        return f"{own}{metric}: {part.notes[0]}" if part.notes else f"{own}{metric} was not measured"
    name = f"{own}{_with_unit(metric, units)}"
    numbers = interval_text(part.effect)
    if not isinstance(test, Contrast):
        return f"{name} is {numbers} over {plural(part.n, 'run')}, claimed {bounds_text(test)}"
    over = plural(part.n, "pair" if test.paired else "run")
    sides = f"{cell_text(test.better)} against {cell_text(test.worse)}"
    if test.within is not None:
        return f"{name}, {sides}: a difference of {numbers} over {over}, claimed within {test.within:g}"
    return f"{name}, {sides}: better by {numbers} over {over} (positive = the claim holds)"


def _more(verdict: Verdict) -> str:
    """After which look a claim was answered, or how many seeds would answer it."""
    if verdict.look is not None:
        return _at_look(verdict)
    return _seeds_needed(verdict)


def _at_look(verdict: Verdict) -> str:
    if verdict.awaited:
        tested = f"Tested after {verdict.look} seeds" if verdict.look else "Not tested yet"
        return f" {tested}; the next look awaits {plural(verdict.awaited, 'run')}."
    if verdict.answer == "inconclusive":
        return f" Open after {verdict.look} seeds.{_seeds_needed(verdict)}"
    return f" Answered after {verdict.look} seeds."


def _seeds_needed(verdict: Verdict) -> str:
    if verdict.answer != "inconclusive" or verdict.needed is None:
        return ""
    seeds = f"more than {MANY}" if verdict.needed > MANY else f"about {verdict.needed}"
    return f" If the effect stays as it is, {seeds} seeds would answer it."
