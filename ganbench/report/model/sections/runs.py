"""Every run, and the provenance of the numbers. Only the HTML page shows them, in folds."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from ganbench.report.model.document import Fold, Section, Table, Verbatim, named, numbered
from ganbench.report.text import one_line, plural
from ganbench.spec import GRID_AXES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ganbench.report.analysis.study import Study


def every_run(study: Study) -> Iterator[Section]:
    """Every run with its state. The anchor of a row is the run's id."""
    results = study.results
    axes = [name for name in GRID_AXES if name != "seed" and name in results.runs]
    varying = [name for name in axes if results.runs[name].nunique() > 1]
    rows = []
    for run in results.runs.to_dict("records"):
        step, seconds = results.ended.get(run["run_id"], ("", 0.0))
        ended = (str(step), f"{seconds:.1f}", one_line(run["error"]))
        rows.append((run["run_id"], *(str(run[name]) for name in varying), str(run["seed"]), run["status"], *ended))
    table = Table(
        title="every run",
        label="runs",
        columns=(*named("run", *varying), *numbered("seed", "status", "step", "seconds", "error")),
        rows=tuple(rows),
        anchors=tuple(row[0] for row in rows),
        linked=False,
    )
    yield Section("Every run", "every-run", (Fold(plural(len(rows), "run"), "all", (table,)),), audience="page")


def provenance(study: Study) -> Iterator[Section]:
    """The environments that the runs record, and the suite's manifest, whose runs are listed above with their axes."""
    results = study.results
    environments = (
        Fold(f"the environment of {plural(count, 'run')}", f"environment-{place}", (Verbatim(text),))
        for place, (count, text) in enumerate(results.environments, start=1)
    )
    manifest = results.manifest.as_json()
    asked = {name: value for name, value in manifest.items() if name not in ("runs", "packs", "marks")}
    marks = [{"runs": count, "marks": list(steps)} for steps, count in Counter(results.marks.values()).items()]
    text = Verbatim(json.dumps(asked | {"marks": marks}, indent=1))
    blocks = (*environments, Fold("what the suite asked for", "manifest", (text,)))
    yield Section("Provenance", "provenance", blocks, audience="page")
