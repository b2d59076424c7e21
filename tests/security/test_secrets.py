"""Passwords and tokens in the URI of a store are shown nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from ganbench.errors import RequestError
from ganbench.results.store import State, Store
from ganbench.tracking import Mirror, resolve
from ganbench.tracking.connection import Added, Connection, reason
from ganbench.tracking.marker import mark, marked
from ganbench.tracking.place import shown, without_secrets
from ganbench.tracking.record import read_record
from tests.e2e.conftest import within
from tests.support.synthetic import Run, write_suite

PASSWORDS = ("hunter22", *(f"hunter22{separator}extra9" for separator in ("/", "@", ":", "://", "?", "#", "%")))
WORDS = ("hunter22", "extra9")


@pytest.mark.parametrize("password", [*PASSWORDS, *(quote(password, safe="") for password in PASSWORDS)])
def test_no_part_of_a_password_is_shown(password: str) -> None:
    for scheme in ("http", "postgresql+psycopg", "mysql"):
        assert shown(f"{scheme}://me:{password}@host:5000/mlflow") == f"{scheme}://host:5000/mlflow"
    assert shown(f"https://{password}@host") == "https://host"  # a token
    assert shown(f"me:{password}@host") == "host"  # a text that is no URI, as a message quotes it


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("http://host/p?token=hunter22&x=1", "http://host/p?token=***&x=***"),
        ("http://host/p?hunter22", "http://host/p?***"),
        ("http://host/p#access=hunter22", "http://host/p#access=***"),
        ("mssql+pyodbc:///?odbc_connect=DRIVER%3DX;PWD=hunter22", "mssql+pyodbc:///?odbc_connect=***;PWD=***"),
        ("sqlite:////home/me@work/mlflow.db?timeout=30", "sqlite:////home/me@work/mlflow.db?timeout=30"),
        ("http://localhost:5000", "http://localhost:5000"),
        ("databricks", "databricks"),
    ],
)
def test_values_of_a_query_are_hidden(uri: str, text: str) -> None:
    assert shown(uri) == text


@pytest.mark.parametrize("password", PASSWORDS)
def test_messages_of_libraries_are_cleaned(password: str) -> None:
    """SQLAlchemy, MLflow and urllib quote the URI, in the form in which they read it or in wrong parts."""
    uri = f"postgresql://me:{password}@host/db?key=extra9"
    decoded, encoded = f"me:{password}@host", f"me:{quote(password, safe='')}@host"
    parts = password.replace("://", "@").replace("/", "@").replace(":", "@").split("@")
    text = f"Can't connect to {uri} or postgresql://{encoded}/db; {decoded} failed; {' and '.join(parts)}; key=extra9"
    assert not any(word in without_secrets(text, uri) for word in WORDS)
    assert without_secrets("GET http://other:hunter22@host/x", "sqlite:///x.db") == "GET http://host/x"
    assert not any(word in reason(ValueError(text * 3), uri) for word in WORDS)  # also where the text is shortened


@pytest.mark.parametrize("given", ["me:hunter22@host:5000", "sqlite://me:hunter22@host/db"])
def test_a_refused_uri_is_not_quoted_whole(given: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError) as error:
        resolve(given, tmp_path)
    assert "hunter22" not in str(error.value)


@pytest.fixture
def results(tmp_path: Path) -> Store:
    return write_suite(tmp_path / "results", [Run(curves={"fd_pixels": [3.0]})])


@pytest.mark.parametrize("uri", [
    "http://me:hunter22@127.0.0.1:9/?token=extra9", "http://me:hunter22/extra9@127.0.0.1:9", "nosuch://me:hunter22@host",
    "postgresql://me:hunter22@extra9@127.0.0.1:9/db",
])  # fmt: skip
def test_an_error_of_a_store_shows_no_secret(uri: str, results: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    done = within(results.root.parent, "sync", "--tracking-uri", uri)
    said: list[str] = []
    mirror = Mirror(results, uri, said.append, every=0.01)
    mirror.start("study", [folder.run_id for folder in results.runs()])
    mirror.close()
    assert done.returncode == 2 and said and "MLflow" in done.stderr
    assert not any(word in text for word in WORDS for text in (done.stdout, done.stderr, *said))


def test_no_secret_is_written(results: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The marker has no secret; a store whose query hides some has none, because another store would look the same."""
    folder = results.runs()[0]
    folder.write_state(State("done", step=1000))
    record = read_record(folder, "study", live=False)
    assert record is not None
    mark(folder, "http://me:hunter22@host?token=extra9", record, "study")
    assert not (folder.path / "mlflow.json").exists()
    assert not marked(folder, "http://me:hunter22@host?token=extra9", "study")
    mark(folder, "http://me:hunter22@host", record, "study")
    assert json.loads((folder.path / "mlflow.json").read_text())["uri"] == "http://host"
    assert marked(folder, "http://me:hunter22@host", "study")


def test_sync_prints_the_store_without_its_secrets(results: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "__init__", lambda self, *rest: None)
    monkeypatch.setattr(Connection, "mirror_run", lambda self, *rest: Added())
    done = within(results.root.parent, "sync", "--tracking-uri", "http://me:hunter22/extra9@host/?token=hunter22")
    assert done.returncode == 0 and done.stdout.startswith("1 runs in http://host/?token=***: 0 metric values added")
