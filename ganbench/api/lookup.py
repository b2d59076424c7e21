"""Runs in a results folder by the beginning of their ids, and the specs from which they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.errors import RequestError
from ganbench.plugins import guess

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganbench.results.store import RunFolder, Store
    from ganbench.spec import RunSpec
    from ganbench.suite import Suite

SHOWN = 10  # ids listed when several runs match


def find_run(store: Store, prefix: str) -> RunFolder:
    """The run with an id, else the only run whose id begins so, else the only run whose hash begins so.

    Raises `RequestError` when no run or several runs match.
    """
    known = [folder.run_id for folder in store.runs()]
    matches = [prefix] if prefix in known else [run_id for run_id in known if run_id.startswith(prefix)]
    matches = matches or [run_id for run_id in known if run_id.rpartition("-")[2].startswith(prefix)]
    if len(matches) == 1:
        return store.run(matches[0])
    place = str(store.root / "runs")
    if matches:
        more = f" and {len(matches) - SHOWN} more" if len(matches) > SHOWN else ""
        fits = f"it fits {', '.join(matches[:SHOWN])}{more}"
        raise RequestError(place, f"{prefix!r} matches {len(matches)} runs", fits, "write more of the id")
    near = guess(prefix, known, cutoff=0.5)
    raise RequestError(
        place,
        f"no run {prefix!r}",
        f"{near} there are {len(known)} runs".strip(),
        "`ganbench report --format csv` lists the ids of a suite",
    )


def specs_of(suite: Suite) -> Mapping[str, RunSpec]:
    """The specs of a suite's runs by their ids."""
    return {spec.run_id(): spec for spec in suite.whole.specs}
