"""The README and the documentation are true: their code runs, their links resolve, their commands and options exist,
they name every component and metric, and their numbers are those of the published reports."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import click
import nbformat
import pytest
import torch
from nbclient import NotebookClient
from PIL import Image

from ganbench.cli import cli
from ganbench.datasets.base import Space
from ganbench.plugins import FAMILIES, RENAMED, Registry
from ganbench.testing import check_component, check_network, check_optimizer, check_run, small_run
from tests.e2e.conftest import Run, ganbench
from tests.support import pages
from tests.support.pages import ROOT, code

__all__ = ["ganbench"]

OWN = "docs/how-to/add-your-own.md"
FILES = {
    "my_gan.py": "A GAN: `my_gan.py`",
    "drift.py": "A penalty: `drift.py`",
    "noisy.py": "An augmentation: `noisy.py`",
    "moons.py": "A dataset: `moons.py`",
    "spread.py": "An evaluator: `spread.py`",
    "small_net.py": "A network: `small_net.py`",
    "lion.py": "An optimizer: `lion.py`",
}
SHORT = ("--set", "evaluate.every=4", "--executor", "inline", "--tracking-uri", "none")
PYTHON = (
    "Run a suite in Python",
    "Read the results in Python",
    "Samples and generators in Python",
    "Score samples of your own",
    "A callback for Lightning",
    "A metric in the style of torchmetrics",
)
DOCS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md"))
RESULTS = "results/published/README.md"
PAGES = [*(path.name for path in ROOT.glob("*.md")), *DOCS, RESULTS, "benchmarks/README.md"]


def write_plugins(folder: Path) -> None:
    for name, heading in FILES.items():
        (folder / name).write_text(code(OWN, heading))


class TestCode:
    def test_own_components_run_and_are_reported(self, ganbench: Run, tmp_path: Path) -> None:
        write_plugins(tmp_path)
        (tmp_path / "mine.yaml").write_text(code(OWN, "The suite that uses them: `mine.yaml`", "yaml"))
        done = ganbench("run", "mine.yaml", "--tracking-uri", "none")
        assert done.returncode == 0, done.stderr
        report = ganbench("report", "mine").stdout
        assert "my_gan[pull=0.1]" in report and "spread" in report and "moons" in report
        source = ("run:ns-moons-bn0-adam-s0:500", "--reference", "dataset:moons", "--with", "spread")
        scored = json.loads(ganbench("evaluate", *source, "--suite", "mine.yaml", "--json").stdout)["scores"]
        known = json.loads(ganbench("show", "ns-moons-bn0-adam-s0", "--json").stdout)["scores"]
        assert scored[0]["value"] == pytest.approx([row["value"] for row in known if row["metric"] == "spread"][-1])

    @pytest.mark.parametrize(
        ("file", "shown"),
        [
            ("small_net.py", ("small_net[width=64]",)),
            ("lion.py", ("adam", "lion[lr=0.0001]")),
            ("drift.py", ("rsgan", "none", "drift[weight=0.01]")),
            ("noisy.py", ("wgan", "none", "noisy[sigma=0.05]")),
        ],
    )
    def test_an_own_component_runs(self, file: str, shown: tuple[str, ...], ganbench: Run, tmp_path: Path) -> None:
        write_plugins(tmp_path)
        (tmp_path / "own.yaml").write_text(code(OWN, FILES[file], "yaml"))
        done = ganbench("run", "own.yaml", "--tracking-uri", "none")
        assert done.returncode == 0, done.stderr
        report = ganbench("report").stdout
        assert all(name in report for name in shown), report

    def test_an_own_network_and_an_own_optimizer_pass_the_checks(self, tmp_path: Path) -> None:
        write_plugins(tmp_path)
        registry = Registry.of([tmp_path / "small_net.py", tmp_path / "lion.py"])
        network: Any = registry.find("network", "small_net")()
        optimizer: Any = registry.find("optimizer", "lion")()
        check_component(network, registry)
        check_network(network, Space((2,)))
        check_network(network, Space((3, 8, 8)))
        check_component(optimizer, registry)
        check_optimizer(optimizer)

    def test_an_own_penalty_passes_the_checks(self, tmp_path: Path) -> None:
        write_plugins(tmp_path)
        registry = Registry.of([tmp_path / "drift.py"])
        penalty: Any = registry.find("penalty", "drift")()
        check_component(penalty, registry)
        check_run(small_run(penalty=penalty))
        assert penalty.digest[:8] in json.dumps(small_run(penalty=penalty).canonical())

    def test_an_own_augmentation_passes_the_checks(self, tmp_path: Path) -> None:
        write_plugins(tmp_path)
        registry = Registry.of([tmp_path / "noisy.py"])
        augment: Any = registry.find("augment", "noisy")
        check_component(augment(), registry)
        check_run(small_run(augment=augment()))
        assert augment.digest[:8] in json.dumps(small_run(augment=augment()).canonical())

    def test_the_checks_of_an_own_gan_pass(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_plugins(tmp_path)
        monkeypatch.chdir(tmp_path)
        names: dict[str, object] = {}
        exec(compile(code(OWN, "Test it"), "test_my_gan.py", "exec"), names)
        tests = [test for name, test in names.items() if name.startswith("test_") and callable(test)]
        assert len(tests) == 2
        for test in tests:
            test()

    def test_the_gan_of_the_readme_is_that_of_the_docs(self) -> None:
        assert code("README.md", "A GAN of your own") == code(OWN, FILES["my_gan.py"])

    @pytest.mark.parametrize(
        ("page", "heading", "runs"),
        [
            ("README.md", "A GAN of your own", 15),
            ("docs/tutorial/first-answer.md", "Write a suite", 96),
            ("docs/reference/suite-file.md", "A complete example", 280),
            ("docs/reference/suite-file.md", "Options that change during training", 2),
        ],
    )
    def test_suites_are_right(self, page: str, heading: str, runs: int, ganbench: Run, tmp_path: Path) -> None:
        write_plugins(tmp_path)
        (tmp_path / "suite.yaml").write_text(code(page, heading, "yaml"))
        done = ganbench("check", "suite.yaml")
        assert done.returncode == 0 and f"{runs} runs" in done.stdout, (done.stdout, done.stderr)

    def test_questions_fit_the_suite_of_the_tutorial(self, ganbench: Run, tmp_path: Path) -> None:
        parts = [
            code("docs/tutorial/first-answer.md", heading, "yaml") for heading in ("Write a suite", "Ask questions")
        ]
        (tmp_path / "margins.yaml").write_text("".join(parts))
        done = ganbench("check", "margins.yaml")
        assert done.returncode == 0 and "96 runs" in done.stdout, done.stderr

    def test_the_examples_of_python_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One after another in one module; Lightning is stood in for by its base class, which has no behaviour."""
        lightning = ModuleType("lightning")
        lightning.Callback = object  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "lightning", lightning)
        monkeypatch.chdir(tmp_path)
        names: dict[str, Any] = {}
        for heading in PYTHON:
            exec(compile(code("docs/reference/python.md", heading), heading, "exec"), names)
        assert (tmp_path / "report.html").is_file() and len(names["last"]) == 6
        assert names["x"].shape == (500, 2) and names["other"].shape == (1000, 2)
        self._callback_and_metric(names)

    def _callback_and_metric(self, names: dict[str, Any]) -> None:
        judge, logged = names["judge"], {}
        module = SimpleNamespace(generator=names["generator"], log_dict=logged.update)
        names["JudgeCallback"](judge).on_validation_epoch_end(None, module)
        assert logged == dict(judge(names["generator"]))
        metric = names["JudgeMetric"](judge)
        for batch in names["x"].split(100):
            metric.update(batch)
        assert metric.compute() == dict(judge(names["x"]))
        metric.reset()
        assert metric.batches == []

    def test_the_notebook_runs(self, tmp_path: Path) -> None:
        """Every cell, in a kernel of its own; the report is shown as a page, and scores as a table."""
        notebook = nbformat.read(ROOT / "docs" / "how-to" / "notebook.ipynb", as_version=4)
        assert not any(cell.get("outputs") for cell in notebook.cells), "its outputs are not kept"
        NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
        shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]
        assert any(data.get("text/html", "").startswith("<iframe srcdoc=") for data in shown)
        assert any("lsgan   0" in data.get("text/plain", "") for data in shown), "the frame of one metric has rows"
        assert any("| recall_pixels |" in data.get("text/markdown", "") for data in shown)
        assert any("<progress" in data.get("text/html", "") for data in shown)

    def test_the_tutorial_of_a_gan(self, ganbench: Run, tmp_path: Path) -> None:
        page = "docs/tutorial/your-own-gan.md"
        assert ganbench("new", "gan", "my_gan").returncode == 0
        assert (tmp_path / "my_gan.py").read_text() == code(page, "Write the file")
        (tmp_path / "compare.yaml").write_text(code(page, "Write the suite", "yaml"))
        compare_console(page, ganbench)
        done = ganbench("run", "compare.yaml", "--seeds", "5", "--set", "train.steps=20", *SHORT)
        assert done.returncode == 0, done.stderr
        assert "my_gan[pull=0.1]" in ganbench("report", "compare").stdout

    def test_the_tutorial_of_a_claim(self, ganbench: Run, tmp_path: Path) -> None:
        """As it is written but for the number of steps; its text gives effects that the table of power prints."""
        page = "docs/tutorial/papers-claim.md"
        (tmp_path / "saturation.yaml").write_text(code(page, "Write the claim down", "yaml"))
        compare_console(page, ganbench)
        power = ganbench("check", "saturation.yaml", "--power").stdout
        assert all(f"{effect} sd" in power and effect in pages.text(page) for effect in ("1.07", "0.69"))
        change = shlex.split(code(page, "Ask a better question", "sh"))[-2:]
        assert ganbench("check", "saturation.yaml", *change).returncode == 0
        assert ganbench("run", "saturation.yaml", "--set", "train.steps=4", *SHORT).returncode == 0
        assert "on a ring of eight Gaussians" in ganbench("report", "saturation").stdout

    def test_own_data_are_trained_on(self, ganbench: Run, tmp_path: Path) -> None:
        for folder in ("photos/cats", "photos/dogs"):
            (tmp_path / folder).mkdir(parents=True)
            for index in range(60):
                pixels = torch.randint(256, (40, 40, 3), dtype=torch.uint8).numpy()
                Image.fromarray(pixels).save(tmp_path / folder / f"{index}.png")
        (tmp_path / "photos.yaml").write_text(code("docs/how-to/own-data.md", "Use your own data", "yaml"))
        assert ganbench("check", "photos.yaml").returncode == 0
        done = ganbench("run", "photos.yaml", "--only", "variant=ns", "--seeds", "1", *SHORT)
        assert done.returncode == 0, done.stderr
        assert "fd_pixels" in ganbench("report", "photos").stdout

    @pytest.mark.filterwarnings("ignore:`torch.jit.(script|save)`:FutureWarning")
    def test_own_features_are_scored(self, ganbench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        page, heading = "docs/how-to/own-features.md", "Use your own features"
        monkeypatch.chdir(tmp_path)
        (tmp_path / "save.py").write_text(code(page, heading))
        runpy.run_path("save.py", run_name="save")  # TorchScript reads the name of the module
        (tmp_path / "fields.yaml").write_text(code(page, heading, "yaml"))
        done = ganbench("run", "fields.yaml", "--seeds", "1", *SHORT)
        assert done.returncode == 0, done.stderr
        report = ganbench("report", "fields").stdout
        assert "fd_fields" in report and "precision_fields" in report

    def test_every_block_is_run_above(self) -> None:
        run = {*FILES.values(), "The suite that uses them: `mine.yaml`", "Test it", "A GAN of your own"}
        run |= {"Write a suite", "Ask questions", "A complete example", *PYTHON, "Write the file", "Write the suite"}
        run |= {
            "Write the claim down",
            "Use your own data",
            "Use your own features",
            "Options that change during training",
        }
        run |= {"Other trackers", "The suite that uses it"}  # in tests/e2e/test_hooks.py and test_package.py
        shown = [block for page in PAGES for block in pages.blocks(page) if block.language in ("python", "yaml")]
        assert {block.heading for block in shown} == run
        assert len(shown) == len(run) + 6  # code and a suite below one heading: README's GAN, features, four others


def compare_console(page: str, ganbench: Run) -> None:
    """Run each command of a page's console examples; what it prints begins with what the page shows."""
    for block in pages.blocks(page):
        if block.language == "console":
            command, _, shown = block.text.partition("\n")
            assert ganbench(*shlex.split(command.removeprefix("$ ganbench "))).stdout.startswith(shown), command


def link_targets(page: str) -> list[str]:
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", pages.text(page)) if not target.startswith("http")]


class TestLinks:
    @pytest.mark.parametrize("page", PAGES)
    def test_links_resolve(self, page: str) -> None:
        for target in link_targets(page):
            name, _, anchor = target.partition("#")
            path = (ROOT / page).parent / name if name else ROOT / page
            assert path.exists(), f"{page} links to {target}"
            assert path.resolve().is_relative_to(ROOT), f"{page} links to {target}, outside the repository"
            assert not anchor or anchor in pages.anchors(str(path.resolve().relative_to(ROOT))), f"{page}: {target}"

    def test_the_index_names_every_page(self) -> None:
        linked = {Path("docs", target.partition("#")[0]) for target in link_targets("docs/index.md")}
        assert {Path(page) for page in DOCS} - {Path("docs/index.md")} <= linked

    def test_paths_in_contributing_exist(self) -> None:
        named = re.findall(r"`((?:ganbench|tests|docs|benchmarks)/[\w./]*)`", pages.text("CONTRIBUTING.md"))
        assert len(named) > 8
        for path in named:
            place = ROOT / path
            assert (place.parent if place.stem.isupper() else place).exists(), path


def known_command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that some words call, and the words after its name."""
    command: click.Command = cli
    while isinstance(command, click.Group) and words and words[0].isalpha():
        name = words.pop(0)
        found = command.get_command(click.Context(command), name)
        assert found is not None, f"there is no command {name}"
        command = found
    return command, words


def options_of(command: click.Command) -> set[str]:
    names = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    return names | {"--help", "-h"}


def every_command(group: click.Group = cli) -> Iterator[click.Command]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield from every_command(command) if isinstance(command, click.Group) else [command]


class TestCommands:
    @pytest.mark.parametrize("page", PAGES)
    def test_commands_and_options_exist(self, page: str) -> None:
        for line in pages.commands(page):
            for part in re.split(r"&&|\|", line):
                called = re.search(r"(?:^|\s)ganbench ([a-z].*)", part.partition("  #")[0])
                if called:
                    command, words = known_command(shlex.split(called[1]))
                    used = {word.partition("=")[0] for word in words if word.startswith("-")}
                    assert used <= options_of(command), f"{page}: {line}"

    @pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", *DOCS, RESULTS])
    def test_options_named_alone_exist(self, page: str) -> None:
        known = set().union(*map(options_of, every_command()))
        named = re.findall(r"`(--[\w-]+)[^`]*`", pages.FENCED.sub("", pages.text(page)))
        assert set(named) <= known, page

    def test_every_command_is_documented(self) -> None:
        named = set(re.findall(r"^\| `ganbench (\w+)", pages.text("docs/reference/commands.md"), re.MULTILINE))
        assert named == set(cli.list_commands(click.Context(cli)))


class TestNames:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_every_component_is_named(self, family: str) -> None:
        lines = pages.text("docs/reference/components.md").splitlines()
        row = next(line for line in lines if line.startswith(f"| {FAMILIES[family]} |"))
        assert set(re.findall(r"`(\w+)`", row)) - {"GANBENCH_DATA"} == set(Registry.of().names(family))

    @pytest.mark.parametrize("kind", Registry.of().names("evaluator"))
    def test_every_metric_is_named(self, kind: str) -> None:
        lines = pages.text("docs/reference/metrics.md").splitlines()
        row = next(line for line in lines if line.startswith(f"| `{kind}` |"))
        arrows = {"higher": " ↑", "lower": " ↓", "neither": ""}
        evaluator: Any = Registry.of().find("evaluator", kind)()
        metrics = ", ".join(f"`{metric.name}`{arrows[metric.better]}" for metric in evaluator.metrics())
        assert row.split("|")[2].strip() == metrics

    @pytest.mark.parametrize("kind", Registry.of().names("evaluator"))
    def test_every_evaluator_has_a_page(self, kind: str) -> None:
        page = pages.text(f"docs/reference/metrics/{kind}.md")
        assert page.startswith(f"# {kind}\n\n<!-- generated: evaluator {kind} -->\n")
        assert "## From how many samples on" in page and "## What it misses" in page
        picture = ROOT / "docs" / "reference" / "metrics" / f"{kind}.svg"
        assert (f"]({kind}.svg)" in page) == picture.exists()
        assert not picture.exists() or picture.stat().st_size < 30_000

    def test_every_renamed_name_is_listed(self) -> None:
        lines = pages.text(OWN).partition("written for version 0.1")[2].splitlines()
        rows = [[re.findall(r"`(\w+)`", cell) for cell in line.split("|")[1:3]] for line in lines if "|" in line]
        assert dict(pair for old, new in rows for pair in zip(old, new, strict=True)) == RENAMED

    @pytest.mark.parametrize("term", ["Mark", "Cell", "Pack", "Look"])
    def test_terms_are_defined_once(self, term: str) -> None:
        assert sum(pages.text(page).count(f"- **{term}.**") for page in PAGES) == 1


class TestNumbers:
    def test_the_readme_is_one_page(self) -> None:
        assert len(pages.text("README.md").split()) < 900

    @pytest.mark.parametrize("page", ["README.md", RESULTS])
    def test_intervals_are_those_of_the_reports(self, page: str) -> None:
        reports = "\n".join(path.read_text() for path in ROOT.glob("results/published/*/report.md"))
        number = r"-?\d+(?:\.\d+)?"
        intervals = re.findall(rf"{number} \[{number}, {number}\]", pages.text(page))
        assert intervals
        wrong = [interval for interval in intervals if not re.search(rf"(?<![\d.-]){re.escape(interval)}", reports)]
        assert not wrong, f"{page}: no report has {wrong}"
