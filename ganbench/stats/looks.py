"""Looks: tests that are repeated as seeds are added, and the share of the level that each of them has."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.stats.paired import LEVEL, holm


def spending(looks: Sequence[int], level: float = LEVEL) -> tuple[float, ...]:
    """The level of each look, in proportion to the seeds that it adds; together they are `level`.

    It is the linear spending function (Kim and DeMets 1987, Biometrika 74:149, rho = 1), with Bonferroni's bound over
    the looks. `looks`: the number of seeds at each look, ascending.
    """
    added = [now - before for before, now in zip((0, *looks), looks, strict=False)]
    return tuple(level * seeds / looks[-1] for seeds in added)


def look_corrected(p_values: Sequence[float | None], answered: Sequence[bool]) -> list[float]:
    """Holm's adjusted p-values of one look over all hypotheses: those of the level's share of the look are rejected.

    Hypotheses that were `answered` at an earlier look stay rejected and come first in Holm's order. A p of None, which
    could not be computed, counts as 1. The chance to reject a true hypothesis first at this look is at most its share:
    before the first of them only false ones are rejected, so its factor is at least the number of true ones.
    """
    known = zip(p_values, answered, strict=True)
    return holm([0.0 if done else 1.0 if p is None else p for p, done in known])
