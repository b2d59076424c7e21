"""The results of a suite in Python: tables, claims, the report, and its runs."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ganbench.api.lookup import find_run, specs_of
from ganbench.api.runs import Run
from ganbench.api.suites import load_suite
from ganbench.errors import RequestError
from ganbench.report import format_report, only_suite
from ganbench.report.analysis.frames import claim_table, outcome_table, run_table
from ganbench.report.analysis.study import read_study
from ganbench.results.manifest import read_manifest
from ganbench.results.store import Store
from ganbench.results.table import read_results, term_table, tidy_table
from ganbench.spec import RunSpec
from ganbench.suite import Suite

HEIGHT = 600  # pixels of a report in a notebook


def open_results(folder: Path | str = "results", suite: str | Path | Suite | None = None) -> SuiteResults:
    """The results of a suite in a folder.

    `suite`: its name, its file, or the suite itself; None is the only suite in the folder. Give the file or the suite
    to sample from runs with a component or data of your own. Raises `RequestError` if the suite never ran there.
    """
    store = Store(Path(folder).resolve())
    if isinstance(suite, Path) or (isinstance(suite, str) and suite.endswith((".yaml", ".yml"))):
        suite = load_suite(suite)
    known = specs_of(suite) if isinstance(suite, Suite) else {}
    name = suite.name if isinstance(suite, Suite) else suite or only_suite(store)
    results = SuiteResults(store, name, known)
    results.run_ids()
    return results


@dataclass(frozen=True, eq=False)
class SuiteResults:
    """The results of a suite. The files are read at each call, so a suite in progress can be followed.

    `results["run-id"]` is a `Run`; the beginning of an id is enough if only one run of the folder begins so.
    """

    store: Store
    suite: str
    known: Mapping[str, RunSpec] = field(default_factory=dict, repr=False)

    def table(self) -> pd.DataFrame:
        """One row for each run, step and metric: what `ganbench report --format csv` prints.

        Columns: `run_id`, `suite`, `variant`, `dataset`, `network`, `batchnorm`, `optimizer`, `status` and `metric`
        (text); `seed` (int64); `step` and `n`, the number of generated samples (Int64); `value` and `stderr`
        (float64). `schedule`, `batch` and `steps` follow where they are axes of the suite. A run without a score has
        one row, with missing values.
        """
        return tidy_table(read_results(self.store, self.suite))

    def runs(self) -> pd.DataFrame:
        """One row for each run: how it ended, the options that vary, its metrics; see `run_table` for the columns."""
        return run_table(read_study(self.store, self.suite, None))

    def terms(self) -> pd.DataFrame:
        """The training curves: one row for each run, step and term; see `term_table` for the columns."""
        return term_table(self.store, self.suite)

    def outcomes(self) -> pd.DataFrame:
        """One row for each finished run: `run_id`, its value on every axis, and by the suite's rule `outcome` (stable,
        collapsed, never_good or diverged) and `step`, from which a collapsed run was collapsed (Int64). A suite without
        `outcome` has no rows.
        """
        return outcome_table(read_results(self.store, self.suite))

    def claims(self) -> pd.DataFrame:
        """One row for each part of a claim on each dataset it is about; see `claim_table` for the columns."""
        return claim_table(read_study(self.store, self.suite, None).report)

    def report(self, rule: str | None = None) -> SuiteReport:
        """What `ganbench report` prints, shown by a notebook. `rule`: how a run's marks become one number (`last`,
        `tail`, `best:METRIC`); None is the suite's own. Raises `RequestError` for an unknown rule.
        """
        read_study(self.store, self.suite, rule)
        return SuiteReport(self.store, self.suite, rule)

    def run_ids(self) -> tuple[str, ...]:
        """The ids of the suite's runs, in its order."""
        return tuple(read_manifest(self.store, self.suite).runs)

    def __getitem__(self, run_id: str) -> Run:
        """Raises `RequestError` when no run, or several, have an id that begins so."""
        return Run(find_run(self.store, run_id), self.known)

    def __iter__(self) -> Iterator[Run]:
        """The runs that have begun, in the suite's order."""
        folders = map(self.store.run, self.run_ids())
        return (Run(folder, self.known) for folder in folders if (folder.path / "state.json").exists())

    def __len__(self) -> int:
        return len(self.run_ids())

    def _repr_markdown_(self) -> str:
        return self.report()._repr_markdown_()


@dataclass(frozen=True)
class SuiteReport:
    """A report. `str` and `markdown` are its text; a notebook shows the page."""

    store: Store = field(repr=False)
    suite: str
    rule: str | None = None

    def text(self, format: str = "markdown") -> str:
        """The report as `markdown`, `latex`, `html`, `csv`, `runs`, `terms` or `json`."""
        return format_report(self.store, self.suite, format, self.rule)

    def save(self, path: Path | str) -> Path:
        """Write it in the format that the name ends with: .md, .tex, .html, .csv or .json. Raises `RequestError`."""
        place, formats = Path(path), {".md": "markdown", ".tex": "latex"}
        known = {**formats, ".html": "html", ".csv": "csv", ".json": "json"}
        if place.suffix not in known:
            raise RequestError(str(place), f"no format ends with {place.suffix!r}", f"allowed: {', '.join(known)}")
        place.write_text(self.text(known[place.suffix]) + "\n", encoding="utf-8")
        return place

    def __str__(self) -> str:
        return self.text()

    def _repr_markdown_(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that its style does not change the notebook."""
        page = html.escape(self.text("html"), quote=True)
        return f'<iframe srcdoc="{page}" style="width: 100%; height: {HEIGHT}px; border: 0"></iframe>'
