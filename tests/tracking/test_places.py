"""Where MLflow's database and files lie: any path, any form of URI, and a results folder that was moved or copied."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from ganbench.errors import RequestError
from ganbench.results.store import RunFolder, Store
from ganbench.tracking import Mirror, Synced, default_uri, resolve, sync
from ganbench.tracking.place import artifact_location, database, for_mlflow, journal_mode, mounts, sqlite_uri
from ganbench.tracking.relocation import relocate
from tests.tracking.test_tracking import eventually, one_run, quiet, sample, the_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

ODD = "a b?c#d%25é&e=f;g[h]@i:j+k'l"


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A results folder under a path of reserved characters, mirrored; each test copies it."""
    store = Store(tmp_path_factory.mktemp("odd") / ODD / "results").open()
    one_run(store, "first")
    assert sync(store, default_uri(store.root), None, quiet).metrics_added == 10
    return store


def moved(mirrored: Store, to: Path) -> tuple[Store, RunFolder]:
    """A copy of the results folder, and its run."""
    shutil.copytree(mirrored.root, to)
    store = Store(to)
    return store, store.runs()[0]


def client_of(store: Store) -> MlflowClient:
    from mlflow import MlflowClient

    return MlflowClient(for_mlflow(default_uri(store.root)))


def files(folder: Path) -> dict[str, bytes]:
    """The content of every file below a folder, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_reserved_characters_keep_the_database_inside_the_results_folder(mirrored: Store) -> None:
    parent = mirrored.root.parent.parent
    assert [path.name for path in parent.iterdir()] == [ODD], "nothing beside it"
    assert {path.name for path in mirrored.root.iterdir()} >= {"mlflow.db", "mlartifacts", "runs", "suites"}
    assert database(default_uri(mirrored.root)) == mirrored.root.resolve() / "mlflow.db"
    run = the_run(client_of(mirrored), "first")
    assert [file.path for file in client_of(mirrored).list_artifacts(run.info.run_id, "samples")] == ["samples/400.png"]


@pytest.mark.parametrize("form", ["{0}?timeout=30", "{0}?timeout=30&check_same_thread=false", "pysqlite", "file:"])
def test_every_form_of_the_uri_is_the_same_database(mirrored: Store, form: str) -> None:
    uri = default_uri(mirrored.root)
    if form == "pysqlite":
        form = uri.replace("sqlite:", "sqlite+pysqlite:")
    elif form == "file:":
        form = f"sqlite:///{quote('file:' + quote(str(mirrored.root / 'mlflow.db')))}?uri=true&timeout=20"
    other = form.format(uri)
    assert database(other) == database(uri)
    assert artifact_location(other, "first") == artifact_location(uri, "first")
    assert sync(mirrored, other, None, quiet) == Synced(runs=1)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("sqlite:///x/mlflow.db", "x/mlflow.db"),
        ("sqlite:////x/mlflow.db?timeout=3", "/x/mlflow.db"),
        ("sqlite+pysqlite:////x%3Fy.db", "/x?y.db"),
        ("sqlite:///file:/x/y%2520z.db?uri=true&mode=rw", "/x/y z.db"),
        ("sqlite:///file:///x/y.db?uri=true", "/x/y.db"),
        ("sqlite:///file:x.db?uri=true", "x.db"),
        ("http://server/sqlite:///x", None),
        ("postgresql://server/x", None),
    ],
)
def test_the_file_of_a_uri(uri: str, path: str | None) -> None:
    assert database(uri) == (None if path is None else Path(path).resolve())


def test_a_plain_path_is_written_as_it_is() -> None:
    assert sqlite_uri(Path("/a-b/c.d_e~f")) == "sqlite:////a-b/c.d_e~f"


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("sqlite:///:memory:", "a database in memory"),
        ("sqlite:///", "a database in memory"),
        ("sqlite+pysqlite:///:memory:?timeout=3", "a database in memory"),
        ("sqlite:///file:x?mode=memory&uri=true", "a database in memory"),
        ("sqlite://", "names no SQLite file"),
        ("sqlite://mlflow.db", "names no SQLite file"),
        ("sqlite+aiosqlite:///x.db", "names no SQLite file"),
    ],
)
def test_what_holds_nothing_is_refused(uri: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=says) as caught:
        resolve(uri, tmp_path)
    assert str(caught.value).startswith("--tracking-uri: ") and "sqlite:///FILE" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_moved_folder_writes_into_its_new_place(mirrored: Store, tmp_path: Path) -> None:
    """What is added after the move lies in the new place, and what lay there before is found there."""
    before = files(mirrored.root)
    store, folder = moved(mirrored, tmp_path / "new?place")
    sample(folder, 800)
    said: list[str] = []
    assert sync(store, default_uri(store.root), None, said.append) == Synced(runs=1, files_restored=0)
    client, run = client_of(store), the_run(client_of(store), "first")
    assert run.info.artifact_uri.startswith(store.root.resolve().as_uri())
    names = [file.path for file in client.list_artifacts(run.info.run_id, "samples")]
    assert names == ["samples/400.png", "samples/800.png"]
    assert files(mirrored.root) == before, "the old place stays as it was"


def test_the_live_mirror_follows_a_move(mirrored: Store, tmp_path: Path) -> None:
    store, folder = moved(mirrored, tmp_path / "new")
    shutil.rmtree(store.root / "mlartifacts")
    sample(folder, 800)
    mirror = Mirror(store, default_uri(store.root), quiet, every=0.01)
    mirror.start("first", [folder.run_id])
    eventually(lambda: len(list(store.root.glob("mlartifacts/first/*/artifacts/samples/*.png"))) == 2)
    assert mirror.close() == 0


@pytest.mark.parametrize("lost", ["samples", "spec.json", "."])
def test_sync_restores_lost_files(mirrored: Store, tmp_path: Path, lost: str) -> None:
    store, _ = moved(mirrored, tmp_path / "new")
    (artifacts,) = store.root.glob("mlartifacts/first/*/artifacts")
    before = files(artifacts)
    gone = artifacts / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    said: list[str] = []
    restored = sync(store, default_uri(store.root), None, said.append).files_restored
    assert restored == {".": 3}.get(lost, 1)
    assert said == [f"first: 1 runs, 0 values added, {restored} files restored"]
    assert files(artifacts) == before


def test_places_that_ganbench_did_not_make_stay(mirrored: Store, tmp_path: Path) -> None:
    store, _ = moved(mirrored, tmp_path / "new")
    client = client_of(store)
    own = {name: f"{where}/{name}" for name, where in (("bucket", "s3://b/mlartifacts"), ("mine", "file:///data"))}
    for name, place in own.items():
        client.create_experiment(name, place)
    relocate(store.root / "mlflow.db")
    assert {name: client.get_experiment_by_name(name).artifact_location for name in own} == own
    assert client.get_experiment_by_name("first").artifact_location.startswith(store.root.resolve().as_uri())


def test_a_database_without_tables_is_left_to_mlflow(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    relocate(tmp_path / "mlflow.db")
    assert (tmp_path / "mlflow.db").stat().st_size == 0


MOUNTS = r"""/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw,vers=4.2 0 0
/dev/sdb1 /home/me/fast\040disk xfs rw 0 0
lab@o2ib:/scratch /scratch lustre rw 0 0
sshfs /mnt/far fuse.sshfs rw 0 0
tmpfs /scratch/tmp tmpfs rw 0 0
"""


@pytest.mark.parametrize(("folder", "mode"), [
    ("/data/results", "WAL"),
    ("/home/me/results", "DELETE"),
    ("/home/me/fast disk/results", "WAL"),
    ("/scratch/results", "DELETE"),
    ("/scratch/tmp/results", "WAL"),
    ("/mnt/far/results", "DELETE"),
])  # fmt: skip
def test_a_database_on_a_network_file_system_has_no_write_ahead_log(folder: str, mode: str) -> None:
    assert journal_mode(Path(folder) / "mlflow.db", MOUNTS) == mode
    assert journal_mode(Path(folder) / "mlflow.db", "") == "WAL", "a system that does not list its mounts"
    assert mounts().count(" / ") >= 1
