"""`ganbench watch`: what a snapshot of a suite counts, how it is drawn, and when the command ends."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from ganbench.cli import watch
from ganbench.cli.watch import PATIENCE, WIDE, draw, follow
from ganbench.errors import RequestError
from ganbench.results.snapshot import RunProgress, read_snapshot
from ganbench.results.store import State, Store
from tests.support.synthetic import Run, score, write_suite


def study(root: Path) -> Store:
    runs = [Run(seed=seed, curves={"fd_pixels": [9.0, 5.0 + seed]}) for seed in range(2)]
    runs += [Run(variant="lsgan", seed=0, status="running", curves={"hq": [0.5]})]
    runs += [Run(variant="lsgan", seed=1, status="missing"), Run(variant="lsgan", seed=2, status="failed")]
    return write_suite(root, runs)


def text(store: Store, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(draw(read_snapshot(store, "study"), width))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_cells_count_their_runs_and_show_the_newest_scores(tmp_path: Path) -> None:
    snapshot = read_snapshot(study(tmp_path), "study")
    ((ns, lsgan),) = (dataset.cells for dataset in snapshot.datasets)
    assert snapshot.datasets[0].axes == ("variant",) and (ns.name, lsgan.name) == (("ns",), ("lsgan",))
    assert ns.statuses == {"done": 2} and ns.newest == {"fd_pixels": [5.0, 6.0]}
    assert lsgan.statuses == {"stopped": 1, "waiting": 1, "failed": 1}, "no process holds the lock of the running one"
    assert snapshot.unfinished == 2 and "no run is in training now" in text(study(tmp_path))
    assert "lsgan    0/3, 1 stopped, 1 failed  –          0.5" in text(study(tmp_path))


def test_a_run_in_training_has_a_speed(tmp_path: Path) -> None:
    store = study(tmp_path)
    folder = store.run("lsgan-digits-s0-0123456789")
    rows = [{"step": step, "time": 1000.0 + step / 10, "terms": {}} for step in (100, 200, 1000)]
    folder.append("terms.jsonl", rows)
    folder.write_state(State("running", step=1000))
    with folder.lock():
        snapshot = read_snapshot(store, "study")
        assert snapshot.running == (RunProgress(folder.run_id, 1000, 4000, pytest.approx(300.0)),)
        assert "1000/4000  300 s" in text(store)


def test_damaged_files_are_shown_as_such(tmp_path: Path) -> None:
    store = study(tmp_path)
    (store.run("ns-digits-s0-0123456789").path / "state.json").write_text("{")
    assert read_snapshot(store, "study").statuses["damaged"] == 1


# --- tables ---


def two_datasets(root: Path) -> Store:
    """Rings with two optimizers and `hq`; digits with two variants, whose networks differ too, and `fd_pixels`."""
    adam, sgd = "adam[lr=0.001]", "sgd[lr=0.1,momentum=0.5]"
    ring = {"dataset": "ring8[std=0.05]", "curves": {"hq": [0.5]}}
    runs = [Run(**ring, columns={"optimizer": name}) for name in (adam, sgd)]
    images = {"curves": {"fd_pixels": [7.0]}}
    runs.append(Run(variant="ns[gamma=1]", columns={"network": "dcgan[width=16]"}, **images))
    runs.append(Run(variant="ns[gamma=2]", columns={"network": "dcgan[width=32]"}, **images))
    return write_suite(root, runs)


def test_a_table_for_each_dataset_with_its_own_axes_and_metrics(tmp_path: Path) -> None:
    lines = [line.split() for line in text(two_datasets(tmp_path)).splitlines()]
    assert ["optimizer", "runs", "hq"] in lines and ["variant", "runs", "fd_pixels"] in lines
    assert ["sgd[lr=0.1,momentum=0.5]", "1/1", "0.5"] in lines, "options stay as they are written"
    assert ["ns[gamma=1]", "1/1", "7"] in lines and ["ns[gamma=2]", "1/1", "7"] in lines
    assert lines.index(["ring8[std=0.05]"]) < lines.index(["digits"])


def test_a_narrow_terminal_shows_whole_names_and_says_which_metrics_it_leaves_out(tmp_path: Path) -> None:
    names = [f"a_long_metric_{number}" for number in range(6)]
    better = {name: {"better": "lower", "low": 0.0, "high": None} for name in names}
    runs = [Run(variant=f"lsgan[a=-1,b={b},c=0]") for b in (1, 2)]
    store = write_suite(tmp_path, runs, metrics=better)
    row = score(runs[0], 1000, "hq", 0.25)
    store.run(runs[0].run_id).append("scores.jsonl", [row | {"metric": name} for name in names])
    store.run(runs[0].run_id).write_state(State("done", step=4000))
    narrow = text(store, 80)
    assert max(map(len, narrow.splitlines())) <= 80
    assert "lsgan[a=-1,b=1,c=0]  1/1   0.25             0.25             0.25 " in narrow
    assert f"no room for {', '.join(names[3:])}" in narrow
    assert "a_long_metric_0" in text(store, 40) and "no room for a_long_metric_2" in text(store, 40)
    assert "no room" not in text(store, WIDE)


# --- the command ---


def stage(monkeypatch: pytest.MonkeyPatch, *acts: Callable[[], object]) -> io.StringIO:
    """A terminal, and what other processes do in each pause between two snapshots; nothing after the last act."""
    screen, script = io.StringIO(), list(acts)
    terminal = partial(Console, file=screen, force_terminal=True, width=80, height=50, color_system=None)
    monkeypatch.setattr("rich.console.Console", terminal)
    monkeypatch.setattr(watch.time, "sleep", lambda _: script.pop(0)() if script else None)
    return screen


def test_it_waits_for_the_first_worker_and_between_two_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = write_suite(tmp_path, [Run(seed=0, status="missing"), Run(seed=1, status="missing")])
    first, second = (store.run(Run(seed=seed).run_id) for seed in (0, 1))
    lock = first.lock()
    alone = [lambda: None] * (PATIENCE - 1)
    begun = [lock.acquire, lambda: first.write_state(State("running", step=1))]
    ended = [lambda: first.write_state(State("done", step=4000)), lock.release]
    screen = stage(monkeypatch, *alone[:-1], *begun, *ended, *alone[:-2], lambda: second.write_state(State("done")))
    follow(store, "study")
    assert "study: 1 running, 1 waiting" in screen.getvalue() and "0/4000" in screen.getvalue()
    assert screen.getvalue().endswith("all runs are over: `ganbench report study` prints the tables\n")


def test_it_ends_when_no_worker_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[int] = []
    screen = stage(monkeypatch, *[lambda: pauses.append(1)] * 100)
    follow(study(tmp_path), "study")
    assert len(pauses) == PATIENCE
    text = " ".join(screen.getvalue().split())
    assert text.endswith("no worker was active for 30 s, and 2 runs are unfinished: `ganbench run` continues with them")


@pytest.mark.parametrize(("status", "once"), [("done", False), ("failed", False), ("missing", True)])
def test_it_prints_once_when_all_runs_are_over_or_once_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str, once: bool
) -> None:
    screen = stage(monkeypatch, *[lambda: pytest.fail("it waits")] * 2)
    follow(write_suite(tmp_path, [Run(status=status)]), "study", once)
    assert "study: 1" in screen.getvalue()


def test_without_a_terminal_it_prints_everything_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long = "lsgan[" + ",".join(f"option{number}=0.001" for number in range(7)) + "]"
    follow(write_suite(tmp_path, [Run(), Run(variant=long), Run(seed=1, status="missing")]), "study")
    out = capsys.readouterr().out
    assert "study: 2 done, 1 waiting" in out and f"{long}  1/1" in out
    with pytest.raises(RequestError, match="has run here"):
        follow(Store(tmp_path), "other")
