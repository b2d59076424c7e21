"""Two results side by side: regressions and lost runs fail the gate; noise and equal results do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ganbench.cli import main
from ganbench.errors import RequestError
from ganbench.report import format_comparison
from ganbench.report.analysis.versus import Difference, Versus, versus
from ganbench.results.table import Results, read_results
from tests.support.synthetic import FINGERPRINT, METRICS, Run, write_suite

SEEDS = 12
NOISE = [0.3, -0.2, 0.1, 0.4, -0.5, 0.2, -0.1, 0.0, 0.25, -0.35, 0.15, -0.05]


def results(root: Path, shift: float = 0.0, swing: float = 1.0, seeds: int = SEEDS, **changes: Any) -> Results:
    """Two variants over some seeds; `lsgan` is shifted in `fd_pixels`."""
    runs = [
        Run(
            variant=variant, seed=seed, curves={"fd_pixels": [10 + moved + swing * NOISE[seed]], "hq": [0.5]}, **changes
        )  # type: ignore[arg-type]
        for variant, moved in (("ns", 0.0), ("lsgan", shift))
        for seed in range(seeds)
    ]
    return read_results(write_suite(root, runs), "study")


def struck(root: Path, status: str, count: int, **manifest: Any) -> Results:
    """As `results`, but the first `count` runs of `lsgan` ended otherwise."""
    runs = [
        Run(variant=variant, seed=seed, status=status)
        if variant == "lsgan" and seed < count
        else Run(variant=variant, seed=seed, curves={"fd_pixels": [10 + NOISE[seed]], "hq": [0.5]})
        for variant in ("ns", "lsgan")
        for seed in range(SEEDS)
    ]
    return read_results(write_suite(root, runs, **manifest), "study")


def against(first: Results, second: Results) -> Versus:
    return versus((first, second), ("a", "b"), None)


def by_cell(found: Versus) -> dict[tuple[str, str], Difference]:
    """By metric and variant; those over all variants at once are under `all`."""
    return {
        (one.comparison.metric, str(one.comparison.setting.get("variant", "all"))): one for one in found.differences
    }


def verdicts(first: Results, second: Results) -> dict[tuple[str, str], bool | None]:
    return {key: one.comparison.better for key, one in by_cell(against(first, second)).items()}


def row_of(found: Versus, metric: str, variant: str) -> str:
    """The line of a cell in the table."""
    lines = (line.split("|") for line in format_comparison(found, "markdown").splitlines())
    return next("|".join(one) for one in lines if len(one) > 3 and metric in one[1] and one[3].strip() == variant)


def gate(monkeypatch: pytest.MonkeyPatch, root: Path, *words: str) -> Any:
    """The exit code of `ganbench report a b --fail-on worse`."""
    monkeypatch.setattr(
        "sys.argv", ["ganbench", "report", str(root / "a"), str(root / "b"), "--fail-on", "worse", *words]
    )
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def test_a_planted_change_is_found_with_its_direction(tmp_path: Path) -> None:
    before, after = results(tmp_path / "a"), results(tmp_path / "b", shift=2.0, swing=-1.0)
    assert verdicts(before, after)["fd_pixels", "lsgan"] is False, "a higher distance is worse"
    assert verdicts(after, before)["fd_pixels", "lsgan"] is True
    planted = {("fd_pixels", "lsgan"), ("fd_pixels", "all")}
    assert {key for key, better in verdicts(before, after).items() if better is not None} <= planted


def test_the_same_results_have_no_significant_difference(tmp_path: Path) -> None:
    found = against(results(tmp_path / "a"), results(tmp_path / "b"))
    assert (found.better, found.worse) == (0, 0)
    assert {one.comparison.effect.n for one in found.differences if one.comparison.effect} == {SEEDS, 2 * SEEDS}


def test_noise_alone_is_no_regression(tmp_path: Path) -> None:
    found = against(results(tmp_path / "a"), results(tmp_path / "b", swing=-1.0))
    assert (found.better, found.worse) == (0, 0)


def test_other_fingerprints_are_refused(tmp_path: Path) -> None:
    other = results(tmp_path / "b", fingerprint=FINGERPRINT | {"dtype": "float32"})
    with pytest.raises(RequestError, match="two fingerprints"):
        against(results(tmp_path / "a"), other)


def test_nothing_in_common_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no run of one has a counterpart in the other"):
        against(results(tmp_path / "a"), results(tmp_path / "b", dataset="glyphs"))


def test_json_has_the_counts(tmp_path: Path) -> None:
    found = against(results(tmp_path / "a"), results(tmp_path / "b", shift=3.0))
    body = json.loads(format_comparison(found, "json"))
    assert (body["worse"], body["better"], body["lost"], body["first"]) == (2, 0, 0, "a")
    assert {one["metric"] for one in body["differences"]} == {"fd_pixels", "hq", "diverged"}


@pytest.mark.parametrize(("shift", "code"), [(0.0, 0), (3.0, 1)])
def test_the_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, shift: float, code: int
) -> None:
    results(tmp_path / "a")
    results(tmp_path / "b", shift=shift)
    assert gate(monkeypatch, tmp_path) == code
    said = capsys.readouterr()
    assert ("WORSE" in said.out) == bool(code)
    assert not said.err, "with twelve seeds the gate can fail"


def test_a_gate_that_cannot_fail_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    results(tmp_path / "a", seeds=3)
    results(tmp_path / "b", seeds=3, shift=990.0)
    assert gate(monkeypatch, tmp_path) == 2
    said = capsys.readouterr()
    assert "only lost runs could have failed this gate" in said.err and "7 pairs" in said.err
    assert "3 pairs are too few: no result could have been significant" in said.out


@pytest.mark.parametrize(("seeds", "needed"), [(3, 7), (4, None)])
def test_the_pairs_that_would_do_are_the_fewest(tmp_path: Path, seeds: int, needed: int | None) -> None:
    """Two variants make twice as many pairs as seeds."""
    found = against(results(tmp_path / "a", seeds=seeds), results(tmp_path / "b", seeds=seeds, shift=990.0))
    assert found.pairs_needed == needed


def test_what_is_too_little_in_each_setting_is_seen_over_all(tmp_path: Path) -> None:
    """Sixteen settings of five seeds: each alone could show nothing."""
    sides = []
    for name, moved in (("a", 0.0), ("b", 5.0)):
        runs = [
            Run(variant=f"v{at}", seed=seed, curves={"fd_pixels": [10 + moved + NOISE[(at + seed) % 12]]})
            for at in range(16)
            for seed in range(5)
        ]
        sides.append(read_results(write_suite(tmp_path / name, runs), "study"))
    found = by_cell(against(sides[0], sides[1]))
    assert found["fd_pixels", "all"].comparison.better is False
    assert {one.comparison.better for (_, variant), one in found.items() if variant != "all"} == {None}


@pytest.mark.parametrize("status", ["failed", "missing", "running", "diverged"])
@pytest.mark.parametrize("count", [1, 11, SEEDS])
def test_lost_runs_are_reported_and_fail_the_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, status: str, count: int
) -> None:
    found = against(results(tmp_path / "a"), struck(tmp_path / "b", status, count))
    lost = {key for key, one in by_cell(found).items() if one.lost and key[1] != "all"}
    rate = set() if status == "diverged" else {("diverged", "lsgan")}  # a diverged run is a number of that rate
    assert lost == {("fd_pixels", "lsgan"), ("hq", "lsgan")} | rate
    line = row_of(found, "fd_pixels", "lsgan")
    assert f"LOST {count} of 12" in line and status in line
    assert json.loads(format_comparison(found, "json"))["lost"] == found.lost == 2 * len(lost), (
        "in the setting and over all"
    )
    assert f"{found.lost} with lost runs" in format_comparison(found, "markdown")
    assert gate(monkeypatch, tmp_path) == 1
    capsys.readouterr()


def test_divergence_is_worse_as_a_rate(tmp_path: Path) -> None:
    assert verdicts(results(tmp_path / "a"), struck(tmp_path / "b", "diverged", SEEDS))["diverged", "lsgan"] is False


def test_what_the_first_lost_fails_nothing(tmp_path: Path) -> None:
    found = against(struck(tmp_path / "a", "failed", 3), results(tmp_path / "b"))
    assert (found.lost, found.worse) == (0, 0)
    assert "3 of 12 pairs left out: failed" in row_of(found, "fd_pixels", "lsgan")


def test_seeds_that_the_second_never_asked_for_are_not_lost(tmp_path: Path) -> None:
    found = against(results(tmp_path / "a"), results(tmp_path / "b", seeds=10))
    assert found.lost == 0
    assert "2 of 12 pairs left out: without a partner" in row_of(found, "fd_pixels", "lsgan")


def test_all_runs_lost_is_no_mistake_of_the_request(tmp_path: Path) -> None:
    runs = [Run(seed=seed, curves={"fd_pixels": [10.0]}) for seed in range(SEEDS)]
    dead = [Run(seed=seed, status="failed") for seed in range(SEEDS)]
    sides = [read_results(write_suite(tmp_path / name, own), "study") for name, own in (("a", runs), ("b", dead))]
    found = against(*sides)
    assert found.lost == len(found.differences) > 0


def test_what_else_is_different_is_noted(tmp_path: Path) -> None:
    found = against(results(tmp_path / "a"), results(tmp_path / "b", shift=-3.0, columns={"batch": 512}))
    line = row_of(found, "fd_pixels", "lsgan")
    assert "better" in line and "also different: batch" in line


def test_suites_that_differ_in_the_precision_are_compared_run_by_run(tmp_path: Path) -> None:
    before, after = results(tmp_path / "a"), results(tmp_path / "b", shift=2.0, columns={"precision": "bf16"})
    found = against(before, after)
    assert by_cell(found)["fd_pixels", "lsgan"].comparison.better is False
    assert {one.comparison.effect.n for one in found.differences if one.comparison.effect} == {SEEDS, 2 * SEEDS}
    assert not any(one.left_out or one.lost for one in found.differences)
    assert "precision" in row_of(found, "fd_pixels", "lsgan"), "the notes say that it differs too"


def test_the_detectable_difference_is_noted(tmp_path: Path) -> None:
    found = against(results(tmp_path / "a"), results(tmp_path / "b", swing=-1.0))
    assert "difference detectable with 80 % power: " in row_of(found, "fd_pixels", "lsgan")


@pytest.mark.parametrize("ruled", ["a", "b"])
def test_a_rule_by_a_metric_that_one_lacks_judges_neither(tmp_path: Path, ruled: str) -> None:
    rule = {"outcome": {"digits": [{"metric": "hq", "rule": {"limit": 0.4}}]}}
    fewer = {"metrics": {"fd_pixels": METRICS["fd_pixels"]}}
    first = struck(tmp_path / "a", "done", 0, **(rule if ruled == "a" else fewer | rule))
    second = struck(tmp_path / "b", "done", 0, **(fewer if ruled == "a" else {}))
    found = against(first, second)
    assert {one.comparison.metric for one in found.differences} == {"fd_pixels", "diverged"}
    text = format_comparison(found, "markdown")
    assert f"metric hq (only in {ruled})" in text and "stable, collapsed, never_good on digits (judged by hq)" in text


def test_a_rule_by_a_common_metric_is_compared(tmp_path: Path) -> None:
    rule = {"outcome": {"digits": [{"metric": "hq", "rule": {"limit": 0.4}}]}}
    sides = [struck(tmp_path / name, "done", 0, **rule) for name in ("a", "b")]
    assert {one.comparison.metric for one in against(*sides).differences} >= {
        "stable",
        "collapsed",
        "never_good",
        "diverged",
    }


def test_a_dataset_of_one_side_only_is_reported(tmp_path: Path) -> None:
    runs = [Run(seed=seed, curves={"fd_pixels": [10.0]}) for seed in range(SEEDS)]
    more = [*runs, Run(dataset="glyphs", curves={"fd_pixels": [10.0]})]
    first, second = (
        read_results(write_suite(tmp_path / name, own), "study") for name, own in (("a", more), ("b", runs))
    )
    assert "dataset glyphs (only in a)" in format_comparison(against(first, second), "markdown")


def test_a_gate_is_not_published_past(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    results(tmp_path / "a")
    results(tmp_path / "b", shift=3.0)
    assert gate(monkeypatch, tmp_path, "--publish", str(tmp_path / "out")) == 2
    assert "--publish: two suites" in capsys.readouterr().err


def several(root: Path, *suites: str, shift: float = 0.0) -> None:
    """A results folder in which suites ran."""
    for suite in suites:
        runs = [Run(seed=seed, curves={"fd_pixels": [10 + shift + NOISE[seed]]}) for seed in range(SEEDS)]
        store = write_suite(root, runs, suite=suite)
        store.manifest_path("study").rename(store.manifest_path(suite))


def reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The exit code, stdout and stderr of `ganbench report`."""
    monkeypatch.setattr("sys.argv", ["ganbench", "report", *words])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    return int(str(end.value.code)), said.out, said.err


def test_folders_with_several_suites_compare_those_that_both_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    several(Path("a"), "one", "two", "three")
    several(Path("b"), "two", "one", "four", shift=3.0)
    code, out, err = reported(monkeypatch, capsys, "a", "b", "--format", "json", "--fail-on", "worse")
    assert code == 1 and list(json.loads(out)["comparisons"]) == ["one", "two"]
    assert "not compared, only in a: three" in err and "not compared, only in b: four" in err
    code, out, _ = reported(monkeypatch, capsys, "a", "b")
    assert code == 0 and "a one" in out and "b two" in out
    code, out, _ = reported(monkeypatch, capsys, "a", "b", "--suite", "two", "--format", "json")
    assert (json.loads(out)["first"], json.loads(out)["second"]) == ("a", "b")


@pytest.mark.parametrize(
    ("first", "second", "words", "code"),
    [
        (("one", "two"), ("one", "two"), (), 0),
        (("one",), ("one", "two"), (), 0),
        (("one", "two"), ("one",), (), 1),
        (("one", "two", "three"), ("one", "two"), (), 1),
        (("one", "two"), ("one",), ("--suite", "one"), 0),
        (("one", "two"), ("one",), ("--suite", "two"), 2),
        (("one", "two"), ("three", "four"), (), 2),
        (("one", "two"), (), (), 2),
    ],
)
def test_a_suite_that_vanished_fails_the_gate(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    first: tuple[str, ...],
    second: tuple[str, ...],
    words: tuple[str, ...],
    code: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("b").mkdir()
    several(Path("a"), *first)
    several(Path("b"), *second)
    said = reported(monkeypatch, capsys, "a", "b", *words, "--fail-on", "worse")
    lost = f"--fail-on worse: the second lacks the first's suites: {first[-1]}"
    assert said[0] == code and (lost in said[2]) == (code == 1)
    assert reported(monkeypatch, capsys, "a", "b", *words)[0] == (2 if code == 2 else 0), "without a gate it is a note"


def test_one_suite_of_a_folder_with_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    several(Path("results"), "one", "two")
    several(Path("b"), "one", "two", shift=3.0)
    code, out, _ = reported(monkeypatch, capsys, "one", "b", "--format", "json", "--fail-on", "worse")
    assert code == 1 and json.loads(out)["worse"]
    assert reported(monkeypatch, capsys, "one", "b", "--suite", "two", "--fail-on", "worse")[0] == 1


def test_a_folder_named_like_a_suite_does_not_hide_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    several(Path("results"), "one", "two")
    Path("one").mkdir()
    assert reported(monkeypatch, capsys, "one", "two", "--fail-on", "worse")[0] == 0
    several(Path("two"), "two", shift=3.0)
    assert reported(monkeypatch, capsys, "one", "two", "--fail-on", "worse")[0] == 0, "the word names the suite"
    assert reported(monkeypatch, capsys, "one", "two/", "--fail-on", "worse")[0] == 1, "a slash names the folder"
    assert reported(monkeypatch, capsys, "two", "./two", "--fail-on", "worse")[0] == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("a", "c"), "a and c: no suite ran in both. a has one, two; c has four, three"),
        (("a", "b", "--suite", "for"), "no suite 'for' has run here"),
        (("one", "two", "--suite", "two"), "--suite: two suites are given, and no results folder"),
        (("one", "--suite", "one"), "--suite: it chooses among the suites of two results folders"),
        (("a", "empty"), "empty: no suite has run here"),
    ],
)
def test_suites_that_cannot_be_compared(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    for folder, suites in (
        ("a", ("one", "two")),
        ("b", ("two", "four")),
        ("c", ("four", "three")),
        ("results", ("one", "two")),
    ):
        several(Path(folder), *suites)
    code, out, err = reported(monkeypatch, capsys, *words)
    assert code == 2 and out == "" and says in err
