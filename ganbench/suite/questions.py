"""The sections `compare`, `claims`, `differs` and `foretell`: read first, and resolved when the runs are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Lt

from ganbench.evaluators.base import Metric
from ganbench.results.questions import RATES, Claim, Compare
from ganbench.spec import RunSpec
from ganbench.suite.claims import DraftClaim, read_claim
from ganbench.suite.comparisons import comparison, read_compare, sentence
from ganbench.suite.naming import Names
from ganbench.suite.nodes import Mistakes, Node
from ganbench.suite.values import scalar

Share = Annotated[float, Gt(0), Lt(1)]  # of the steps


@dataclass(frozen=True, eq=False)
class DraftQuestions:
    """The entries of `compare`, `claims`, `differs` and `foretell` that have the right form."""

    compare: tuple[Mapping[str, Node], ...] = ()
    claims: tuple[DraftClaim, ...] = ()
    differs: tuple[str, ...] = ()
    foretell: float | None = None

    def resolved(
        self, specs: Iterable[RunSpec], mistakes: Mistakes | None
    ) -> tuple[tuple[Compare, ...], tuple[Claim, ...]]:
        """The questions for these runs. Without `mistakes`, a word that names no run is kept as it was written."""
        if not self.compare and not self.claims:
            return (), ()
        names = Names(specs, mistakes)
        compare = tuple(comparison(entries, names) for entries in self.compare)
        return compare, tuple(claim.resolved(names) for claim in self.claims)


def read_questions(
    top: Mapping[str, Node], metrics: Iterable[Metric], judged: bool, mistakes: Mistakes
) -> DraftQuestions:
    """All four sections. `judged`: whether the suite has an `outcome`, which decides which runs are stable."""
    ranked = [metric.name for metric in metrics if metric.better != "neither"]
    known = (*ranked, *(RATES if judged else ("diverged",)))
    compare = [entries for item in _items(top, "compare") if (entries := read_compare(item, known, mistakes))]
    claims = [claim for item in _items(top, "claims") if (claim := read_claim(item, known, mistakes))]
    differs = tuple(sentence("differs", item, mistakes) for item in _items(top, "differs"))
    share = scalar("foretell", Share, top["foretell"], mistakes) if "foretell" in top else None
    if share is not None and not judged:
        mistakes.at(top["foretell"], "foretell needs `outcome`, whose metrics say how a run ends")
    return DraftQuestions(tuple(compare), tuple(claims), differs, share)


def _items(top: Mapping[str, Node], section: str) -> list[Node]:
    return top[section].items if section in top else []
