"""Figures and the folder that `ganbench report --publish` fills."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ganbench.report import publish, render
from ganbench.report.figures import figures
from ganbench.report.formats import FILES
from ganbench.report.tables import summarise
from ganbench.store import Store
from ganbench.table import read
from tests.synthetic import Run, write_suite


def study(root: Path) -> Store:
    runs = [
        Run(variant=variant, seed=seed, curves={"fd_pixels": [9.0, 5.0 + seed], "hq": [0.1, 0.2]})
        for variant in ("ns", "lsgan")
        for seed in range(3)
    ]
    runs.append(Run(variant="lsgan", seed=3, status="diverged"))
    return write_suite(root, runs, marks={run.run_id: [1000, 2000] for run in runs})


def test_a_figure_shows_every_seed_the_mean_and_its_interval(tmp_path: Path) -> None:
    store = study(tmp_path)
    results = read(store, "study")
    found = dict(figures(results, summarise(store, results, "last")))
    assert list(found) == [f"digits-{m}-{kind}" for m in ("fd_pixels", "hq") for kind in ("seeds", "curves")]
    lines = found["digits-fd_pixels-seeds"].axes[0].lines
    assert [sorted(line.get_xdata()) for line in lines if line.get_marker() == "o"] == [[5.0, 6.0, 7.0]] * 2
    assert [line.get_xdata()[0] for line in lines if line.get_marker() == "|"] == [6.0, 6.0]
    curve = found["digits-fd_pixels-curves"].axes[0].lines[0]
    assert (list(curve.get_xdata()), list(curve.get_ydata())) == ([1000, 2000], [9.0, 6.0])


def test_dots_follow_the_rule(tmp_path: Path) -> None:
    store = study(tmp_path)
    results = read(store, "study")
    best = dict(figures(results, summarise(store, results, "best:hq")))["digits-fd_pixels-seeds"]
    dots = next(line for line in best.axes[0].lines if line.get_marker() == "o")
    assert sorted(dots.get_xdata()) == [5.0, 6.0, 7.0]


def test_long_names_leave_room(tmp_path: Path) -> None:
    runs = [Run(variant=f"memory_gan[{'slots=256,' * 12}n={n}]", curves={"hq": [0.1, 0.2]}) for n in range(40)]
    store = write_suite(tmp_path, runs, marks={run.run_id: [1000, 2000] for run in runs})
    assert publish(store, "study", None, tmp_path / "paper")  # a warning would be an error here


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Path, list[Path]]:
    root = tmp_path_factory.mktemp("published")
    store = study(root / "results")
    return store, root / "paper", publish(store, "study", None, root / "paper")


def test_everything_is_published(published: tuple[Store, Path, list[Path]]) -> None:
    store, folder, written = published
    assert {path.name for path in folder.iterdir()} == {*FILES, "environment.json", "figures"}
    for file, format in FILES.items():
        assert (folder / file).read_text() == render(store, "study", format, None) + "\n"
    drawn = sorted(path.name for path in (folder / "figures").iterdir())
    assert len(drawn) == 2 * 4 and sorted(p.name for p in written if p.parent.name == "figures") == drawn
    for path in (folder / "figures").glob("*.pdf"):
        assert path.read_bytes().startswith(b"%PDF")
    for path in (folder / "figures").glob("*.png"):
        with Image.open(path) as picture:
            assert picture.width > 800


def test_the_same_numbers_give_the_same_files(published: tuple[Store, Path, list[Path]], tmp_path: Path) -> None:
    store, folder, _ = published
    for path in publish(store, "study", None, tmp_path):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes(), path.name
