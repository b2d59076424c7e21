"""The top of a report: sentences with numbers, the figure of the metric that decides, and what differs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ganbench.report import format_report
from ganbench.results.questions import Claim, Condition, Level, OutcomeRule, Part, Questions
from ganbench.results.store import Store
from ganbench.stats.outcomes import Thresholds
from tests.support.claims import claim_of, versus
from tests.support.synthetic import METRICS, Run, write_suite

GOOD = {"digits": OutcomeRule(good=(Condition("hq", Thresholds(limit=0.6)),))}
AHEAD = claim_of(versus("lsgan", "ns", "fd_pixels"), says="LSGAN is better", source="a paper")
SHARES = Claim(
    says="both make good samples", source="a paper",
    parts=tuple(Part(test=Level(metric="hq", low=0.6), where={"variant": (name,)}) for name in ("ns", "lsgan")),
)  # fmt: skip
MODES = METRICS | {name: {"better": "higher", "low": 0.0, "high": None} for name in ("modes", "modes_aligned")}


def study(root: Path, seeds: int = 12, **asked: Any) -> Store:
    """`lsgan` is good at its end; `ns` was good in its even seeds only, and one of its runs diverged."""
    runs = [Run(variant="lsgan", seed=s, curves={"fd_pixels": [9.0 + s], "hq": [0.8 + s / 100]}) for s in range(seeds)]
    runs += [
        Run(seed=s, curves={"fd_pixels": [40.0, 41.0 + s], "hq": [0.7 if s % 2 == 0 else 0.1, 0.1]})
        for s in range(1, seeds)
    ]
    runs.append(Run(seed=0, status="diverged"))
    later = [Run(variant=name, seed=s, status="missing") for name in ("ns", "lsgan") for s in range(seeds, 2 * seeds)]
    return write_suite(root, runs + (later if "looks" in asked else []), **asked)


def text(root: Path, **asked: Any) -> str:
    return format_report(study(root, **asked), "study", "markdown", None)


def test_the_top_says_how_many_claims_are_answered_how_runs_ended_and_what_was_saved(tmp_path: Path) -> None:
    found = text(tmp_path, looks=[12, 24], **Questions(outcome=GOOD, claims=(AHEAD,)).as_json())
    assert found.index("## Findings") < found.index("## Claims")
    assert "\nOf 1 claim, 1 is reproduced. 1 claim was answered after 12 seeds. 24 of 48 runs were not needed." in found
    assert " Of 24 finished runs, 12 ended stable, 5 collapsed, 6 never good and 1 diverged.\n" in found


def test_a_suite_without_claims_and_rule_has_no_findings(tmp_path: Path) -> None:
    assert "Findings" not in text(tmp_path)


def test_a_sentence_names_the_unit_and_the_cell_of_each_part(tmp_path: Path) -> None:
    metrics = METRICS | {"hq": METRICS["hq"] | {"unit": "share of samples"}}
    found = text(tmp_path, metrics=metrics, **Questions(claims=(SHARES,)).as_json())
    assert "- both make good samples (digits): CONTRADICTED. ns: hq (share of samples) is 0.1 [" in found
    assert "; lsgan: hq (share of samples) is 0.8" in found


def test_the_page_shows_the_metric_that_decides_and_folds_the_rest(tmp_path: Path) -> None:
    questions = Questions(outcome=GOOD, claims=(AHEAD,), differs=("Our images are smaller.",))
    page = format_report(study(tmp_path, **questions.as_json()), "study", "html", None)
    top = page[page.index('<section id="findings">') : page.index('<section id="claims">')]
    assert "hq ↑ on digits, which decides whether a run is good:" in top and top.count('<figure class="strip">') == 1
    assert re.search(r'<details id="differs"><summary>[^<]+: 1 point</summary>', top)
    assert '<details class="metric" id="digits-hq" open>' in page
    assert '<details class="metric" id="digits-fd_pixels">' in page
    assert top.index('<figure class="strip">') < top.index("LSGAN is better (digits): reproduced"), "the figure first"
    assert 'class="note">' not in re.sub(r"<p [^>]+>(hq|Our|The training).*?</p>", "", top), "no small print"


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_a_note_is_given_once(tmp_path: Path, format: str) -> None:
    runs = [Run(dataset=name, seed=s, curves={"hq": [0.7]}) for name in ("digits", "ring8") for s in range(3)]
    outcome = Questions(outcome=GOOD | {"ring8": GOOD["digits"]}).as_json()
    found = format_report(write_suite(tmp_path, runs, **outcome), "study", format, None)
    assert found.lower().count("utcomes by the suite") == 2
    assert found.count("Shares of the finished runs with Wilson") == 1
    assert found.count("Best is picked on the data it is reported on") == 1


def test_modes_in_another_place_are_named(tmp_path: Path) -> None:
    """Only where the alignment finds two modes more than there are in place."""
    counts = {"ns": ([2.0, 3.0, 1.0], [8.0, 8.0, 7.0]), "lsgan": ([7.0, 8.0, 8.0], [8.0, 8.0, 8.0])}
    runs = [
        Run(variant=name, dataset="ring8", seed=s, curves={"modes": [modes[s]], "modes_aligned": [aligned[s]]})
        for name, (modes, aligned) in counts.items()
        for s in range(3)
    ]
    found = format_report(write_suite(tmp_path, runs, metrics=MODES), "study", "markdown", None)
    (said,) = re.findall(r"^Modes in another place.*$", found, re.MULTILINE)
    assert "of modes (captured in place): ns (7.7 and 2.0)." in said and "lsgan" not in said
