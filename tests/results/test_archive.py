"""An archive holds a suite's results, in the same bytes each time; it is read as the folder that it was made from."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from ganbench.errors import RequestError
from ganbench.results.archive import Archived, write_archive
from ganbench.results.manifest import read_manifest
from ganbench.results.store import Store
from ganbench.results.table import tidy
from ganbench.results.unpacked import is_archive, opened
from tests.support.synthetic import Run, write_suite

RUNS = [Run(seed=seed, curves={"fd_pixels": [20.0, 10.0 + seed]}) for seed in range(3)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = write_suite(tmp_path / "results", [*RUNS, Run(seed=3, status="missing")])
    for name, content in (("samples/100.png", b"picture"), ("checkpoints/100.pt", b"weights"), ("mlflow.json", b"{}")):
        path = store.run(RUNS[0].run_id).path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return store


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as file:
        return file.namelist()


def test_it_reads_as_the_folder_does(store: Store, tmp_path: Path) -> None:
    archived = write_archive(store, "study", tmp_path / "study.zip")
    assert archived == Archived(3, len(names(tmp_path / "study.zip")), ())
    with opened(tmp_path / "study.zip") as read:
        assert tidy(read, "study").equals(tidy(store, "study"))
        assert read_manifest(read, "study") == read_manifest(store, "study")
        assert (read.run(RUNS[0].run_id).path / "samples" / "100.png").read_bytes() == b"picture"
        root = read.root
    assert not root.exists(), "what was unpacked is removed"


def test_a_folder_is_opened_as_it_is(store: Store) -> None:
    with opened(store.root) as same:
        assert same == store
    assert not is_archive(store.root) and is_archive(Path("study.ZIP"))


def test_equal_results_give_equal_bytes(store: Store, tmp_path: Path) -> None:
    write_archive(store, "study", tmp_path / "first.zip")
    for path in store.root.rglob("*"):
        path.touch()
    write_archive(store, "study", tmp_path / "second.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.zip", "results", "second.zip"]


def test_checkpoints_are_included_on_request(store: Store, tmp_path: Path) -> None:
    checkpoint = f"runs/{RUNS[0].run_id}/checkpoints/100.pt"
    write_archive(store, "study", tmp_path / "small.zip")
    write_archive(store, "study", tmp_path / "large.zip", checkpoints=True)
    assert set(names(tmp_path / "large.zip")) - set(names(tmp_path / "small.zip")) == {checkpoint}
    assert not any(name.endswith("mlflow.json") for name in names(tmp_path / "large.zip"))
    with opened(tmp_path / "large.zip") as read:
        assert tidy(read, "study").equals(tidy(store, "study"))


def test_unpacked_it_is_a_results_folder_whose_digests_hold(store: Store, tmp_path: Path) -> None:
    write_archive(store, "study", tmp_path / "study.zip", checkpoints=True)
    with zipfile.ZipFile(tmp_path / "study.zip") as file:
        file.extractall(tmp_path / "unpacked")
    assert tidy(Store(tmp_path / "unpacked"), "study").equals(tidy(store, "study"))
    lines = (tmp_path / "unpacked" / "SHA256SUMS").read_text().splitlines()
    for digest, _, name in (line.partition("  ") for line in lines):
        assert hashlib.sha256((tmp_path / "unpacked" / name).read_bytes()).hexdigest() == digest
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path / "unpacked", check=True, timeout=30)
    readme = (tmp_path / "unpacked" / "README.txt").read_text()
    assert 'the suite "study"' in readme and "3 of the suite's 4 runs" in readme and readme.isascii()


def test_damaged_runs_and_runs_in_progress_are_left_out(store: Store, tmp_path: Path) -> None:
    damaged, busy = (store.run(run.run_id) for run in RUNS[:2])
    (damaged.path / "scores.jsonl").write_text("")
    busy.write_state(replace(busy.check() or pytest.fail("no state"), status="running"))
    with busy.lock():
        archived = write_archive(store, "study", tmp_path / "study.zip")
    assert archived.runs == 1 and len(archived.left_out) == 2
    assert "does not match the seal" in archived.left_out[0] and "a process is filling it" in archived.left_out[1]


def test_a_failing_disk_leaves_nothing_behind(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match="No space left"):
        write_archive(store, "study", tmp_path / "study.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_cut_archive_is_one_message(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "study.zip"
    write_archive(store, "study", path)
    content = path.read_bytes()
    for size in (0, 1, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(RequestError, match=r"study\.zip: it is damaged, truncated or not a zip file .*\. ask for"):
            opened(path).__enter__()


def test_any_changed_byte_is_noticed_or_changes_nothing(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "study.zip"
    write_archive(store, "study", path)
    content, expected, noticed = path.read_bytes(), tidy(store, "study"), 0
    for at in range(0, len(content), 37):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :])
        try:
            with opened(path) as read:
                assert tidy(read, "study").equals(expected), at
        except RequestError:
            noticed += 1
    assert noticed > len(content) / 37 / 2
