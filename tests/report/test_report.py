"""Reports of small results folders: what is counted, what is refused, and how it reads in each format."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from matplotlib import get_data_path
from matplotlib.ft2font import FT2Font

from ganbench.errors import RequestError
from ganbench.report import format_report
from ganbench.report.model.document import Document, Section, Table, named, numbered
from ganbench.report.render.latex import draw, escape
from ganbench.report.render.latex_layout import UPRIGHT, parts
from ganbench.report.text import beside, interval_text, number
from ganbench.results.files import write_json
from ganbench.results.store import LOG_LINES, Store
from ganbench.stats import Interval, mean_interval
from tests.support.synthetic import FINGERPRINT, METRICS, VALIDATION, Run, score, write_suite

LSGAN = [77, 70, 152, 178, 149, 146, 227, 225, 260, 136, 255, 121, 238, 198, 148, 240, 286, 278, 178, 331]
DCGAN = [65, 60, 66, 56, 86, 98, 85, 116, 143, 125, 139, 144, 134, 125, 140, 130, 132, 130, 122, 137]
FINALS = [20.0, 22.0, 21.0, 30.0, 24.0]


def study(root: Path) -> Store:
    """Two variants with five seeds each: `ns` all done; `lsgan` 3 done, 1 failed, 1 missing."""
    runs = [Run(seed=seed, curves={"fd_pixels": [10.0, last], "hq": [0.9, 0.5]}) for seed, last in enumerate(FINALS)]
    lsgan = "lsgan[a=-1,b=1,c=0]"
    runs += [Run(variant=lsgan, seed=s, curves={"fd_pixels": [5.0, 6.0 + s], "hq": [0.25, 0.75]}) for s in range(3)]
    runs.append(Run(variant=lsgan, seed=3, status="failed", error="OSError: disk full", log="step 1\ndisk full\n"))
    runs.append(Run(variant=lsgan, seed=4, status="missing"))
    excluded = {"columns": {"variant": "wgan", "dataset": "digits", "network": "mlp"}, "because": "clipping & norm_x"}
    marks = {run.run_id: [1000, 2000] for run in runs}
    return write_suite(root, runs, marks=marks, excluded=[excluded])


def cells(store: Store, rule: str | None = None) -> dict[tuple[str, str], dict[str, Any]]:
    """The cells of the JSON report by dataset and variant."""
    body = json.loads(format_report(store, "study", "json", rule))
    return {(s["dataset"], c["columns"]["variant"]): c for s in body["sections"] for c in s["cells"]}


def tables(text: str) -> list[list[dict[str, str]]]:
    """The pipe tables of a markdown text."""
    found = []
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        header, _, *rows = (
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block.strip().splitlines()
        )
        found.append([dict(zip(header, row, strict=True)) for row in rows])
    return found


def test_headline_is_the_mean_over_seeds_with_its_interval(tmp_path: Path):
    cell = cells(study(tmp_path))["digits", "ns"]
    expected = mean_interval(FINALS)
    found = cell["metrics"]["fd_pixels"]["headline"]
    assert (found["mean"], found["low"], found["high"], found["n"]) == (23.4, expected.low, expected.high, 5)


@pytest.mark.parametrize(
    ("rule", "fd", "hq"),
    [("last", 23.4, 0.5), ("tail", 23.4, 0.5), ("best:fd_pixels", 10.0, 0.9), ("best:hq", 10.0, 0.9)],
)
def test_rules(tmp_path: Path, rule: str, fd: float, hq: float):
    metrics = cells(study(tmp_path), rule)["digits", "ns"]["metrics"]
    assert metrics["fd_pixels"]["headline"]["mean"] == pytest.approx(fd)
    assert metrics["hq"]["headline"]["mean"] == pytest.approx(hq)


def test_a_mark_is_chosen_on_one_split_and_reported_on_the_other(tmp_path: Path):
    curves = {VALIDATION: [5.0, 3.0, 9.0], "fd_pixels": [6.0, 4.0, 1.0]}
    metrics = METRICS | {VALIDATION: METRICS["fd_pixels"]}
    store = write_suite(tmp_path, [Run(curves=curves)], metrics=metrics, select=f"best:{VALIDATION}")
    assert cells(store)["digits", "ns"]["metrics"]["fd_pixels"]["headline"]["mean"] == 4.0
    assert "Marks are chosen on the validation split" in format_report(store, "study", "markdown", None)
    assert "so it is optimistic. An evaluator with `split: validation`" in format_report(
        store, "study", "markdown", "best:fd_pixels"
    )


def test_best_follows_the_direction_of_the_metric(tmp_path: Path):
    metrics = cells(study(tmp_path))["digits", "lsgan[a=-1,b=1,c=0]"]["metrics"]
    best = metrics["fd_pixels"]["best"]
    assert (best["mean"], best["low"], best["high"], best["n"]) == (5.0, 5.0, 5.0, 3)
    assert metrics["hq"]["best"]["mean"] == 0.75


@pytest.mark.parametrize(
    ("curve", "best", "last", "tail"), [(LSGAN, 70, 331, 282.0), (DCGAN, 56, 137, 131.0), ([1, 2], 1, 2, 2)]
)
def test_best_alone_hides_collapse(tmp_path: Path, curve: list[float], best: float, last: float, tail: float):
    store = write_suite(tmp_path, [Run(curves={"fd_pixels": curve})])
    found = cells(store)["digits", "ns"]["metrics"]["fd_pixels"]
    assert [found[name]["mean"] for name in ("best", "last", "tail")] == [best, last, tail]
    spread = tables(format_report(store, "study", "markdown", None))[1]
    numbers = {row["of a run"]: row["fd_pixels ↓"].removesuffix(" (n=1)") for row in spread}
    assert numbers == {"best": number(best), "last": number(last), "tail": number(tail)}


def test_a_metric_absent_at_the_last_mark_has_no_last_and_no_tail(tmp_path: Path):
    runs = [Run(curves={"fd_pixels": [4.0, None]}), Run(seed=1, curves={"fd_pixels": [4.0, 2.0]})]
    store = write_suite(tmp_path, runs)
    found = cells(store)["digits", "ns"]["metrics"]["fd_pixels"]
    numbers = [(found[name]["mean"], found[name]["n"]) for name in ("best", "last", "tail")]
    assert numbers == [(3.0, 2), (2.0, 1), (2.0, 1)]
    assert tables(format_report(store, "study", "markdown", None))[0][0]["fd_pixels ↓"] == "2 (n=1)"


def test_a_diverged_run_counts_in_the_rate_and_has_no_metric(tmp_path: Path):
    curves = {"fd_pixels": [1.0]}
    runs = [Run(seed=seed, curves=curves, status="diverged" if seed < 2 else "done") for seed in range(10)]
    cell = cells(write_suite(tmp_path, runs))["digits", "ns"]
    assert (cell["diverged"]["mean"], cell["diverged"]["n"]) == (0.2, 10)
    assert cell["metrics"]["fd_pixels"]["last"]["n"] == 8
    row = tables(format_report(Store(tmp_path), "study", "markdown", None))[0][0]
    assert row["runs"] == "8/10, 2 diverged"
    assert row["diverged"] == "2/10 [0.06, 0.51]"


@pytest.mark.parametrize("status", ["missing", "failed", "diverged", "running"])
def test_a_cell_without_a_done_run_is_absent_and_never_zero(tmp_path: Path, status: str):
    runs = [Run(curves={"fd_pixels": [1.0]}), Run(variant="wgan", status=status)]
    store = write_suite(tmp_path, runs)
    assert cells(store)["digits", "wgan"]["metrics"] == {}
    headline, spread = tables(format_report(store, "study", "markdown", None))
    assert headline[1]["runs"] == f"0/1, 1 {status}"
    assert headline[1]["fd_pixels ↓"] == "–"
    assert [row["fd_pixels ↓"] for row in spread if row["variant"] == "wgan"] == ["–"] * 3


@settings(max_examples=20)
@given(some.lists(some.sampled_from(["done", "missing", "failed", "diverged", "running"]), min_size=1, max_size=8))
def test_absent_never_becomes_zero(tmp_path_factory: pytest.TempPathFactory, statuses: list[str]):
    root = tmp_path_factory.mktemp("store")
    curves = {"fd_pixels": [5.0]}
    runs = [
        Run(seed=seed, status=status, curves=curves if status == "done" else {}) for seed, status in enumerate(statuses)
    ]
    cell = cells(write_suite(root, runs))["digits", "ns"]
    assert sum(cell["statuses"].values()) == len(runs)
    if "done" in statuses:
        assert cell["metrics"]["fd_pixels"]["headline"]["mean"] == 5.0
        assert cell["metrics"]["fd_pixels"]["headline"]["n"] == statuses.count("done")
    else:
        assert cell["metrics"] == {}


def test_the_order_of_runs_changes_no_number(tmp_path: Path):
    order = [Run(variant=v, seed=s, curves={"hq": [0.1 * s, 0.3 / (s + 1)]}) for v in ("ns", "wgan") for s in range(6)]
    first = cells(write_suite(tmp_path / "a", order))
    random.Random(0).shuffle(order)
    assert cells(write_suite(tmp_path / "b", order)) == first


def test_a_section_for_each_dataset_with_its_own_metrics_and_axes(tmp_path: Path):
    runs = [Run(dataset="ring8", curves={"hq": [0.5]}, columns={"batchnorm": bn}) for bn in ("none", "both")]
    runs += [Run(variant=variant, curves={"fd_pixels": [2.0]}) for variant in ("ns", "wgan")]
    text = format_report(write_suite(tmp_path, runs), "study", "markdown", None)
    ring, _, digits, _ = tables(text)
    assert list(ring[0]) == ["batchnorm", "runs", "diverged", "hq ↑"]
    assert list(digits[0]) == ["variant", "runs", "diverged", "fd_pixels ↓"]
    assert "Constant: variant ns, network mlp, optimizer adam" in text
    assert "Constant: network mlp, batchnorm none, optimizer adam" in text


def test_a_rule_on_a_metric_that_a_dataset_lacks_gives_no_headline_there(tmp_path: Path):
    runs = [Run(dataset="ring8", curves={"hq": [0.5]}), Run(curves={"fd_pixels": [2.0]})]
    store = write_suite(tmp_path, runs, select="best:fd_pixels")
    assert cells(store)["ring8", "ns"]["metrics"]["hq"]["headline"] is None
    assert cells(store)["digits", "ns"]["metrics"]["fd_pixels"]["headline"]["mean"] == 2.0
    assert "No headline on ring8: fd_pixels is not measured there." in format_report(store, "study", "markdown", None)


def test_markdown_of_a_small_study(tmp_path: Path):
    expected = Path(__file__).with_name("report.md").read_text()
    assert format_report(study(tmp_path), "study", "markdown", None) + "\n" == expected


def test_latex_of_a_small_study(tmp_path: Path):
    expected = Path(__file__).with_name("report.tex").read_text()
    assert format_report(study(tmp_path), "study", "latex", None) + "\n" == expected


def test_markdown_columns_are_aligned(tmp_path: Path):
    text = format_report(study(tmp_path), "study", "markdown", None)
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        assert len({tuple(i for i, c in enumerate(line) if c == "|") for line in block.splitlines()}) == 1


def test_a_pipe_in_a_name_stays_in_its_cell(tmp_path: Path):
    runs = [Run(variant="a|b", curves={"hq": [0.5]}), Run(variant="c", curves={"hq": [0.5]})]
    rows = tables(format_report(write_suite(tmp_path, runs), "study", "markdown", None))[0]
    assert rows[0]["variant"] == r"a\|b"


def test_csv_is_the_tidy_table(tmp_path: Path):
    text = format_report(study(tmp_path), "study", "csv", None)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert not text.endswith("\n")
    assert len(rows) == 5 * 4 + 3 * 4 + 2
    assert {row["value"] for row in rows if row["status"] in ("missing", "failed")} == {""}
    assert {row["step"] for row in rows} == {"1000", "2000", ""}


def test_latex_escapes_every_special_character():
    assert escape('say "no"') == "say ''no''", "no command that needs other fonts than LaTeX's own"
    assert escape(r"a_b & 5 % $#{}~^\<>|") == (
        r"a\_b \& 5 \% \$\#\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}\textless{}\textgreater{}\textbar{}"
    )


def test_latex_has_true_minus_signs_and_powers(tmp_path: Path):
    runs = [
        Run(variant="wgan[clip=-1]", seed=seed, curves={"hq": [-3.0 - seed], "fd_pixels": [2e-7]}) for seed in (0, 1, 2)
    ]
    text = format_report(write_suite(tmp_path, runs), "study", "latex", None)
    assert "$-$4.0 [$-$6.5, $-$1.5]" in text
    assert r"2$\times10^{-7}$ [2$\times10^{-7}$" in text
    assert "wgan[clip=-1] &" in text


def rows_of_latex(text: str) -> list[str]:
    """The rows of all tables, each as LaTeX reads it after the `\\\\` or the rule of the row before."""
    return [
        row.strip()
        for body in re.findall(r"\\begin{tabular}{(?:[lr]|>{.*?}p{.*?})+}(.*?)\\end{tabular}", text, re.DOTALL)
        for row in re.split(r"\\\\(?![a-z])|\\\w+rule", body)
        if row.strip()
    ]


@pytest.mark.parametrize("name", ["[a]", "*", "*a", "[", "[[b]]"])
def test_no_row_of_latex_begins_with_what_would_be_an_option(tmp_path: Path, name: str):
    runs = [Run(variant=v, seed=s, curves={"hq": [0.5 + 0.001 * s]}) for v in (name, "ns") for s in range(8)]
    excluded = {"columns": {"variant": name, "dataset": "digits"}, "because": "it is [so]"}
    store = write_suite(tmp_path, runs, excluded=[excluded])
    rows = rows_of_latex(format_report(store, "study", "latex", None))
    protected = f"{{{name[0]}}}{name[1:]}"
    assert sum(row.startswith(protected) for row in rows) == 5, "one of the headline, three of the spread, one excluded"
    assert not [row for row in rows if row[0] in "[*"]


def test_latex_says_when_it_needs_another_engine(tmp_path: Path):
    runs = [Run(variant=variant, curves={"hq": [0.5]}) for variant in ("ns", "émile", "数据")]
    head = format_report(write_suite(tmp_path, runs, about="naïve"), "study", "latex", None).splitlines()[1]
    assert head.endswith("Compile with XeLaTeX or LuaLaTeX, in a font that has the characters é据数")
    plain = format_report(write_suite(tmp_path / "b", runs[:1], about="naïve"), "study", "latex", None)
    assert "XeLaTeX" not in plain, "a comment needs no font"
    assert escape("a × b ± c – d ↓ ↑").isascii(), "what reports themselves write"


def test_latex_braces_and_environments_balance(tmp_path: Path):
    text = format_report(study(tmp_path), "study", "latex", None)
    shown = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    bare = re.sub(r"\\[{}]", "", shown)
    assert bare.count("{") == bare.count("}")
    assert re.findall(r"\\begin{(\w+)}", shown).count("table") == shown.count(r"\end{table}") == 3
    for body in re.findall(r"\\begin{tabular}{([lr]+)}(.*?)\\end{tabular}", shown, re.DOTALL):
        rows = [line for line in body[1].splitlines() if line.endswith(r"\\")]
        assert {len(re.split(r"(?<!\\)&", row)) for row in rows} == {len(body[0])}
    labels = re.findall(r"\\label{(.*?)}", shown)
    assert labels == ["tab:study-digits-headline", "tab:study-digits-spread", "tab:study-excluded"]


def test_latex_breaks_long_texts_into_lines_and_nothing_else(tmp_path: Path):
    variants = ["[clip=0.01]" * 5, "[clip=0.02]" * 5]
    runs = [Run(variant=name, seed=s, curves={"fd_pixels": [9.0, s]}) for name in variants for s in range(3)]
    excluded = {"columns": {"variant": "wgan", "dataset": "digits"}, "because": "clipping and a norm " * 3}
    text = format_report(write_suite(tmp_path, runs, excluded=[excluded]), "study", "latex", None)
    assert re.findall(r"\\begin{tabular}{(.*)}", text) == [
        r">{\raggedright\arraybackslash}p{0.474\linewidth}rrr",  # a long notation
        r">{\raggedright\arraybackslash}p{0.647\linewidth}lr",
        r"ll>{\raggedright\arraybackslash}p{0.763\linewidth}",
    ]
    assert r"[\allowbreak{}clip=\allowbreak{}0.01]" in text, "it can be broken within"


def test_long_texts_share_the_line():
    columns, rows = (*named("claim"), *numbered("n", "notes")), (("better than all " * 6, "5", "could show " * 4),)
    (part,) = parts(Table(title="claims", label="claims", columns=columns, rows=rows))
    assert part.page is UPRIGHT and part.columns == (0, 1, 2) and set(part.shares) == {0, 2}
    assert sum(part.shares.values()) == pytest.approx((78 - 3 * 1.5 - 1) / 78)


@pytest.mark.parametrize(
    ("metrics", "environment", "count"), [(2, "table", 1), (8, "sidewaystable", 1), (20, "sidewaystable", 3)]
)
def test_a_wide_table_is_turned_and_then_cut(metrics: int, environment: str, count: int):
    """Each part names its rows, and together they have each column once."""
    columns = (*named("variant"), *numbered(*(f"m{n}" for n in range(metrics))))
    rows = tuple((name, *["12.5 [11.0, 13.9]"] * metrics) for name in ("ns", "lsgan"))
    table = Table(title="t", label="wide", columns=columns, rows=rows, caption="Scores.", note="Read so.")
    text = draw(Document("t", "", "", (Section("t", "t", (table,)),)))
    assert re.findall(r"\\begin{(\w*table)}", text) == [environment] * count
    assert [text.count(f" m{n} ") for n in range(metrics)] == [1] * metrics
    assert text.count(r"variant &") == count and text.count("Read so.") == 1
    ends = [""] if count == 1 else ["", *(f"-{n}" for n in range(2, count + 1))]
    assert re.findall(r"\\label{tab:(.*)}", text) == [f"wide{end}" for end in ends]


def test_a_long_table_is_cut_between_rows():
    rows = tuple((f"v{n}", "1") for n in range(100))
    table = Table(title="t", label="long", columns=(*named("variant"), *numbered("m")), rows=rows)
    found = parts(table)
    assert len(found) == 3 and [row for part in found for row in part.rows] == list(range(100))


CHARACTERS = some.text(alphabet="abc ,[=_]0", min_size=1, max_size=60)


@given(some.lists(some.tuples(CHARACTERS, some.sampled_from(["0.43 [0.32, 0.56]", "–", "-1"])), min_size=1, max_size=9))
@settings(max_examples=50)
def test_parts_have_each_row_once_and_keep_to_the_line(rows: list[tuple[str, str]]):
    columns = (*named("variant"), *numbered(*(f"class_kl_{n}" for n in range(7))))
    found = parts(Table(title="t", label="t", columns=columns, rows=tuple((name, *[text] * 7) for name, text in rows)))
    for part in found:
        assert sum(part.shares.values()) <= 1 and part.columns[0] == 0
    places = [(row, at) for part in found for row in part.rows for at in part.columns[1:]]
    assert sorted(places) == [(row, at) for row in range(len(rows)) for at in range(1, 8)]


def test_tables_fit_the_line_in_computer_modern(tmp_path: Path):
    """By the metrics of the font that LaTeX takes: 8 pt, in which cmr8 is 1/16 wider than cmr10."""
    variants = ["ns", "lsgan[a=-1,b=1,c=0]", "wgan_gp[gp_weight=10]"]
    columns = {"optimizer": "rmsprop_tf[lr=0.001]", "batchnorm": "discriminator"}
    other = {"optimizer": "adam[lr=0.0002]", "batchnorm": "none"}
    curves = {"fd_pixels": [125.25, 130.5], "hq": [0.9375, 0.5125]}
    runs = [
        Run(variant=v, seed=s, curves={m: [x + s for x in c] for m, c in curves.items()}, columns=where)
        for v in variants
        for s in range(4)
        for where in (columns, other)
    ]
    text = format_report(write_suite(tmp_path, runs), "study", "latex", None)
    widths = list(widths_in_points(text))
    assert len(widths) >= 2 and r"\resizebox" not in text
    for width, line in widths:
        assert 0 < width <= line


def widths_in_points(text: str) -> Iterator[tuple[float, int]]:
    """The width of each table, with that of its line; each piece of a broken cell must fit into its column."""
    font = FT2Font(f"{get_data_path()}/fonts/ttf/cmr10.ttf")
    font.set_size(8, 72)

    def points(cell: str) -> float:
        shown = re.sub(r"\$.*?\$|\\textless{}", "+", cell).replace("~", " ")
        font.set_text(re.sub(r"\\allowbreak|\\textbf|[\\{}]", "", shown))
        return float(font.get_width_height()[0]) / 64 * 17 / 16

    pattern = r"\\begin{(\w*table)}.*?\\begin{tabular}{([^\n]*)}\n(.*?)\\end{tabular}"
    for environment, spec, body in re.findall(pattern, text, re.DOTALL):
        line = 345 if environment == "table" else 550
        rows = [
            re.split(r"(?<!\\) & ", row[4:].removesuffix(r" \\")) for row in body.splitlines() if row.endswith(r"\\")
        ]
        columns = re.findall(r">{.*?}p{(.*?)\\linewidth}|[lr]", spec)
        for at, share in enumerate(columns):
            for piece in (piece for row in rows for piece in re.split(r" |\\allowbreak{}", row[at]) if share):
                assert points(piece) <= float(share) * line + 3, piece  # half a gap between columns
        yield (
            sum(
                float(share) * line if share else max(points(row[at]) for row in rows)
                for at, share in enumerate(columns)
            )
            + 6 * len(columns),
            line,
        )


def test_two_fingerprints_are_refused_with_runs_and_keys(tmp_path: Path):
    curves = {"fd_pixels": [1.0], "hq": [0.5]}
    runs = [Run(seed=seed, curves=curves) for seed in range(5)]
    runs.append(Run(variant="wgan", curves=curves, fingerprint=FINGERPRINT | {"dtype": "float32"}))
    store = write_suite(tmp_path, runs)
    for format_ in ("markdown", "csv", "latex", "json"):
        with pytest.raises(RequestError) as refused:
            format_report(store, "study", format_, None)
        assert "fd_pixels on digits: dtype 'float64' in 5 runs (ns-digits-s0-0123456789, " in str(refused.value)
        assert "and 2 more); dtype 'float32' in 1 run (wgan-digits-s0-0123456789)" in str(refused.value)
        assert "extractor" not in str(refused.value)


def test_two_sample_sizes_are_two_fingerprints(tmp_path: Path):
    runs = [Run(curves={"hq": [0.5]}), Run(seed=1, curves={"hq": [0.5]}, n=500)]
    with pytest.raises(RequestError, match=r"n '1000' in 1 run .*; n '500' in 1 run"):
        format_report(write_suite(tmp_path, runs), "study", "csv", None)


def test_scores_of_single_classes_are_in_the_table_whatever_their_sizes_and_in_no_column(tmp_path: Path):
    store = write_suite(tmp_path, [Run(seed=seed, curves={"fd_pixels": [4.0, 2.0]}) for seed in range(2)])
    for seed, n in ((0, 90), (1, 110)):
        run = Run(seed=seed, curves={}, n=n)
        rows = [score(run, step, "fd_pixels", 1.0) | {"metric": "fd_pixels/class 3", "n": n} for step in (1000, 2000)]
        folder = store.run(run.run_id)
        folder.append("scores.jsonl", rows)
        state = folder.state()
        assert state is not None
        folder.write_state(state)
    assert format_report(store, "study", "csv", None).count("fd_pixels/class 3") == 4
    assert "class 3" not in format_report(store, "study", "markdown", None)


def test_datasets_have_fingerprints_of_their_own(tmp_path: Path):
    runs = [Run(curves={"hq": [0.5]}), Run(dataset="ring8", curves={"hq": [0.5]}, fingerprint={"reference": "other"})]
    assert "## ring8" in format_report(write_suite(tmp_path, runs), "study", "markdown", None)


def test_damaged_and_failed_runs_are_grouped_by_error(tmp_path: Path):
    log = "".join(f"line {n}\n" for n in range(LOG_LINES + 9))
    runs = [Run(seed=s, status="failed", error="OSError: disk full", log=log) for s in range(3)]
    store = write_suite(tmp_path, [*runs, Run(variant="wgan", curves={"hq": [0.5]})])
    (store.run("wgan-digits-s0-0123456789").path / "scores.jsonl").write_text("{")
    text = format_report(store, None, "markdown", None)
    assert "4 runs: 3 failed, 1 damaged" in text
    assert "`ns-digits-s0-0123456789` and 2 more runs: OSError: disk full\n\n```\nline 9\n" in text
    assert "scores.jsonl: damaged: its content does not match the seal in state.json" in text


def test_errors_that_differ_in_numbers_alone_are_one(tmp_path: Path):
    runs = [Run(seed=s, status="failed", error=f"OutOfMemory: tried {s + 1}.5e{s} GiB of {7 * s}") for s in range(3)]
    other = Run(seed=3, status="failed", error="OutOfMemory: gave up")
    text = format_report(write_suite(tmp_path, [*runs, other]), None, "markdown", None)
    assert "`ns-digits-s0-0123456789` and 2 more runs: OutOfMemory: tried 1.5e0 GiB of 0" in text
    assert "`ns-digits-s3-0123456789`: OutOfMemory: gave up" in text


def test_evaluators_that_were_skipped_are_named(tmp_path: Path):
    skipped = [{"dataset": "ring8", "evaluator": "fid[features=pixels]", "because": "points have no pixels"}]
    evaluation = {"samples": 1000, "with": ["modes"], "skipped": skipped}
    store = write_suite(tmp_path, [Run(dataset="ring8", curves={"hq": [0.5]})], evaluation=evaluation)
    assert "Not measured on ring8: fid[features=pixels]: points have no pixels" in format_report(
        store, None, "markdown", None
    )


def test_without_a_name_the_only_suite_is_taken(tmp_path: Path):
    store = Store(tmp_path)
    with pytest.raises(RequestError, match="no suite has run here"):
        format_report(store, None, "markdown", None)
    study(tmp_path)
    assert format_report(store, None, "json", None) == format_report(store, "study", "json", None)
    write_json(store.manifest_path("images"), {})
    with pytest.raises(RequestError, match=r"2 suites ran here\. known: images, study"):
        format_report(store, None, "markdown", None)


@pytest.mark.parametrize("rule", ["first", "best", "best:fid", "last "])
def test_an_unknown_rule_is_refused(tmp_path: Path, rule: str):
    with pytest.raises(RequestError, match=r"allowed: last, tail, best:METRIC\. this suite's metrics: fd_pixels, hq"):
        format_report(study(tmp_path), "study", "markdown", rule)


def test_an_unknown_format_is_refused(tmp_path: Path):
    with pytest.raises(RequestError, match="allowed: markdown, csv, runs, terms, latex, html, json"):
        format_report(study(tmp_path), "study", "pdf", None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.15, "0.15"),
        (-1e-20, "-1e-20"),
        (331.0, "331"),
        (12345.6, "12346"),
        (-0.01234567, "-0.01235"),
        (2e-9, "2e-09"),
    ],
)
def test_numbers_have_four_digits_and_no_zeros_at_the_end(value: float, text: str):
    assert number(value) == text


def test_a_number_has_the_digits_that_its_interval_supports():
    wide = Interval(-0.003, -0.4, 0.6, 9)
    assert interval_text(wide) == "0.0 [-0.4, 0.6]", "no negative zero"
    assert [beside(value, wide) for value in (0.3751, 12.0)] == ["0.4", "12.0"]
    assert interval_text(Interval(3.0, 3.0, 3.0, 9)) == "3 [3, 3]"
    assert beside(0.15, None) == beside(0.15, Interval(0.15, None, None, 2)) == "0.15"
