"""The place of the mirror: the URI of the MLflow store, its database file and its artifacts.

The URI of an SQLite file is `sqlite:///PATH?OPTIONS`, or `sqlite+pysqlite:///...`. Its path is percent-quoted, as
SQLAlchemy 2.1 reads it; `sqlite:///file:PATH?uri=true` holds a URI of SQLite's own, which is quoted once more.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote

from ganbench.errors import RequestError

ALLOWED = "allowed: a server (http://...), a database (sqlite:///FILE, postgresql://...) or none"
NETWORK = (
    "nfs",
    "cifs",
    "smb",
    "lustre",
    "gpfs",
    "beegfs",
    "ceph",
    "glusterfs",
    "fuse.",
    "afs",
    "9p",
    "pvfs",
    "orangefs",
)
HIDDEN = "***"
_LOCAL = re.compile(r"(sqlite(\+\w+)?|file):///")
_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///([^?]*)")


def default_uri(root: Path) -> str:
    """The default store of a results folder: `sqlite:///<results>/mlflow.db`."""
    return sqlite_uri(root.resolve() / "mlflow.db")


def sqlite_uri(file: Path) -> str:
    """The URI of an SQLite file, whatever characters its path has."""
    return f"sqlite:///{quote(str(file))}"


def for_mlflow(uri: str) -> str:
    """The URI for MLflow's client, which creates the folder of a `sqlite:///` path without removing its quotes."""
    plain = "%" not in uri and "file:" not in uri
    return uri if plain else re.sub("^sqlite:///", "sqlite+pysqlite:///", uri)


def resolve(uri: str | None, root: Path) -> str | None:
    """The URI to mirror to: the given URI, else `MLFLOW_TRACKING_URI`, else the default; None for `none`.

    Raises `RequestError` for a text that is not a URI, and for a database that would end with the command.
    """
    where = "--tracking-uri" if uri else "MLFLOW_TRACKING_URI"
    chosen = uri or os.environ.get("MLFLOW_TRACKING_URI") or default_uri(root)
    if chosen.lower() == "none":
        return None
    if "://" not in chosen and chosen != "databricks":
        todo = "give the URI of a store, or none to log nothing to MLflow"
        raise RequestError(where, f"{shown(chosen)!r} is not the URI of an MLflow store", ALLOWED, todo)
    if chosen.startswith("sqlite"):
        _check_sqlite(where, chosen)
    return chosen


def _check_sqlite(where: str, uri: str) -> None:
    """Raises `RequestError` for a database in memory and for what names no file."""
    found = _SQLITE.match(uri)
    if found is None:
        todo = "write three slashes before a relative path and four before an absolute one"
        raise RequestError(where, f"{shown(uri)!r} names no SQLite file", "allowed: sqlite:///FILE", todo)
    path = unquote(found[1])
    if not path or ":memory:" in path or "mode=memory" in uri:
        given = f"{uri!r} is a database in memory, which is lost when the command ends"
        raise RequestError(where, given, "allowed: sqlite:///FILE", "name a file, or leave MLflow out with none")


def database(uri: str) -> Path | None:
    """The file of an SQLite store; None for a server."""
    found = _SQLITE.match(uri)
    if found is None:
        return None
    path = unquote(found[1])
    if path.startswith("file:"):
        path = unquote(re.sub(r"^file:(//(localhost)?(?=/))?", "", path))
    return Path(path).resolve()


def journal_mode(file: Path, mounts: str) -> str:
    """The journal mode of an SQLite file, by the mounts of the machine as `/proc/self/mounts` lists them.

    A write-ahead log takes a third of the time, and a reader (`mlflow ui`) never blocks the writer; but its index is
    memory that processes share, which no network file system offers (https://www.sqlite.org/wal.html, section 1).
    """
    kinds = {}
    for line in mounts.splitlines():
        _, point, kind, *_ = line.split(" ")
        point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), point)  # a blank is written as \040
        kinds[Path(point)] = kind  # the last one hides those before
    kind = next((kinds[folder] for folder in file.parents if folder in kinds), "")
    return "DELETE" if kind.startswith(NETWORK) else "WAL"


def mounts() -> str:
    """The mounts of this machine; empty where the system does not list them."""
    with suppress(OSError):
        return Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    return ""


def artifact_location(uri: str, suite: str) -> str | None:
    """`mlartifacts/<suite>` beside an SQLite file; None if the server chooses the place."""
    file = database(uri)
    return (artifact_root(file) / suite).as_uri() if file else None


def artifact_root(file: Path) -> Path:
    """The folder of the artifacts of an SQLite store."""
    return file.parent / "mlartifacts"


def shown(uri: str) -> str:
    """The URI for people, logs and files: without a user's name and password, and with `***` for what a query holds.

    A password may hold any character, so all before the last `@` is left out. A file on this machine has no secrets.
    """
    if _LOCAL.match(uri):
        return uri
    scheme, rest = _split(uri)
    place, separator, query = _halves(rest.rpartition("@")[2])
    return scheme + place + separator + re.sub(r"(?<![^&;#])([^=&;#]*=)?[^&;#]+", rf"\g<1>{HIDDEN}", query)


def without_secrets(text: str, uri: str) -> str:
    """A message of another library without the secrets of a URI, which it may quote whole or in parts."""
    for secret in sorted(_secrets(uri), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return re.sub(r"(?<=://)[^\s/@]+@", "", text)


def hides_query(uri: str) -> bool:
    """Whether two URIs of one `shown` may mean two stores."""
    return HIDDEN in shown(uri)


def _secrets(uri: str) -> set[str]:
    """The password of a URI, or a lone user's name, which may be a token, and the values of its query, in every form.

    Libraries split a password with `@` or `/` in it in the wrong place, so its parts of two or more characters count.
    """
    if _LOCAL.match(uri):
        return set()
    user, _, after = _split(uri)[1].rpartition("@")
    password = user.partition(":")[2] or user
    values = [part.partition("=")[2] or part for part in re.split("[&;#]", _halves(after)[2])]
    parts = [part for part in re.split("[@/:?#]", password) if len(part) > 1]
    found = {form for text in (password, *parts, *values) for form in (text, unquote(text), quote(text, safe=""))}
    return found - {""}


def _split(uri: str) -> tuple[str, str]:
    """The scheme with `://`, empty for a text that has none, and the rest."""
    scheme = re.match(r"[\w+.-]+://", uri)
    return (scheme[0], uri[scheme.end() :]) if scheme else ("", uri)


def _halves(text: str) -> tuple[str, str, str]:
    """What comes before a query or a fragment, the `?` or `#`, and what comes after."""
    found = re.search("[?#]", text)
    return (text[: found.start()], found[0], text[found.end() :]) if found else (text, "", "")
