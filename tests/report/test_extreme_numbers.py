"""Every format holds numbers that are huge, tiny, equal or alone, and what is too large is absent with its reason."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from ganbench.report import FORMATS, format_comparison, format_report, publish, read_study
from ganbench.report.analysis.pairs import Effect
from ganbench.report.analysis.versus import Versus, versus
from ganbench.report.text import interval_text, number
from ganbench.results.store import Store
from ganbench.results.table import LARGEST, read_results
from ganbench.stats import Interval
from tests.support.synthetic import Run, write_suite

SEEDS = 8
CURVES = {
    "huge": [1e308, -1e308, 1.7e308, 1e308, 1e308, 1.7e308, -1.7e308, 1e308],
    "at the limit": [LARGEST, -LARGEST] * 4,
    "large": [1e69 * seed for seed in range(SEEDS)],
    "far apart": [1e-300, 1e300, 1e60, 2.0, 3.0, -4.0, 5.0, 6.0],
    "tiny": [5e-324 * seed for seed in range(SEEDS)],
    "subnormal": [1e-310 * seed for seed in range(1, SEEDS + 1)],
    "equal": [LARGEST] * SEEDS,
    "zero": [0.0] * SEEDS,
    "one huge": [1.7e308],
    "one large": [LARGEST],
    "one tiny": [5e-324],
    "two": [1e308, -1e308],
    "two at the limit": [LARGEST, -LARGEST],
}
ASKED: dict[str, Any] = {
    "compare": [{"axis": "variant", "metric": "fd_pixels", "baseline": "ns", "where": {}, "pooled": False}],
    "outcome": {"digits": [{"metric": "fd_pixels", "rule": {"limit": 1e60}}]},
}


def study(root: Path, values: list[float], sign: float = 1.0) -> Store:
    """Two variants with a seed for each value, one with them in reverse."""
    runs = [
        Run(variant=variant, seed=seed, curves={"fd_pixels": [value, sign * value], "hq": [0.5, 0.4]})
        for variant, ordered in (("ns", values), ("lsgan", values[::-1]))
        for seed, value in enumerate(ordered)
    ]
    return write_suite(root, runs, **ASKED)


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@pytest.mark.parametrize("name", CURVES)
def test_every_format_holds_them(tmp_path: Path, name: str) -> None:
    store = study(tmp_path, CURVES[name])
    for format in FORMATS:
        text = format_report(store, "study", format, None)
        assert ("term" if format == "terms" else "hq") in text, format
    body = json.loads(format_report(store, "study", "json", None), parse_constant=refuse)
    assert body["statuses"] == {"done": 2 * len(CURVES[name])}


@pytest.mark.parametrize("name", ["huge", "at the limit", "tiny", "one huge"])
def test_they_are_published(tmp_path: Path, name: str) -> None:
    written = publish(read_study(study(tmp_path, CURVES[name]), "study", None), tmp_path / "out")
    assert all(path.stat().st_size for path in written)


@pytest.mark.parametrize("name", [name for name in CURVES if not name.startswith("one")])
def test_two_results_are_compared(tmp_path: Path, name: str) -> None:
    sides = [read_results(study(tmp_path / str(sign), CURVES[name], sign), "study") for sign in (1.0, -1.0)]
    found = versus((sides[0], sides[1]), ("a", "b"), None)
    assert "hq" in format_comparison(found, "markdown")
    json.loads(format_comparison(found, "json"), parse_constant=refuse)


def test_what_is_too_large_for_a_variance_is_absent_with_its_reason(tmp_path: Path) -> None:
    runs = [Run(seed=seed, curves={"fd_pixels": [value]}) for seed, value in enumerate([1e71, -1e300, 2.0, 4.0])]
    store = write_suite(tmp_path, runs)
    body = json.loads(format_report(store, "study", "json", None))
    (cell,) = body["sections"][0]["cells"]
    assert (cell["metrics"]["fd_pixels"]["headline"]["mean"], cell["metrics"]["fd_pixels"]["headline"]["n"]) == (3.0, 2)
    reason = "first in ns-digits-s0-0123456789: fd_pixels: its value is beyond 1e+70, where float64 holds no variance"
    assert f"Absent at some mark of 2 runs, {reason}" in format_report(store, "study", "markdown", None)


@pytest.mark.parametrize("odd", [inf, -inf, nan])
def test_json_has_null_for_a_number_that_is_not_finite(tmp_path: Path, odd: float) -> None:
    sides = [read_results(study(tmp_path / str(sign), CURVES["large"], sign), "study") for sign in (1.0, -1.0)]
    found = with_spread(versus((sides[0], sides[1]), ("a", "b"), None), Interval(1.0, odd, odd, SEEDS, odd))
    body = json.loads(format_comparison(found, "json"), parse_constant=refuse)
    assert body["differences"][0]["effect"]["difference"] == {
        "mean": 1.0,
        "low": None,
        "high": None,
        "n": 8,
        "sd": None,
    }
    assert str(odd) in format_comparison(found, "markdown")


def with_spread(found: Versus, spread: Interval) -> Versus:
    """The same differences, the first with another interval."""
    first, *others = found.differences
    effect = first.comparison.effect
    assert isinstance(effect, Effect)
    comparison = replace(first.comparison, effect=replace(effect, difference=spread))
    return replace(found, differences=(replace(first, comparison=comparison), *others))


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(inf, None, None, 1), "inf"),
        (Interval(1.0, -inf, inf, 5), "1 [-inf, inf]"),
        (Interval(nan, nan, nan, 5), "nan [nan, nan]"),
        (Interval(5e-324, 0.0, 5e-324, 5), "4.941e-324 [0.000e+00, 4.941e-324]"),
        (Interval(1e308, -1e308, 1e308, 5), "1e+308 [-1e+308, 1e+308]"),
    ],
)
def test_intervals_are_shown_whatever_their_ends(interval: Interval, text: str) -> None:
    assert interval_text(interval) == text


def test_numbers_that_are_not_finite_are_shown() -> None:
    assert [number(value) for value in (inf, -inf, nan)] == ["inf", "-inf", "nan"]
