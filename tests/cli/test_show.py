"""`ganbench show`: one run as text, found by the beginning of its id."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ganbench.api.lookup import find_run
from ganbench.cli.show import newest_picture, run_text
from ganbench.cli.show import show as show_command
from ganbench.errors import RequestError
from ganbench.results.files import write_json
from ganbench.results.store import LOG_LINES, State, Store
from tests.support.synthetic import Run, score, write_suite

DONE = Run(curves={"fd_pixels": [3.0, 2.0], "hq": [0.25, None]})
FAILED = Run(
    variant="wgan", status="failed", error="RuntimeError: out of memory", log="step 1\nTraceback\nout of memory\n"
)
DIVERGED = Run(variant="minimax", status="diverged")


def show(store: Store, typed: str) -> str:
    return run_text(find_run(store, typed))


def test_a_done_run(tmp_path: Path):
    text = show(write_suite(tmp_path, [DONE, FAILED]), DONE.run_id)
    assert text.splitlines()[0] == DONE.run_id
    assert "status   done\nstep     4000\nseconds  12.0, 3.0 of them in evaluation" in text
    assert "variant  ns (version 1)" in text
    assert "| step | fd_pixels |   hq |\n| ---: | --------: | ---: |\n| 1000 |         3 | 0.25 |" in text
    assert "| 2000 |         2 |    – |" in text
    assert f"files in {tmp_path / 'runs' / DONE.run_id}:\n  log.txt scores.jsonl spec.json state.json" in text


def test_a_failed_run_ends_with_its_log(tmp_path: Path):
    text = show(write_suite(tmp_path, [DONE, FAILED]), "wgan")
    assert "error    RuntimeError: out of memory" in text
    assert "no scores yet" in text
    assert text.endswith("the end of the log:\n  step 1\n  Traceback\n  out of memory")


def test_a_long_log_is_shortened_to_its_end(tmp_path: Path):
    log = "".join(f"line {n}\n" for n in range(LOG_LINES + 9))
    text = show(write_suite(tmp_path, [Run(status="failed", error="OSError: disk full", log=log)]), "ns")
    assert "the end of the log:\n  line 9\n" in text and text.endswith(f"line {LOG_LINES + 8}")


def test_a_diverged_run_says_where(tmp_path: Path):
    text = show(write_suite(tmp_path, [DIVERGED]), DIVERGED.run_id)
    assert "diverged  d/real was not finite at step 812" in text


def test_the_newest_score_is_shown(tmp_path: Path):
    store = write_suite(tmp_path, [DONE])
    folder = store.run(DONE.run_id)
    folder.append("scores.jsonl", [score(DONE, 1000, "fd_pixels", 9.0)])
    assert "| 1000 |         3 |" in show(store, DONE.run_id), "a row after the seal counts for nothing"
    folder.write_state(State("done", step=4000))
    assert "| 1000 |         9 |" in show(store, DONE.run_id)


@pytest.mark.parametrize("name", ["state.json", "spec.json", "scores.jsonl"])
def test_damage_is_shown_beside_what_can_be_read(tmp_path: Path, name: str):
    store = write_suite(tmp_path, [DONE])
    (store.run(DONE.run_id).path / name).write_text("{\n")
    text = show(store, DONE.run_id)
    assert f"{name}: damaged:" in text
    assert "files in" in text


def test_the_beginning_of_one_id_is_enough_and_of_many_is_not(tmp_path: Path):
    runs = [Run(seed=seed, status="done") for seed in (1, 2)]
    store = write_suite(tmp_path, [*runs, Run(seed=11, status="done")])
    assert show(store, "ns-digits-s2").startswith(runs[1].run_id)
    with pytest.raises(RequestError, match=r"'ns-digits-s1' matches 2 runs\. it fits ns-digits-s1-"):
        show(store, "ns-digits-s1")


def test_a_typing_mistake_gets_a_suggestion(tmp_path: Path):
    store = write_suite(tmp_path, [DONE, FAILED])
    told = "no run 'wgen-digits-s0'. did you mean 'wgan-digits-s0-0123456789'? there are 2 runs. `ganbench report"
    with pytest.raises(RequestError, match=re.escape(told)):
        show(store, "wgen-digits-s0")
    with pytest.raises(RequestError, match=r"no run 'q'\. there are 2 runs\. `"):
        show(store, "q")


@pytest.mark.parametrize("typed", ["ba5eba1100", "ba5", "bad"])
def test_the_hash_or_its_beginning_is_enough(tmp_path: Path, typed: str):
    store = Store(tmp_path).open()
    ids = ["ns-digits-s0-ba5eba1100", "bad_gan-digits-s0-bad0000000", "ns-digits-s1-bad1111111"]
    for run_id in ids:
        write_json(store.run(run_id).path / "spec.json", {})
    assert show(store, typed).splitlines()[0] == ids[typed == "bad"], "an id that begins so comes before a hash"
    shutil.rmtree(store.run(ids[1]).path)
    with pytest.raises(RequestError, match=r"'ba' matches 2 runs\. it fits ns-.*-ba5eba1100, ns-.*-bad1"):
        show(store, "ba")


def test_open_shows_the_newest_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    samples = write_suite(tmp_path, [DONE]).run(DONE.run_id).path / "samples"
    samples.mkdir()
    for step in (1000, 500, 4000):
        (samples / f"{step}.png").touch()
    ended = CliRunner().invoke(show_command, [DONE.run_id, "--results", str(tmp_path), "--open"])
    assert ended.exit_code == 0 and opened == [str(samples / "4000.png")]
    assert f"opening {samples / '4000.png'}" in ended.output


def test_open_without_a_picture_says_so(tmp_path: Path) -> None:
    folder = find_run(write_suite(tmp_path, [DONE]), DONE.run_id)
    with pytest.raises(RequestError, match="the run has no picture of samples yet"):
        newest_picture(folder, tmp_path)
