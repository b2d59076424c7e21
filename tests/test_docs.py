"""README is true: its code runs, its links resolve, its commands exist, and it names every component."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ganbench.cli import cli
from ganbench.plugins import FAMILIES, Registry
from tests.e2e.conftest import Run, ganbench

__all__ = ["ganbench"]

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def block(heading: str) -> str:
    """The first code block below a heading."""
    found = re.search(rf"^#+ {re.escape(heading)}.*?^```\w+\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found, f"README has no code below {heading!r}"
    return found[1]


def test_own_components_run_and_are_reported(ganbench: Run, tmp_path: Path) -> None:
    for heading, name in (
        ("A GAN: `my_gan.py`", "my_gan.py"),
        ("A dataset: `moons.py`", "moons.py"),
        ("An evaluator: `spread.py`", "spread.py"),
        ("The suite that uses them: `mine.yaml`", "mine.yaml"),
    ):
        (tmp_path / name).write_text(block(heading))
    done = ganbench("run", "mine.yaml", "--tracking-uri", "none")
    assert done.returncode == 0, done.stderr
    report = ganbench("report", "mine").stdout
    assert "my_gan[pull=0.1]" in report and "spread" in report and "moons" in report


def test_the_example_suite_is_right(ganbench: Run, tmp_path: Path) -> None:
    (tmp_path / "margins.yaml").write_text(block("What you can compare"))
    done = ganbench("check", "margins.yaml")
    assert done.returncode == 0 and "60 runs" in done.stdout, done.stderr


PAGES = [str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("benchmarks/*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_links_resolve(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"


def test_commands_exist() -> None:
    named = set(re.findall(r"`ganbench (\w+)", README)) | set(
        re.findall(r"^    .*?ganbench (\w+)", README, re.MULTILINE)
    )
    assert named <= set(cli.commands), named - set(cli.commands)
    assert set(cli.commands) - named == set() or {"schema", "cite"} >= set(cli.commands) - named


@pytest.mark.parametrize("family", FAMILIES)
def test_every_component_is_named(family: str) -> None:
    row = next(line for line in README.splitlines() if line.startswith(f"| {FAMILIES[family]} |"))
    assert set(re.findall(r"`(\w+)`", row)) - {"GANBENCH_DATA", "pac", "ema"} == set(Registry.of().names(family))
