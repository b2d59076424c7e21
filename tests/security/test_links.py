"""Nothing is written or read through links in a results folder, and temporary files have names that none can guess."""

from __future__ import annotations

import os
import re
import stat
import threading
import time
from pathlib import Path

import pytest

from ganbench.errors import DamagedRun
from ganbench.features.cache import Cache, clear_cache
from ganbench.report import format_report, publish, read_study
from ganbench.results.files import LEFT_BEHIND, lock_file, remove_leftovers, write_bytes
from ganbench.results.journal import tidy
from ganbench.results.store import RunFolder, State, Store
from ganbench.tracking.record import read_record
from tests.e2e.conftest import INLINE, SUITE, within
from tests.report.test_html import study

TEMPORARY = re.compile(r"\.file\.[0-9a-f]{16}\.tmp")


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file outside of the results folder, to which links point."""
    path = tmp_path / "victim"
    path.write_text("secret words\n")
    return path


def test_a_link_in_the_place_of_a_file_is_replaced(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "file").symlink_to(victim)
    write_bytes(tmp_path / "file", b"new")
    assert not (tmp_path / "file").is_symlink() and victim.read_text() == "secret words\n"


def test_a_temporary_name_is_random_and_is_never_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    replace = os.replace
    monkeypatch.setattr(Path, "replace", lambda self, to: (seen.append(self.name), replace(self, to)))
    for content in (b"1", b"2"):
        write_bytes(tmp_path / "file", content)
    assert len(set(seen)) == 2 and all(map(TEMPORARY.fullmatch, seen))
    monkeypatch.setattr("secrets.token_hex", lambda n: "0" * 16)
    (tmp_path / ".file.0000000000000000.tmp").symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        write_bytes(tmp_path / "file", b"3")
    assert not (tmp_path / "victim").exists() and (tmp_path / "file").read_bytes() == b"2"


def test_a_file_has_the_users_own_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_lock_does_not_empty_the_target_of_a_link(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "x.lock").symlink_to(victim)
    with lock_file(tmp_path / "x.lock").acquire(timeout=0):
        pass
    assert victim.read_text() == "secret words\n"


# a run folder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = Store(tmp_path / "results").open().run("ns-ring8-s0")
    folder.append("scores.jsonl", [])
    folder.log("a line\n")
    folder.write_state(State("running"))
    return folder


@pytest.mark.parametrize("name", ["state.json", "spec.json", "env.json", "scores.jsonl", "terms.jsonl", "log.txt"])
def test_a_linked_file_of_a_run_is_damage(name: str, folder: RunFolder, victim: Path) -> None:
    (folder.path / name).unlink(missing_ok=True)
    (folder.path / name).symlink_to(victim)
    with pytest.raises(DamagedRun, match="it is a link") as damage:
        folder.read_bytes(name)
    assert "secret" not in str(damage.value)


def test_nothing_is_appended_through_a_link(folder: RunFolder, victim: Path) -> None:
    for name in ("log.txt", "terms.jsonl"):
        (folder.path / name).unlink(missing_ok=True)
        (folder.path / name).symlink_to(victim)
    folder.log("x")
    assert (folder.path / "log.txt").read_text() == "x", "the link is replaced"
    with pytest.raises(OSError):
        folder.append("terms.jsonl", [{"step": 1}])
    assert victim.read_text() == "secret words\n"


@pytest.mark.parametrize("name", ["samples", "checkpoints", "."])
def test_a_linked_folder_of_a_run_is_not_written_into(name: str, tmp_path: Path) -> None:
    """The run is done again in a folder of its own; the folder that the link points to stays as it was."""
    (tmp_path / "small.yaml").write_text(SUITE.replace("seed: 2", "seed: 1").replace("[ns, lsgan]", "ns"))
    run = (
        "run",
        "small.yaml",
        "--tracking-uri",
        "none",
        *INLINE,
        "--set",
        "train.steps=2",
        "--set",
        "evaluate.every=1",
    )
    (run_id,) = within(tmp_path, *run, "--dry-run").stdout.split()
    outside, place = tmp_path / "outside", tmp_path / "results" / "runs" / run_id / name
    outside.mkdir()
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    done = within(tmp_path, *run)
    assert done.returncode == 0 and "it is a link" in done.stderr
    assert list(outside.iterdir()) == [] and (tmp_path / "results" / "runs" / run_id / "state.json").is_file()


def test_neither_the_report_nor_mlflow_gets_a_linked_file(tmp_path: Path, victim: Path) -> None:
    """The log of a failed run and the pictures go into pages that people publish."""
    store = study(tmp_path / "results")
    failed = next(folder for folder in store.runs() if (folder.path / "log.txt").read_text())
    (failed.path / "log.txt").unlink()
    (failed.path / "log.txt").symlink_to(victim)
    healthy = next(folder for folder in store.runs() if folder != failed)
    picture = healthy.path / "samples" / "2000.png"
    picture.replace(tmp_path / "private.png")
    picture.symlink_to(tmp_path / "private.png")
    record = read_record(healthy, "study", live=False)
    assert record is not None and "samples/2000.png" not in record.artifacts and "samples/1000.png" in record.artifacts
    page = format_report(store, "study", "html", None)
    assert "secret words" not in page and f"samples of {healthy.run_id} at step 2000" not in page
    written = publish(read_study(store, "study", None), tmp_path / "published")
    assert not any(b"secret words" in path.read_bytes() for path in written)


# leftovers of killed writers


def test_leftovers_in_a_run_folder_are_removed_under_its_lock(folder: RunFolder) -> None:
    (folder.path / "samples").mkdir()
    left = [
        folder.path / name for name in (".state.json.0123456789abcdef.tmp", ".state.json.4711", "samples/.1.png.99")
    ]
    for path in left:
        path.touch()
    kept = [folder.path / name for name in (".hidden", ".notes.txt", "state.json", "log.txt")]
    for path in kept[:2]:
        path.touch()
    with folder.lock().acquire(timeout=0):
        tidy(folder)
    assert not any(path.exists() for path in left) and all(path.exists() for path in kept)


def test_a_live_writer_keeps_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no lock says that a writer is gone, only files that are a day old are removed."""
    store = Store(tmp_path).open()
    young, old = (tmp_path / "suites" / f".a.json.{digit * 16}.tmp" for digit in "12")
    young.touch()
    old.touch()
    os.utime(old, times=(time.time() - LEFT_BEHIND - 1,) * 2)
    store.open()
    assert young.exists() and not old.exists()
    remove_leftovers(tmp_path / "nosuch")


def test_the_cache_removes_only_what_its_lock_covers(tmp_path: Path) -> None:
    mine, other = tmp_path / ".moments-a.pt.0123456789abcdef.tmp", tmp_path / ".moments-b.pt.0123456789abcdef.tmp"
    mine.touch()
    other.touch()
    Cache(tmp_path, print).get("moments", "a", dict)
    assert not mine.exists() and other.exists()
    held, started = threading.Event(), threading.Event()

    def hold() -> None:
        with lock_file(tmp_path / "moments-b.lock"):
            started.set()
            held.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    started.wait(60)
    (tmp_path / "moments-b.pt").touch()
    clear_cache(tmp_path)
    held.set()
    thread.join()
    assert other.exists() and (tmp_path / "moments-b.pt").exists()
