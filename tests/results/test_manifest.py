"""The manifest of a suite: it comes back as it was written, 0.1's is read, and what is damaged says what to do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import RequestError
from ganbench.results.files import write_bytes, write_json
from ganbench.results.manifest import Manifest, read_manifest, write_manifest
from ganbench.results.store import Store
from ganbench.runner.run import manifest
from ganbench.suite import load
from tests.support.synthetic import Run, write_suite

SUITES = Path(__file__).parents[2] / "suites"


@pytest.fixture(scope="module")
def stability() -> Manifest:
    return manifest(load(SUITES / "stability.yaml"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path).open()


def test_it_comes_back_as_it_was_written(store: Store, stability: Manifest) -> None:
    write_manifest(store, stability)
    assert read_manifest(store, "stability") == stability
    assert stability.runs and stability.excluded == () and stability.not_evaluated and stability.questions.claims
    assert store.suites() == ["stability"]


def test_a_manifest_of_version_0_1_is_read(tmp_path: Path) -> None:
    """It has no `format`, and need not name what was not evaluated."""
    store = write_suite(tmp_path, [Run()])
    body = json.loads(store.manifest_path("study").read_text())
    assert "format" not in body
    del body["evaluation"]["skipped"]
    write_json(store.manifest_path("study"), body)
    assert read_manifest(store, "study").not_evaluated == ()


def test_a_later_format_is_refused(store: Store, stability: Manifest) -> None:
    write_json(store.manifest_path("stability"), stability.as_json() | {"format": 99})
    with pytest.raises(RequestError, match=r"its format is 99\. this ganbench reads the formats 1 to 2\. update"):
        read_manifest(store, "stability")


def test_an_unknown_suite_says_which_are_known(store: Store, stability: Manifest) -> None:
    write_manifest(store, replace(stability, suite="study"))
    with pytest.raises(RequestError, match=r"no suite 'other' has run here\. known: study\. run it .+ run FILE$"):
        read_manifest(store, "other")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5", b"null", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_json_object_is_damaged(store: Store, content: bytes) -> None:
    write_bytes(store.manifest_path("study"), content)
    with pytest.raises(RequestError, match=r"study\.json: damaged: .*ganbench run"):
        read_manifest(store, "study")


WORDS = ("suite", "about", "select")
KEYS = (*WORDS, "runs", "marks", "axes", "metrics", "excluded", "evaluation", "samples", "with")
VALUES = ("absent", 5, "word", None, [1], {"a": 1})
RIGHT = {(key, "word") for key in WORDS} | {("samples", "5")}
CASES = [(key, value) for key in KEYS for value in VALUES if (key, str(value)) not in RIGHT]


@pytest.mark.parametrize(("key", "value"), CASES)
def test_a_missing_key_or_a_value_of_another_type_is_damage(
    store: Store, stability: Manifest, key: str, value: Any
) -> None:
    body = stability.as_json()
    place = body["evaluation"] if key in ("samples", "with") else body
    if value == "absent":
        del place[key]
    else:
        place[key] = value
    write_json(store.manifest_path("stability"), body)
    with pytest.raises(RequestError, match=r"stability\.json: damaged: .*`ganbench run FILE`"):
        read_manifest(store, "stability")
