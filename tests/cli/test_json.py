"""Every command answers in JSON with exactly the keys that `docs/reference/json.md` lists for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from ganbench.cli import cli
from ganbench.datasets.mnist import MNIST
from ganbench.results.state import AbsentRow, State
from ganbench.results.store import Store
from ganbench.text import JSON_FORMAT
from tests.e2e.conftest import within
from tests.support import pages
from tests.support.synthetic import Run, write_suite

PAGE = pages.text("docs/reference/json.md")
SUITE = """\
name: study
grid:
  - {variant: [ns, lsgan], dataset: ring8, batchnorm: [none, both], optimizer: {kind: adam, lr: [1e-4, 1e-3]}, seed: 2}
  - {variant: ns, dataset: digits, seed: 1}
exclude: [{where: {batchnorm: both}, because: it is shorter}]
train:
  steps: 4
  batch: 8
  network: {ring8: {kind: mlp, z: 2, g_widths: [4], d_widths: [4]}, digits: {kind: dcgan, width: 4}}
evaluate: {every: 4, samples: 20, with: [modes, {kind: mmd, features: pixels}]}
claims:
  - says: more modes
    source: x
    answerable: no
    because: it has two seeds
    where: {optimizer: {kind: adam, lr: 1e-3}}
    compare: {axis: variant, better: lsgan, worse: ns, metric: modes}
"""
TRAIN = ("--executor", "inline", "--tracking-uri", "none", "--pack", "1")
TUNED = ("--search", "optimizer.lr", "--results", "tuned")
LSGAN = "RUN"  # stands for the id of a finished run
COMMANDS: dict[str, tuple[str, ...]] = {  # of a results folder with the suite above, in an order that works
    "run": ("run", "study.yaml", *TRAIN),
    "run --dry-run": ("run", "study.yaml", "--dry-run", "--results", "empty", *TRAIN),
    "watch --once": ("watch", "study", "--once", "--results", "watched"),
    "report SUITE": ("report", "study"),
    "report A B": ("report", "results", "results"),
    "report SUITE --publish DIR": ("report", "study", "--publish", "paper"),
    "show": ("show", LSGAN),
    "check": ("check", "study.yaml", "--power"),
    "cite": ("cite", "study.yaml"),
    "tune": ("tune", "study.yaml", "--trials", "2", "--only", "variant=ns", "--only", "dataset=ring8", *TUNED, *TRAIN),
    "evaluate": ("evaluate", "fake.npy", "--reference", "real.npy", "--features", "pixels", "--with", "fid,ms_ssim"),
    "sample": ("sample", LSGAN, "-n", "2", "--out", "x.npz"),
    "export": ("export", LSGAN, "--out", "generator.pt2"),
    "new": ("new", "gan", "my_gan"),
    "merge": ("merge", "results", "--into", "merged", "--tracking-uri", "none"),
    "archive": ("archive", "study", "--out", "study.zip"),
    "sync": ("sync", "study"),
    "list": ("list",),
    "parity": ("parity",),
    "cache list": ("cache", "list"),
    "cache clear": ("cache", "clear"),
    "fetch": ("fetch", "mnist", "--root", "data"),
}
SHAPES = {
    "run": "ganbench.runner.run.RunSummary",
    "show": "ganbench.cli.show.ShownRun",
    "merge": "ganbench.cli.merge.MergeSummary",
    "report SUITE": "ganbench.report.analysis.summary.Report",
}


def rows(heading: str) -> list[list[str]]:
    """The rows of the table below a heading of the page, without its head."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]


def words(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


DOCUMENTED = {
    words(command).pop(): keys.split(", or only")[0].split("; several")[0] for command, keys in rows("Objects")
}
ENTRIES = [(name, words(key).pop(), words(keys)) for key, of, keys in rows("Entries") for name in sorted(words(of))]


def keys_of(command: str) -> set[str]:
    """The keys that the page lists for a command; of a shape that it draws, the fields."""
    keys = words(DOCUMENTED[command]) - {"replication"}
    if command in SHAPES:
        assert f"<!-- generated: shape {SHAPES[command]} -->" in PAGE
        module, _, name = SHAPES[command].rpartition(".")
        keys |= {field.name for field in fields(getattr(import_module(module), name))}
    return keys


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each command prints with `--json`, by its name on the page."""
    folder = tmp_path_factory.mktemp("json")
    (folder / "study.yaml").write_text(SUITE)
    points = np.random.default_rng(0).normal(size=(2, 40, 2)).astype(np.float32)
    for name, x in zip(("real.npy", "fake.npy"), points, strict=True):
        np.save(folder / name, x)
    busy = write_suite(folder / "watched", [Run(status="running", curves={"hq": [0.5]})]).run(Run().run_id)
    busy.write_state(State("running", step=1))
    (folder / "results").mkdir()
    with pytest.MonkeyPatch.context() as patch, busy.lock():
        patch.setattr(MNIST, "fetch", lambda self, root: None)
        patch.setattr("ganbench.parity.CASES", import_module("ganbench.parity").CASES[:1])
        return {name: answer(folder, command) for name, command in COMMANDS.items()}


def answer(folder: Path, command: tuple[str, ...]) -> Any:
    finished = next((run.run_id for run in Store(folder / "results").runs() if run.run_id.startswith("lsgan")), "")
    done = within(folder, *(finished if word == LSGAN else word for word in command), "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def commands(group: click.Group = cli, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def test_every_command_has_the_option_and_a_row_on_the_page() -> None:
    lacking = {name for name, command in commands() if "as_json" not in {option.name for option in command.params}}
    assert lacking == {"schema"}, "it prints JSON anyway"
    documented = {name for name, _ in commands() if any(f"{row} ".startswith(f"{name} ") for row in DOCUMENTED)}
    assert documented == {name for name, _ in commands()} - lacking
    assert set(DOCUMENTED) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_object_has_the_documented_keys(answers: dict[str, Any], command: str) -> None:
    assert answers[command]["format"] == JSON_FORMAT
    assert set(answers[command]) == keys_of(command) | {"format"}


@pytest.mark.parametrize(("command", "key", "keys"), [row for row in ENTRIES if row[:2] != ("show", "absent")])
def test_an_entry_has_the_documented_keys(answers: dict[str, Any], command: str, key: str, keys: set[str]) -> None:
    assert answers[command][key], "there is something to compare"
    assert all(set(entry) == keys for entry in answers[command][key])


def test_an_absent_score_has_the_documented_keys() -> None:
    assert ("show", "absent", set(AbsentRow.__annotations__)) in ENTRIES
