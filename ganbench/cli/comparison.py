"""`ganbench report A B`: which results are meant, and what a gate makes of their comparison."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ganbench.cli.exit_codes import DONE, FAILED, WRONG
from ganbench.cli.request import print_damage, suite_name
from ganbench.cli.terminal import note
from ganbench.errors import RequestError
from ganbench.report import only_suite
from ganbench.report.analysis.versus import Versus, too_few_pairs, versus
from ganbench.results.store import Store
from ganbench.results.table import read_results
from ganbench.results.unpacked import is_archive, opened


@dataclass(frozen=True)
class Side:
    """One of two results as it was typed: a suite of the results folder, or another folder or archive."""

    typed: str
    store: Store
    suites: tuple[str, ...]


@dataclass(frozen=True)
class Compared:
    """Comparisons by the suite's name on the first side, and the suites of that side which the second lacks."""

    found: dict[str, Versus]
    lost: tuple[str, ...] = ()


def compare(typed: tuple[str, str], root: Path, suite: str | None, rule: str | None) -> Compared:
    """The comparison of each suite that both sides have, or of their only ones.

    `suite` (`--suite`) chooses among those of a folder. Says on stderr which suites only one side has. Raises
    `RequestError`.
    """
    with ExitStack() as archives:
        first, second = (_side(name, root, suite, archives) for name in typed)
        return _compared((first, second), root, suite, rule)


def _compared(sides: tuple[Side, Side], root: Path, suite: str | None, rule: str | None) -> Compared:
    first, second = sides
    typed = (first.typed, second.typed)
    if suite and Store(root) == first.store == second.store:
        raise RequestError("--suite", "two suites are given, and no results folder", todo="leave it out")
    pairs = _pairs(first, second)
    found = {}
    for ours, theirs in pairs:
        results = read_results(first.store, ours), read_results(second.store, theirs)
        print_damage([sentence for side in results for sentence in side.damage])
        names = typed if len(pairs) == 1 else (f"{typed[0]} {ours}", f"{typed[1]} {theirs}")
        found[ours] = versus(results, names, rule)
    lost = tuple(name for name in first.suites if name not in found)
    return Compared(found, lost)


def exit_code(compared: Compared, fail_on: str) -> int:
    """What the gate says: 1 where a suite is lost or any comparison is worse or lost runs, 2 where one could show no
    difference.
    """
    code = DONE
    if compared.lost:
        note(f"--fail-on {fail_on}: the second lacks the first's suites: {', '.join(compared.lost)}")
        code = FAILED
    for suite, comparison in compared.found.items():
        too_few = too_few_pairs(comparison)
        if too_few:
            where = f"{suite}: " if len(compared.found) > 1 else ""
            note(f"--fail-on {fail_on}: {where}only lost runs could have failed this gate. {too_few}")
            code = code or WRONG
        if comparison.worse or comparison.lost:
            code = FAILED
    return code


def _side(typed: str, root: Path, suite: str | None, archives: ExitStack) -> Side:
    """A word that names a suite of the results folder is that suite, whatever folder has its name."""
    path = Path(typed)
    if typed in Store(root).suites() or not (path.is_dir() or is_archive(path)):
        return Side(typed, Store(root), (suite_name(Store(root), typed),))
    store = archives.enter_context(opened(path))
    if suite:
        return Side(typed, store, (suite_name(store, suite),))
    return Side(typed, store, tuple(store.suites()) or (only_suite(store),))


def _pairs(first: Side, second: Side) -> list[tuple[str, str]]:
    """The suites to compare, each with its like on the other side."""
    if len(first.suites) == len(second.suites) == 1:
        return [(first.suites[0], second.suites[0])]
    both = [name for name in first.suites if name in second.suites]
    if not both:
        known = "; ".join(f"{side.typed} has {', '.join(side.suites)}" for side in (first, second))
        where = f"{first.typed} and {second.typed}"
        raise RequestError(where, "no suite ran in both", known, "name a suite on each side")
    for side in (first, second):
        if rest := [name for name in side.suites if name not in both]:
            note(f"not compared, only in {side.typed}: {', '.join(rest)}")
    return [(name, name) for name in both]
