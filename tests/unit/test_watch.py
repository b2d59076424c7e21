"""Looking on: what a snapshot counts, who is running, and the command itself."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from ganbench.errors import RequestError
from ganbench.store import State, Store
from ganbench.watch import Running, snapshot, table, watch
from tests.synthetic import Run, write_suite


def study(root: Path) -> Store:
    runs = [Run(seed=seed, curves={"fd_pixels": [9.0, 5.0 + seed]}) for seed in range(2)]
    runs += [Run(variant="lsgan", seed=0, status="running", curves={"hq": [0.5]})]
    runs += [Run(variant="lsgan", seed=1, status="missing"), Run(variant="lsgan", seed=2, status="failed")]
    return write_suite(root, runs)


def text(store: Store) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(table(snapshot(store, "study")))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_cells_count_their_runs_and_show_the_newest_scores(tmp_path: Path) -> None:
    shot = snapshot(study(tmp_path), "study")
    ns, lsgan = shot.cells
    assert shot.axes == ("variant",) and (ns.name, lsgan.name) == (("ns",), ("lsgan",))
    assert ns.statuses == {"done": 2} and ns.newest == {"fd_pixels": [5.0, 6.0]}
    assert lsgan.statuses == {"stopped": 1, "waiting": 1, "failed": 1}, "nobody holds the lock of the running one"
    assert shot.over and "nobody works on it now" in text(study(tmp_path))


def test_a_run_that_is_filled_has_a_speed(tmp_path: Path) -> None:
    store = study(tmp_path)
    folder = store.run("lsgan-digits-s0-0123456789")
    rows = [{"step": step, "time": 1000.0 + step / 10, "terms": {}} for step in (100, 200, 1000)]
    folder.append("terms.jsonl", rows)
    folder.write_state(State("running", step=1000))
    with folder.lock():
        shot = snapshot(store, "study")
        assert shot.running == (Running(folder.run_id, 1000, 4000, pytest.approx(300.0)),)
        assert not shot.over and "1000/4000  300 s" in text(store)


def test_damaged_files_are_shown_as_such(tmp_path: Path) -> None:
    store = study(tmp_path)
    (store.run("ns-digits-s0-0123456789").path / "state.json").write_text("{")
    assert snapshot(store, "study").statuses["damaged"] == 1


def test_it_prints_once_where_nobody_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watch(study(tmp_path), "study")
    assert "study: 2 done" in capsys.readouterr().out
    with pytest.raises(RequestError, match="has run here"):
        watch(Store(tmp_path), "other")
