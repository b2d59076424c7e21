"""Two results side by side: what got worse is found and fails the gate, noise and sameness do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ganbench.cli import main
from ganbench.errors import RequestError
from ganbench.report.versus import draw, versus
from ganbench.table import Results, read
from tests.synthetic import FINGERPRINT, Run, write_suite

SEEDS = 12
NOISE = [0.3, -0.2, 0.1, 0.4, -0.5, 0.2, -0.1, 0.0, 0.25, -0.35, 0.15, -0.05]


def results(root: Path, shift: float = 0.0, swing: float = 1.0, **changes: Any) -> Results:
    """Two variants over twelve seeds; `lsgan` is shifted in `fd_pixels`."""
    runs = [
        Run(
            variant=variant, seed=seed, curves={"fd_pixels": [10 + moved + swing * NOISE[seed]], "hq": [0.5]}, **changes
        )  # type: ignore[arg-type]
        for variant, moved in (("ns", 0.0), ("lsgan", shift))
        for seed in range(SEEDS)
    ]
    return read(write_suite(root, runs), "study")


def verdicts(first: Results, second: Results) -> dict[tuple[str, str], bool | None]:
    found = versus((first, second), ("a", "b"), None)
    return {(one.metric, str(one.setting["variant"])): one.better for one in found.differences}


def test_a_planted_change_is_told_by_its_direction(tmp_path: Path) -> None:
    before, after = results(tmp_path / "a"), results(tmp_path / "b", shift=2.0, swing=-1.0)
    assert verdicts(before, after)["fd_pixels", "lsgan"] is False, "a higher distance is worse"
    assert verdicts(after, before)["fd_pixels", "lsgan"] is True
    others = {key: value for key, value in verdicts(before, after).items() if key != ("fd_pixels", "lsgan")}
    assert set(others.values()) == {None}


def test_the_same_results_are_not_told_apart(tmp_path: Path) -> None:
    found = versus((results(tmp_path / "a"), results(tmp_path / "b")), ("a", "b"), None)
    assert (found.better, found.worse) == (0, 0)
    assert {one.effect.n for one in found.differences if one.effect} == {SEEDS}


def test_noise_alone_is_no_regression(tmp_path: Path) -> None:
    found = versus((results(tmp_path / "a"), results(tmp_path / "b", swing=-1.0)), ("a", "b"), None)
    assert (found.better, found.worse) == (0, 0)


def test_other_fingerprints_are_refused(tmp_path: Path) -> None:
    other = results(tmp_path / "b", fingerprint=FINGERPRINT | {"dtype": "float32"})
    with pytest.raises(RequestError, match="two fingerprints"):
        versus((results(tmp_path / "a"), other), ("a", "b"), None)


def test_nothing_in_common_is_told(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no run of one has its like"):
        versus((results(tmp_path / "a"), results(tmp_path / "b", dataset="glyphs")), ("a", "b"), None)


def test_json_has_the_counts(tmp_path: Path) -> None:
    found = versus((results(tmp_path / "a"), results(tmp_path / "b", shift=3.0)), ("a", "b"), None)
    body = json.loads(draw(found, "json"))
    assert (body["worse"], body["better"], body["first"]) == (1, 0, "a")


@pytest.mark.parametrize(("shift", "code"), [(0.0, 0), (3.0, 1)])
def test_the_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, shift: float, code: int
) -> None:
    results(tmp_path / "a")
    results(tmp_path / "b", shift=shift)
    words = ["ganbench", "report", str(tmp_path / "a"), str(tmp_path / "b"), "--fail-on", "worse"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == code
    assert ("WORSE" in capsys.readouterr().out) == bool(code)
