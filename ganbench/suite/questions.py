"""The sections `compare` and `claims`: they are read first and resolved when the runs are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Gt

from ganbench.evaluators.base import Metric
from ganbench.plugins import hint
from ganbench.results.questions import RATES, Claim, Compare, Contrast, Level, Named, Published, Where
from ganbench.spec import AXES, RunSpec
from ganbench.suite.naming import Names
from ganbench.suite.nodes import Mistakes, Node
from ganbench.suite.values import mapping, scalar

COMPARED = tuple(axis for axis in AXES if axis not in ("dataset", "seed"))
Width = Annotated[float, Gt(0)]
CONTRAST = ("axis", "better", "worse", "same", "within", "metric", "paired")
CLAIM = ("says", "source", "where", "compare", "value", "published")
EXAMPLE = "compare: {axis: variant, better: lsgan, worse: ns, metric: fd_classifier}"


@dataclass(frozen=True, eq=False)
class DraftQuestions:
    """The entries of `compare` and of `claims` that have the right form."""

    compare: tuple[Mapping[str, Node], ...] = ()
    claims: tuple[Mapping[str, Node], ...] = ()

    def resolved(
        self, specs: Iterable[RunSpec], mistakes: Mistakes | None
    ) -> tuple[tuple[Compare, ...], tuple[Claim, ...]]:
        """The questions for these runs. Without `mistakes`, a word that names no run is kept as it was written."""
        if not self.compare and not self.claims:
            return (), ()
        names = Names(specs, mistakes)
        compare = tuple(_compare(entries, names) for entries in self.compare)
        return compare, tuple(_claim(entries, names) for entries in self.claims)


def read_questions(
    top: Mapping[str, Node], metrics: Iterable[Metric], judged: bool, mistakes: Mistakes
) -> DraftQuestions:
    """Both sections. `judged`: whether the suite has an `outcome`, which decides which runs are stable."""
    ranked = [metric.name for metric in metrics if metric.better != "neither"]
    known = (*ranked, *(RATES if judged else ("diverged",)))
    compare = [entries for item in _items(top, "compare") if (entries := _read_compare(item, known, mistakes))]
    claims = [entries for item in _items(top, "claims") if (entries := _read_claim(item, known, mistakes))]
    return DraftQuestions(tuple(compare), tuple(claims))


def _items(top: Mapping[str, Node], section: str) -> list[Node]:
    return top[section].items if section in top else []


def _read_compare(item: Node, known: Sequence[str], mistakes: Mistakes) -> dict[str, Node]:
    entries = mapping(item, "compare", ("axis", "metric", "baseline", "where", "pooled"), mistakes)
    needed = _needs(item, entries, ("axis", "metric", "baseline"), "compare", mistakes)
    if "pooled" in entries:
        scalar("pooled", bool, entries["pooled"], mistakes)
    return entries if _checked(entries, entries, known, mistakes) and needed else {}


def _read_claim(item: Node, known: Sequence[str], mistakes: Mistakes) -> dict[str, Node]:
    entries = mapping(item, "a claim", CLAIM, mistakes)
    good = _needs(item, entries, ("says", "source"), "a claim", mistakes)
    for name in ("says", "source"):
        if name in entries and not (isinstance(entries[name].value, str) and entries[name].text.strip()):
            mistakes.at(entries[name], f"{name} must be text")
    if ("compare" in entries) == ("value" in entries):
        mistakes.at(
            item, "a claim needs either `compare` or `value`", EXAMPLE, "value: {metric: stable, at_least: 0.5}"
        )
        return {}
    form = _read_contrast if "compare" in entries else _read_level
    test = form(entries.get("compare") or entries["value"], known, mistakes)
    good = _checked(entries, {}, known, mistakes) and good
    if "published" in entries:
        _read_published(entries["published"], "compare" in entries, mistakes)
    return {**entries, **test} if test and good else {}


def _read_contrast(node: Node, known: Sequence[str], mistakes: Mistakes) -> dict[str, Node]:
    entries = mapping(node, "compare", CONTRAST, mistakes)
    good = _needs(node, entries, ("axis", "metric"), "compare", mistakes)
    pair = entries["same"].items if "same" in entries else []
    if "same" in entries:
        if len(pair) != 2 or {"better", "worse"} & set(entries):
            mistakes.at(entries["same"], "same names two values and replaces better and worse")
            return {}
        good = _needs(node, entries, ("within",), "compare with `same`", mistakes) and good
        entries |= {"better": pair[0], "worse": pair[1]}
    good = _needs(node, entries, ("better", "worse"), "compare", mistakes) and good
    if "within" in entries:
        scalar("within", Width, entries["within"], mistakes)
    if "paired" in entries:
        good = _read_paired(entries, mistakes) and good
    return entries if _checked({}, entries, known, mistakes) and good else {}


def _read_paired(entries: Mapping[str, Node], mistakes: Mistakes) -> bool:
    node = entries["paired"]
    if scalar("paired", bool, node, mistakes) is False and "within" in entries:
        mistakes.at(node, "a comparison with `within` needs pairs", "leave out `paired` or `within`")
        return False
    return True


def _read_level(node: Node, known: Sequence[str], mistakes: Mistakes) -> dict[str, Node]:
    entries = mapping(node, "value", ("metric", "at_least", "at_most", "is", "within"), mistakes)
    good = _needs(node, entries, ("metric",), "value", mistakes)
    numbers = {name: entries[name] for name in ("at_least", "at_most", "is") if name in entries}
    if len(numbers) != 1 or ("is" in numbers) != ("within" in entries):
        mistakes.at(node, "value needs `at_least`, `at_most`, or `is` with `within`")
        good = False
    for name, entry in numbers.items():
        scalar(name, float, entry, mistakes)
    if "within" in entries:
        scalar("within", Width, entries["within"], mistakes)
    return entries if _checked({}, entries, known, mistakes) and good else {}


def _read_published(node: Node, compared: bool, mistakes: Mistakes) -> None:
    for name, entry in mapping(node, "published", ("better", "worse") if compared else ("value",), mistakes).items():
        if len(entry.items) > 2:
            mistakes.at(entry, f"{name} = {entry.text} must be a number, or a number and its error: [225, 2]")
        for item in entry.items:
            scalar(name, float, item, mistakes)


def _needs(node: Node, entries: Mapping[str, Node], keys: Iterable[str], owner: str, mistakes: Mistakes) -> bool:
    missing = [key for key in keys if key not in entries]
    for key in missing if isinstance(node.value, dict) else ():
        mistakes.at(node, f"{owner} needs `{key}`", EXAMPLE if owner != "value" else "")
    return not missing


def _checked(outer: Mapping[str, Node], entries: Mapping[str, Node], known: Sequence[str], mistakes: Mistakes) -> bool:
    """Whether the axis, the metric and the keys of `where` exist."""
    where = mapping(outer["where"], "where", AXES, mistakes) if "where" in outer else {}
    axis, metric = entries.get("axis"), entries.get("metric")
    if axis and _word(axis) not in COMPARED:
        mistakes.at(axis, f"there is no axis {axis.text!r} to compare", hint(axis.text, COMPARED))
    if metric and _word(metric) not in known:
        note = "" if _word(metric) not in RATES else "this rate needs the section `outcome`"
        mistakes.at(metric, f"this suite has no ranked metric {metric.text!r}", note or hint(metric.text, known))
    exist = (not axis or _word(axis) in COMPARED) and (not metric or _word(metric) in known)
    return exist and ("where" not in outer or bool(where))


def _word(node: Node) -> str:
    """The word of a node; empty for a list, a mapping or a number, which name nothing."""
    return node.value if isinstance(node.value, str) else ""


def _compare(entries: Mapping[str, Node], names: Names) -> Compare:
    axis, where = str(entries["axis"].value), names.where(entries.get("where"))
    return Compare(
        axis=axis,
        metric=str(entries["metric"].value),
        baseline=names.value(axis, entries["baseline"], where),
        where=where,
        pooled="pooled" in entries and entries["pooled"].value is True,
    )


def _claim(entries: Mapping[str, Node], names: Names) -> Claim:
    where = names.where(entries.get("where"))
    published = entries.get("published")
    return Claim(
        says=str(entries["says"].value),
        source=str(entries["source"].value),
        test=_contrast(entries, names, where) if "axis" in entries else _level(entries),
        where=where,
        published={name: Published(*(item.plain for item in node.items)) for name, node in _entries(published).items()},
    )


def _contrast(entries: Mapping[str, Node], names: Names, where: Where) -> Contrast:
    axis = str(entries["axis"].value)
    sides: dict[str, Named] = {side: names.value(axis, entries[side], where) for side in ("better", "worse")}
    if sides["better"] == sides["worse"]:
        names.wrong(entries["worse"], f"both sides are {sides['worse']}", "give the notation, or options with the kind")
    within = entries["within"].plain if "within" in entries else None
    paired = "paired" not in entries or entries["paired"].value is True
    return Contrast(axis=axis, metric=str(entries["metric"].value), within=within, paired=paired, **sides)


def _level(entries: Mapping[str, Node]) -> Level:
    numbers: dict[str, Any] = {name: node.plain for name, node in entries.items()}
    centre, within = numbers.get("is"), numbers.get("within", 0)
    low, high = (None, None) if centre is None else (centre - within, centre + within)
    return Level(metric=numbers["metric"], low=numbers.get("at_least", low), high=numbers.get("at_most", high))


def _entries(node: Node | None) -> dict[str, Node]:
    return node.value if node and isinstance(node.value, dict) else {}
