"""Each results folder keeps one picture of real samples of each data set, which goes where the runs go."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import torch

from ganbench.datasets.base import Dataset
from ganbench.datasets.digits import Digits
from ganbench.datasets.ring8 import Ring8
from ganbench.results import files, pictures
from ganbench.results.archive import write_archive
from ganbench.results.merge import Source, carry_out, plan_merge
from ganbench.results.real import is_picture, picture_of, write_once, written_picture
from ganbench.results.store import RunFolder, Store
from ganbench.results.unpacked import opened
from tests.support.synthetic import Run, write_suite

RUN = Run(curves={"fd_pixels": [20.0, 10.0]})
DIGITS = {"kind": "digits", "version": 1}


def described(store: Store, dataset: object = DIGITS, run: Run = RUN) -> RunFolder:
    """The run's folder, whose spec describes that data set."""
    folder = store.run(run.run_id)
    body = folder.spec()
    folder.write_json("spec.json", body | {"spec": body["spec"] | {"dataset": dataset}})
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A run with the picture of its data."""
    store = write_suite(tmp_path / "results", [RUN])
    path = picture_of(described(store))
    assert path
    write_once(path, lambda: b"real")
    return store


def test_whoever_comes_first_writes_it(store: Store, tmp_path: Path) -> None:
    path = written_picture(store.run(RUN.run_id))
    assert path and is_picture(path.relative_to(store.root).as_posix())
    write_once(path, lambda: b"again")
    assert path.read_bytes() == b"real"
    other = tmp_path / "real" / "x.png"
    with files.lock_file(other.parent / ".locks" / "x.lock"):
        write_once(other, lambda: b"late")
    assert not other.exists(), "another process is writing it"


def test_the_picture_depends_on_the_data_only(store: Store) -> None:
    folder = store.run(RUN.run_id)
    first = picture_of(folder)
    assert picture_of(described(store, {"version": 1, "kind": "digits"})) == first
    assert picture_of(described(store, DIGITS | {"version": 2})) != first
    assert picture_of(described(store, None)) is None
    (folder.path / "spec.json").write_text("{")
    assert picture_of(folder) is None


@pytest.mark.parametrize("dataset", [Ring8(), Digits()])
def test_a_picture_shows_training_samples(dataset: Dataset, tmp_path: Path) -> None:
    """Neither the draws of training nor torch's own stream are touched."""
    before, data = torch.get_rng_state(), dataset.load(None)
    pictures.keep_real(tmp_path, dataset, data)
    (path,) = (tmp_path / "real").glob("*.png")
    content = path.read_bytes()
    path.unlink()
    pictures.keep_real(tmp_path, dataset, data)
    assert path.read_bytes() == content, "the same samples each time"
    assert torch.equal(torch.get_rng_state(), before)


def test_a_full_disk_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ganbench.results.real.write_bytes", full)
    pictures.keep_real(tmp_path, Ring8(), Ring8().load(None))
    assert not list(tmp_path.rglob("*.png"))


def test_archives_have_it(store: Store, tmp_path: Path) -> None:
    write_archive(store, "study", tmp_path / "study.zip")
    with zipfile.ZipFile(tmp_path / "study.zip") as file:
        assert len([name for name in file.namelist() if is_picture(name)]) == 1
    with opened(tmp_path / "study.zip") as read:
        path = written_picture(read.run(RUN.run_id))
        assert path and path.read_bytes() == b"real"


def test_merged_folders_have_it(store: Store, tmp_path: Path) -> None:
    other = write_suite(tmp_path / "other", [Run(seed=1, curves=RUN.curves)])
    into = Store(tmp_path / "into")
    assert carry_out(plan_merge([Source("a", other), Source("b", store)], into)) == ()
    path = written_picture(into.run(RUN.run_id))
    assert path and path.read_bytes() == b"real"


def test_a_link_in_its_place_goes_nowhere(store: Store, tmp_path: Path) -> None:
    folder = store.run(RUN.run_id)
    path = picture_of(folder)
    assert path
    path.unlink()
    (tmp_path / "secret").write_bytes(b"secret")
    path.symlink_to(tmp_path / "secret")
    assert written_picture(folder) is None
    write_archive(store, "study", tmp_path / "study.zip")
    with zipfile.ZipFile(tmp_path / "study.zip") as file:
        assert not any(is_picture(name) for name in file.namelist())
    write_once(path, lambda: b"real")
    assert path.read_bytes() == b"real" and (tmp_path / "secret").read_bytes() == b"secret"


@pytest.mark.parametrize("name", ["real/x.png", "real/0123456789abcdef.py", "real/../x.png", "0123456789abcdef.png"])
def test_other_names_are_none(name: str) -> None:
    assert not is_picture(name)


def test_results_without_it_are_archived_and_merged(tmp_path: Path) -> None:
    store = write_suite(tmp_path / "old", [RUN])
    described(store)
    write_archive(store, "study", tmp_path / "old.zip")
    assert carry_out(plan_merge([Source("old", store)], Store(tmp_path / "into"))) == ()
    assert json.loads((tmp_path / "into" / "suites" / "study.json").read_text())["suite"] == "study"
