"""`ganbench new`: every file that it writes passes the checks of its family, and the suite runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ganbench.datasets.base import Space
from ganbench.features.bank import Bank
from ganbench.plugins import Registry
from ganbench.testing import (
    check_component,
    check_dataset,
    check_evaluator,
    check_network,
    check_optimizer,
    check_run,
    small_run,
)
from tests.e2e.conftest import Run, ganbench
from tests.support.evaluation import points_data
from tests.support.pages import code

__all__ = ["ganbench"]

OWN = "docs/how-to/add-your-own.md"


def made(ganbench: Run, family: str, what: str, name: str, folder: Path) -> tuple[Any, Registry]:
    """A component from the file that the command wrote, and the registry that has it."""
    done = ganbench("new", what, name)
    assert done.returncode == 0 and done.stdout == f"{name}.py\n", done.stderr
    registry = Registry.of([folder / f"{name}.py"])
    component = registry.find(family, name)()
    check_component(component, registry)
    return component, registry


def test_a_gan(ganbench: Run, tmp_path: Path) -> None:
    check_run(small_run(variant=made(ganbench, "variant", "gan", "leaky_gan", tmp_path)[0]))


def test_a_penalty(ganbench: Run, tmp_path: Path) -> None:
    check_run(small_run(penalty=made(ganbench, "penalty", "penalty", "leash", tmp_path)[0]))


def test_an_augmentation(ganbench: Run, tmp_path: Path) -> None:
    check_run(small_run(augment=made(ganbench, "augment", "augmentation", "grainy", tmp_path)[0]))


def test_a_dataset(ganbench: Run, tmp_path: Path) -> None:
    check_dataset(made(ganbench, "dataset", "dataset", "spirals", tmp_path)[0])


def test_an_evaluator(ganbench: Run, tmp_path: Path) -> None:
    evaluator, _ = made(ganbench, "evaluator", "evaluator", "width", tmp_path)
    real = Bank(tmp_path / "cache").reference(points_data(torch.rand(9, 2).tolist()))
    assert check_evaluator(evaluator, real.view(torch.rand(7, 2)), real).keys() == {"width"}


def test_a_network(ganbench: Run, tmp_path: Path) -> None:
    check_network(made(ganbench, "network", "network", "narrow", tmp_path)[0], Space((2,)))


def test_an_optimizer(ganbench: Run, tmp_path: Path) -> None:
    check_optimizer(made(ganbench, "optimizer", "optimizer", "evolved", tmp_path)[0])


def test_a_suite_runs_and_is_reported(ganbench: Run, tmp_path: Path) -> None:
    assert ganbench("new", "suite", "mine").returncode == 0
    done = ganbench("run", "mine.yaml", "--executor", "inline", "--tracking-uri", "none")
    assert done.returncode == 0, done.stderr
    assert "6 runs: 6 done" in ganbench("report", "mine").stdout


@pytest.mark.parametrize(
    ("what", "name", "heading"),
    [
        ("gan", "my_gan", "A GAN: `my_gan.py`"),
        ("penalty", "drift", "A penalty: `drift.py`"),
        ("augmentation", "noisy", "An augmentation: `noisy.py`"),
        ("dataset", "moons", "A dataset: `moons.py`"),
        ("evaluator", "spread", "An evaluator: `spread.py`"),
        ("network", "small_net", "A network: `small_net.py`"),
        ("optimizer", "lion", "An optimizer: `lion.py`"),
    ],
)
def test_the_files_are_those_of_the_docs(what: str, name: str, heading: str, ganbench: Run, tmp_path: Path) -> None:
    ganbench("new", what, name, "--out", "own")
    assert (tmp_path / "own" / f"{name}.py").read_text() == code(OWN, heading)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gan", "lsgan"), "there is already a variant 'lsgan'. choose another name"),
        (("gan", "MyGAN"), "'MyGAN' can't be a kind"),
        (("augmentation", "flip"), "there is already an augmentation 'flip'. choose another name"),
        (("optimizer", "adam"), "there is already an optimizer 'adam'. choose another name"),
        (("penalty", "true"), "'true' can't be a kind"),
        (("suite", "../mine"), "'../mine' can't name a file in it"),
    ],
)
def test_a_name_that_cannot_be(words: tuple[str, str], message: str, ganbench: Run, tmp_path: Path) -> None:
    done = ganbench("new", *words)
    assert done.returncode == 2 and message in done.stderr and not list(tmp_path.iterdir())


def test_no_file_is_replaced(ganbench: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: other\n")
    done = ganbench("new", "suite", "mine")
    assert done.returncode == 2 and "the file is there already" in done.stderr
    assert (tmp_path / "mine.yaml").read_text() == "name: other\n"
