"""The section `claims`: what papers say, as tests. It is read first and resolved when the runs are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Gt

from ganbench.results.questions import Cell, Claim, Contrast, Level, Named, Part, Published, Surrogate, Where
from ganbench.suite.comparisons import COMPARED, EXAMPLE, exist, needs, sentence
from ganbench.suite.naming import Names
from ganbench.suite.nodes import Mistakes, Node
from ganbench.suite.values import mapping, scalar

Width = Annotated[float, Gt(0)]
PART = ("where", "compare", "value", "published")
CLAIM = ("says", "source", "surrogate", "answerable", "because", "all", *PART)
CONTRAST = ("axis", "better", "worse", "same", "within", "metric", "paired")
LEVEL = ("metric", "at_least", "at_most", "is", "within")


@dataclass(frozen=True, eq=False)
class DraftPart:
    """A part of the right form. `test`: the entries of `compare` or of `value`."""

    test: Mapping[str, Node]
    where: Node | None = None
    published: Node | None = None

    def resolved(self, names: Names, outer: Where) -> Part:
        """The part for these runs. `outer`: the `where` of the claim."""
        where = names.where(self.where, outer)
        published = self.published.value if self.published else None
        numbers = published.items() if isinstance(published, dict) else ()
        return Part(
            test=_contrast(self.test, names, where) if "better" in self.test else _level(self.test),
            where=where,
            published={name: Published(*(item.plain for item in node.items)) for name, node in numbers},
        )


@dataclass(frozen=True, eq=False)
class DraftClaim:
    """A claim of the right form. `node`: the place of what it says."""

    node: Node
    says: str
    source: str
    parts: tuple[DraftPart, ...]
    where: Node | None = None
    surrogate: Surrogate | None = None
    unanswerable: str = ""

    def resolved(self, names: Names) -> Claim:
        """The claim for these runs."""
        outer = names.where(self.where)
        return Claim(
            says=self.says,
            source=self.source,
            parts=tuple(part.resolved(names, outer) for part in self.parts),
            surrogate=self.surrogate,
            unanswerable=self.unanswerable,
        )


def read_claim(item: Node, known: Sequence[str], mistakes: Mistakes) -> DraftClaim | None:
    """An entry of `claims`. `known`: the ranked metrics and rates of the suite. None if it has a mistake."""
    entries = mapping(item, "a claim", CLAIM, mistakes)
    good = needs(item, entries, ("says", "source"), "a claim", mistakes)
    says, source = (sentence(name, entries.get(name), mistakes) for name in ("says", "source"))
    surrogate = _surrogate(entries["surrogate"], mistakes) if "surrogate" in entries else None
    unanswerable = _unanswerable(item, entries, mistakes)
    parts = _parts(item, entries, known, mistakes)
    if not (good and parts):
        return None
    outer = entries.get("where")
    return DraftClaim(entries["says"].key or item, says, source, parts, outer, surrogate, unanswerable)


def _parts(item: Node, entries: Mapping[str, Node], known: Sequence[str], mistakes: Mistakes) -> tuple[DraftPart, ...]:
    """The parts of a claim; empty if one has a mistake."""
    good = exist({"where": entries["where"]} if "where" in entries else {}, known, mistakes)
    own = {name: entries[name] for name in ("compare", "value", "published") if name in entries}
    if "all" in entries:
        for entry in own.values():
            mistakes.at(entry.key or item, "this key belongs in a part of `all`", f"all: [{{{EXAMPLE}}}]")
        items = entries["all"].items
        read = [_part(part, mapping(part, "a part", PART, mistakes), known, mistakes) for part in items]
        if not read:
            mistakes.at(entries["all"], "all names no part", f"all: [{{{EXAMPLE}}}]")
    else:
        read = [_part(item, own, known, mistakes)]
    parts = tuple(part for part in read if part)
    return parts if good and len(parts) == len(read) else ()


def _part(node: Node, entries: Mapping[str, Node], known: Sequence[str], mistakes: Mistakes) -> DraftPart | None:
    if ("compare" in entries) == ("value" in entries):
        allowed = (EXAMPLE, "value: {metric: stable, at_least: 0.5}", "all: [{value: ...}, {compare: ...}]")
        mistakes.at(node, "a claim needs one of `compare`, `value` and `all`, a part one of the first two", *allowed)
        return None
    where, published = entries.get("where"), entries.get("published")
    compared = "compare" in entries
    form = _read_contrast if compared else _read_level
    test = form(entries["compare" if compared else "value"], known, mistakes)
    good = exist({"where": where} if where else {}, known, mistakes)
    if where and isinstance(where.value, dict) and "dataset" in where.value:
        mistakes.at(where, "a part names no dataset", "name it in the `where` of the claim, which is tested on each")
    if published:
        names = ("better", "worse") if compared else ("value",)
        for name, entry in mapping(published, "published", names, mistakes).items():
            _read_number(name, entry, mistakes)
    return DraftPart(test, where, published) if test and good else None


def _read_contrast(node: Node, known: Sequence[str], mistakes: Mistakes) -> dict[str, Node]:
    """The entries of `compare`, with the sides `better` and `worse` also where they are `same`."""
    entries = mapping(node, "compare", CONTRAST, mistakes)
    good = needs(node, entries, ("metric",), "compare", mistakes)
    pair = entries["same"].items if "same" in entries else []
    if "same" in entries:
        if len(pair) != 2 or {"better", "worse"} & set(entries):
            mistakes.at(entries["same"], "same names two values and replaces better and worse")
            return {}
        good = needs(node, entries, ("within",), "compare with `same`", mistakes) and good
        entries |= {"better": pair[0], "worse": pair[1]}
    good = needs(node, entries, ("better", "worse"), "compare", mistakes) and good
    if "axis" not in entries and good:
        good = _read_cells(node, entries, mistakes)
    if "within" in entries:
        scalar("within", Width, entries["within"], mistakes)
    if "paired" in entries:
        good = _read_paired(entries, mistakes) and good
    return entries if exist(entries, known, mistakes) and good else {}


def _read_cells(node: Node, entries: Mapping[str, Node], mistakes: Mistakes) -> bool:
    """Whether both sides are cells that name the same axes."""
    if not any(isinstance(entries[side].value, dict) for side in ("better", "worse")):
        return needs(node, entries, ("axis",), "compare", mistakes)
    better, worse = (mapping(entries[side], side, COMPARED, mistakes) for side in ("better", "worse"))
    if better and worse and set(better) != set(worse):
        example = "better: {batchnorm: none, optimizer: adam}, worse: {batchnorm: both, optimizer: rmsprop}"
        mistakes.at(entries["worse"], "both sides must name the same axes", example)
    return bool(better) and set(better) == set(worse)


def _read_paired(entries: Mapping[str, Node], mistakes: Mistakes) -> bool:
    node = entries["paired"]
    if scalar("paired", bool, node, mistakes) is False and "within" in entries:
        mistakes.at(node, "a comparison with `within` needs pairs", "leave out `paired` or `within`")
        return False
    return True


def _read_level(node: Node, known: Sequence[str], mistakes: Mistakes) -> dict[str, Node]:
    entries = mapping(node, "value", LEVEL, mistakes)
    good = needs(node, entries, ("metric",), "value", mistakes)
    numbers = {name: entries[name] for name in ("at_least", "at_most", "is") if name in entries}
    if len(numbers) != 1 or ("is" in numbers) != ("within" in entries):
        mistakes.at(node, "value needs `at_least`, `at_most`, or `is` with `within`")
        good = False
    for name, entry in numbers.items():
        scalar(name, float, entry, mistakes)
    if "within" in entries:
        scalar("within", Width, entries["within"], mistakes)
    return entries if exist(entries, known, mistakes) and good else {}


def _read_number(name: str, entry: Node, mistakes: Mistakes) -> None:
    """Note a published number that is none."""
    if len(entry.items) > 2:
        mistakes.at(entry, f"{name} = {entry.text} must be a number, or a number and its error: [225, 2]")
    for item in entry.items:
        scalar(name, float, item, mistakes)


def _surrogate(node: Node, mistakes: Mistakes) -> Surrogate | None:
    used, _, original = str(node.value).partition(" for ")
    if not (used.strip() and original.strip()):
        mistakes.at(node, "surrogate must name two data sets", "surrogate: digits for LSUN bedrooms")
        return None
    return Surrogate(used.strip(), original.strip())


def _unanswerable(item: Node, entries: Mapping[str, Node], mistakes: Mistakes) -> str:
    """Why the suite keeps a claim that it cannot answer; empty if it can."""
    example = "answerable: no, because: its table has a single run"
    if "answerable" in entries and entries["answerable"].value != "no":
        mistakes.at(entries["answerable"], f"answerable = {entries['answerable'].text} must be no", example)
    if ("answerable" in entries) != ("because" in entries):
        mistakes.at(item, "`answerable: no` and its reason `because` belong together", example)
    return sentence("because", entries.get("because"), mistakes)


def _contrast(entries: Mapping[str, Node], names: Names, where: Where) -> Contrast:
    better, worse = (_cell(entries, side, names, where) for side in ("better", "worse"))
    if better == worse:
        values = ", ".join(map(str, worse.values()))
        names.wrong(entries["worse"], f"both sides are {values}", "give the notation, or options with the kind")
    within = entries["within"].plain if "within" in entries else None
    paired = "paired" not in entries or entries["paired"].value is True
    return Contrast(metric=str(entries["metric"].value), better=better, worse=worse, within=within, paired=paired)


def _cell(entries: Mapping[str, Node], side: str, names: Names, where: Where) -> Cell:
    """The values of one side of a contrast."""
    node = entries[side]
    given = {str(entries["axis"].value): node} if "axis" in entries else node.value
    assert isinstance(given, dict)
    cell: dict[str, Named] = {}
    for axis, value in given.items():
        taken = {name: (known,) for name, known in cell.items()}
        cell[axis] = names.value(axis, value, {**where, **taken})
    return cell


def _level(entries: Mapping[str, Node]) -> Level:
    numbers: dict[str, Any] = {name: node.plain for name, node in entries.items()}
    centre, within = numbers.get("is"), numbers.get("within", 0)
    low, high = (None, None) if centre is None else (centre - within, centre + within)
    return Level(metric=numbers["metric"], low=numbers.get("at_least", low), high=numbers.get("at_most", high))
