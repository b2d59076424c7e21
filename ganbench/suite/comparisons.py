"""The section `compare`, and what it shares with `claims`: keys that are needed, and names that must exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ganbench.plugins import hint
from ganbench.results.questions import RATES, Compare
from ganbench.spec import GRID_AXES
from ganbench.suite.naming import Names
from ganbench.suite.nodes import Mistakes, Node
from ganbench.suite.values import mapping, scalar

COMPARED = tuple(axis for axis in GRID_AXES if axis not in ("dataset", "seed"))
EXAMPLE = "compare: {axis: variant, better: lsgan, worse: ns, metric: fd_classifier}"


def read_compare(item: Node, known: Sequence[str], mistakes: Mistakes) -> dict[str, Node]:
    """An entry of `compare`; empty if it has a mistake. `known`: the ranked metrics and rates of the suite."""
    entries = mapping(item, "compare", ("axis", "metric", "baseline", "where", "pooled"), mistakes)
    needed = needs(item, entries, ("axis", "metric", "baseline"), "compare", mistakes)
    if "pooled" in entries:
        scalar("pooled", bool, entries["pooled"], mistakes)
    return entries if exist(entries, known, mistakes) and needed else {}


def comparison(entries: Mapping[str, Node], names: Names) -> Compare:
    """The comparison that these entries mean among the runs of `names`."""
    axis, where = str(entries["axis"].value), names.where(entries.get("where"))
    return Compare(
        axis=axis,
        metric=str(entries["metric"].value),
        baseline=names.value(axis, entries["baseline"], where),
        where=where,
        pooled="pooled" in entries and entries["pooled"].value is True,
    )


def needs(node: Node, entries: Mapping[str, Node], keys: Iterable[str], owner: str, mistakes: Mistakes) -> bool:
    """Whether a mapping has these keys. Missing ones are noted."""
    missing = [key for key in keys if key not in entries]
    for key in missing if isinstance(node.value, dict) else ():
        mistakes.at(node, f"{owner} needs `{key}`", EXAMPLE if owner != "value" else "")
    return not missing


def exist(entries: Mapping[str, Node], known: Sequence[str], mistakes: Mistakes) -> bool:
    """Whether the axis, the metric and the keys of `where` exist, as far as they are among the entries."""
    where = mapping(entries["where"], "where", GRID_AXES, mistakes) if "where" in entries else {}
    axis, metric = entries.get("axis"), entries.get("metric")
    if axis and _word(axis) not in COMPARED:
        mistakes.at(axis, f"there is no axis {axis.text!r} to compare", hint(axis.text, COMPARED))
    if metric and _word(metric) not in known:
        note = "" if _word(metric) not in RATES else "this rate needs the section `outcome`"
        mistakes.at(metric, f"this suite has no ranked metric {metric.text!r}", note or hint(metric.text, known))
    found = (not axis or _word(axis) in COMPARED) and (not metric or _word(metric) in known)
    return found and ("where" not in entries or bool(where))


def sentence(name: str, node: Node | None, mistakes: Mistakes) -> str:
    """The text of an entry; empty if there is none. Anything else is noted."""
    if node is None:
        return ""
    text = node.value if isinstance(node.value, str) else ""
    if not text.strip():
        mistakes.at(node, f"{name} must be text")
    return text


def _word(node: Node) -> str:
    """The word of a node; empty for a list, a mapping or a number, which name nothing."""
    return node.value if isinstance(node.value, str) else ""
