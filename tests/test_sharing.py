"""The files by which others cite and run ganbench: CITATION.cff, and the Dockerfile, which no build tests here."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from ruamel.yaml import YAML

import ganbench
from tests.support.pages import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIRED = {"cff-version", "message", "title", "authors"}  # of the Citation File Format 1.2.0
OPTIONAL = {"type", "version", "license", "keywords", "abstract", "doi", "url", "repository-code", "date-released"}
INSTRUCTIONS = {"FROM", "RUN", "COPY", "ENV", "WORKDIR", "USER", "ENTRYPOINT", "CMD", "LABEL", "ARG", "VOLUME"}


def citation() -> dict[str, Any]:
    read: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "CITATION.cff").read_text())
    return read


class TestCitation:
    def test_its_fields_are_those_of_the_format(self) -> None:
        found = citation()
        assert REQUIRED <= found.keys() <= REQUIRED | OPTIONAL
        assert found["cff-version"] == "1.2.0" and found["type"] == "software"
        assert all(author.keys() <= {"name"} or {"family-names"} <= author.keys() for author in found["authors"])
        assert all(isinstance(word, str) for word in found["keywords"])

    def test_it_says_what_the_package_says(self) -> None:
        found = citation()
        assert found["version"] == ganbench.__version__
        assert found["license"] == PROJECT["license"] and found["keywords"] == PROJECT["keywords"]
        described = PROJECT["description"].removeprefix("A ").removesuffix(".")
        assert found["title"] == f"ganbench: a {described}"


@pytest.fixture
def dockerfile() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, each with its arguments on one line."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines if line.strip()]


class TestDockerfile:
    def test_it_is_made_of_instructions(self, dockerfile: list[tuple[str, str]]) -> None:
        assert dockerfile[0][0] == "FROM" and {name for name, _ in dockerfile} <= INSTRUCTIONS

    def test_the_image_has_a_version_and_a_python_that_is_supported(self, dockerfile: list[tuple[str, str]]) -> None:
        base = re.fullmatch(r"python:3\.(\d+)-slim", dockerfile[0][1])
        assert base and int(base[1]) >= int(PROJECT["requires-python"].removeprefix(">=3."))

    def test_what_it_copies_is_in_the_repository(self, dockerfile: list[tuple[str, str]]) -> None:
        copied = [word for name, given in dockerfile if name == "COPY" for word in given.split()[:-1]]
        assert {"pyproject.toml", "README.md", "LICENSE", "ganbench", "suites"} <= set(copied)
        assert all((ROOT / word).exists() for word in copied), "hatchling reads the README and the license too"

    def test_nothing_runs_as_root_after_the_installation(self, dockerfile: list[tuple[str, str]]) -> None:
        names = [name for name, _ in dockerfile]
        user = names.index("USER")
        assert int(dockerfile[user][1]) > 0, "a number, by which a cluster can see that it is not root"
        assert "RUN" not in names[user:]
        assert names.index("ENTRYPOINT") > user

    def test_it_starts_the_command(self, dockerfile: list[tuple[str, str]]) -> None:
        given = dict(dockerfile)
        assert given["ENTRYPOINT"] == '["ganbench"]' and given["CMD"] == '["--help"]'
        installs = [given for name, given in dockerfile if name == "RUN" and "pip install" in given]
        assert installs and all("--no-cache-dir" in given for given in installs)
        assert any("https://download.pytorch.org/whl/cpu" in given for given in installs)
