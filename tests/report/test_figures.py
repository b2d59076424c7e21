"""Figures and the folder that `ganbench report --publish` fills."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ganbench.report import format_report, publish
from ganbench.report.analysis import names
from ganbench.report.analysis.study import read_study
from ganbench.report.formats import FILES
from ganbench.report.model.document import Document
from ganbench.report.model.sections import document
from ganbench.report.render.figures import figures, write
from ganbench.report.render.html.charts import Axis, axis, stacked
from ganbench.results.store import Store
from tests.support.synthetic import Run, write_suite


def study(root: Path) -> Store:
    runs = [
        Run(variant=variant, seed=seed, curves={"fd_pixels": [9.0, 5.0 + seed], "hq": [0.1, 0.2]})
        for variant in ("ns", "lsgan")
        for seed in range(3)
    ]
    runs.append(Run(variant="lsgan", seed=3, status="diverged"))
    return write_suite(root, runs, marks={run.run_id: [1000, 2000] for run in runs})


def report(store: Store, rule: str = "last") -> Document:
    return document(read_study(store, "study", rule))


def test_a_figure_shows_every_seed_the_mean_and_its_interval(tmp_path: Path) -> None:
    store = study(tmp_path)
    found = dict(figures(report(store)))
    assert list(found) == [f"digits-{m}-{kind}" for m in ("fd_pixels", "hq") for kind in ("seeds", "curves")]
    lines = found["digits-fd_pixels-seeds"].axes[0].lines
    assert [sorted(line.get_xdata()) for line in lines if line.get_marker() == "o"] == [[5.0, 6.0, 7.0]] * 2
    assert [line.get_xdata()[0] for line in lines if line.get_marker() == "|"] == [6.0, 6.0]
    panels = found["digits-fd_pixels-curves"].axes
    assert [axes.get_title() for axes in panels] == [""], "both variants in the frame of the only setting"
    assert [text.get_text() for text in found["digits-fd_pixels-curves"].legends[0].get_texts()] == ["ns", "lsgan"]
    *seeds, mean = panels[0].lines[:4]
    assert [list(line.get_ydata()) for line in seeds] == [[9.0, 5.0], [9.0, 6.0], [9.0, 7.0]]
    assert (list(mean.get_xdata()), list(mean.get_ydata())) == ([1000, 2000], [9.0, 6.0])


def test_dots_follow_the_rule(tmp_path: Path) -> None:
    store = study(tmp_path)
    best = dict(figures(report(store, "best:hq")))["digits-fd_pixels-seeds"]
    dots = next(line for line in best.axes[0].lines if line.get_marker() == "o")
    assert sorted(dots.get_xdata()) == [5.0, 6.0, 7.0]


def test_equal_seeds_are_all_seen(tmp_path: Path) -> None:
    runs = [Run(seed=seed, curves={"hq": [0.1, 1.0]}) for seed in range(5)]
    store = write_suite(tmp_path, runs, marks={run.run_id: [1000, 2000] for run in runs})
    drawn = dict(figures(report(store)))["digits-hq-seeds"]
    dots = next(line for line in drawn.axes[0].lines if line.get_marker() == "o")
    assert list(dots.get_xdata()) == [1.0] * 5 and len(set(dots.get_ydata())) == 5


def test_two_settings_of_a_dataset_have_their_own_files(tmp_path: Path) -> None:
    runs = [Run(dataset=name, curves={"hq": [0.1, 0.2]}) for name in ("digits", "digits[labels_per_class=10]")]
    store = write_suite(tmp_path, runs, marks={run.run_id: [1000, 2000] for run in runs})
    written = write(report(store), tmp_path / "figures")
    slugs = ("digits", "digits-labels-per-class-10")
    wanted = {f"{slug}-hq-{kind}.{end}" for slug in slugs for kind in ("seeds", "curves") for end in ("pdf", "png")}
    assert {path.name for path in (tmp_path / "figures").iterdir()} == wanted and len(written) == len(wanted)


def test_slugs_and_labels_tell_names_apart() -> None:
    assert names.slugs(["ring8", "ring8[std=0.05]"]) == ["ring8", "ring8-std-0-05"]
    assert len(set(names.slugs(["a[x=-1]", "a[x=1]", "a[x=1]-2", "a[x=1,]"]))) == 4
    assert names.shortened(["mlp[z=4,w=(a[b=1,c=2])]", "mlp[z=4,pac=2]", "cnn[z=4]", "7"]) == [
        "mlp[w=(a[b=1,c=2])]", "mlp[pac=2]", "cnn", "7"
    ]  # fmt: skip


def test_equal_seeds_stand_above_one_another() -> None:
    assert stacked([8.0, 1.0, 8.0, 8.5], close=1, step=5, most=16) == [-5, 0, 0, 5]
    many = stacked([3.0] * 9, close=1, step=5, most=16)
    assert len(set(many)) == 9 and max(many) - min(many) == pytest.approx(16)
    assert stacked([], close=1, step=5, most=16) == []


def test_an_axis_is_logarithmic_for_a_wide_range_only() -> None:
    wide, narrow = axis([0.01, 1.0, 10.0], 0, 100), axis([-1.0, 4.0], 0, 100)
    assert isinstance(wide, Axis) and wide.log and isinstance(narrow, Axis) and not narrow.log
    assert wide.ticks(5) == pytest.approx([0.01, 0.1, 1.0, 10.0])
    assert narrow.ticks(6) == pytest.approx([-1, 0, 1, 2, 3, 4])
    assert narrow(4.0) > narrow(-1.0) and axis([], 0, 1) is None


def test_long_names_leave_room(tmp_path: Path) -> None:
    runs = [Run(variant=f"memory_gan[{'slots=256,' * 12}n={n}]", curves={"hq": [0.1, 0.2]}) for n in range(40)]
    store = write_suite(tmp_path, runs, marks={run.run_id: [1000, 2000] for run in runs})
    assert publish(read_study(store, "study", None), tmp_path / "paper")  # a warning would be an error here


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Path, list[Path]]:
    root = tmp_path_factory.mktemp("published")
    store = study(root / "results")
    return store, root / "paper", publish(read_study(store, "study", None), root / "paper")


def test_everything_is_published(published: tuple[Store, Path, list[Path]]) -> None:
    store, folder, written = published
    assert {path.name for path in folder.iterdir()} == {*FILES, "environment.json", "figures"}
    for file, format in FILES.items():
        assert (folder / file).read_text() == format_report(store, "study", format, None) + "\n"
    drawn = sorted(path.name for path in (folder / "figures").iterdir())
    assert len(drawn) == 2 * 4 and sorted(p.name for p in written if p.parent.name == "figures") == drawn
    for path in (folder / "figures").glob("*.pdf"):
        assert path.read_bytes().startswith(b"%PDF")
    for path in (folder / "figures").glob("*.png"):
        with Image.open(path) as picture:
            assert picture.width > 800


def test_the_same_numbers_give_the_same_files(published: tuple[Store, Path, list[Path]], tmp_path: Path) -> None:
    store, folder, _ = published
    for path in publish(read_study(store, "study", None), tmp_path):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes(), path.name
