"""The report as one page: whole, self-contained, safe, and alive in a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganbench.report import render
from ganbench.report.html.charts import Axis, axis
from ganbench.report.html.gallery import MOST, encode
from ganbench.store import Store
from tests.synthetic import Run, write_suite

VOID = {"meta", "img", "br", "line", "circle", "polyline", "polygon"}
NASTY = 'lsgan[a="<script>alert(1)</script>"]'
BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)


def study(root: Path) -> Store:
    """Two variants with four seeds each, one of them with a hostile name; a failed run; samples of every mark."""
    runs = [Run(seed=s, curves={"fd_pixels": [30.0, 20.0 + s], "hq": [0.9, 0.5]}) for s in range(4)]
    runs += [Run(variant=NASTY, seed=s, curves={"fd_pixels": [9.0, 6.0 + s], "hq": [0.2, 0.7]}) for s in range(3)]
    runs.append(Run(variant=NASTY, seed=3, status="failed", error="OSError: <disk> full", log="one\n<two>\n"))
    store = write_suite(root, runs, marks={run.run_id: [1000, 2000] for run in runs})
    for run in runs:
        for step in (1000, 2000):
            path = store.run(run.run_id).path / "samples" / f"{step}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.full((64, 64, 3), 30 * run.seed + step // 100, np.uint8)).save(path)
    return store


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return render(study(tmp_path_factory.mktemp("results")), "study", "html", None)


class Reader(HTMLParser):
    """Checks that tags nest, and keeps ids, links and sources."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.ids += [found["id"]] if found.get("id") else []
        self.links += [found["href"]] if found.get("href") else []
        self.sources += [found["src"]] if found.get("src") else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_it_is_one_file_without_a_network(page: str) -> None:
    found = read(page)
    assert all(source.startswith("data:image/webp;base64,") for source in found.sources)
    assert all(link.startswith("#") for link in found.links)
    assert not re.search(r"https?://|@import|url\(", page)


def test_every_link_leads_somewhere(page: str) -> None:
    found = read(page)
    assert len(set(found.ids)) == len(found.ids)
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)


def test_what_users_write_stays_text(page: str) -> None:
    assert "<script>alert(1)</script>" not in page and "&lt;script&gt;alert(1)" in page
    assert "OSError: &lt;disk&gt; full" in page and "&lt;two&gt;" in page


def test_every_seed_is_a_dot_and_every_curve_a_line(page: str) -> None:
    tags = read(page).tags
    assert tags.count("circle") == 2 * (4 + 3), "two metrics, the runs that are done"
    assert page.count('class="seed"') == 2 * (4 + 3)
    assert page.count('class="band"') == page.count('class="curve"') == 2 * 2


def test_samples_of_the_first_seeds_and_over_time(page: str) -> None:
    assert page.count("<img loading") == 2 * 3 + 2 * 2
    assert "samples of ns-digits-s0-0123456789 at step 1000" in page


def test_pictures_that_find_no_room_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = study(tmp_path)
    path = next(store.root.glob("runs/*/samples/*.png"))
    monkeypatch.setattr("ganbench.report.html.gallery.MOST", 3 * len(encode(path)))
    text = render(store, "study", "html", None)
    assert 0 < text.count("<img loading") < 10 and re.search(r"\d+ pictures found no room", text)
    assert MOST < 5e6


def test_an_axis_is_logarithmic_for_a_wide_range_only() -> None:
    wide, narrow = axis([0.01, 1.0, 10.0], 0, 100), axis([-1.0, 4.0], 0, 100)
    assert isinstance(wide, Axis) and wide.log and isinstance(narrow, Axis) and not narrow.log
    assert wide.ticks(5) == pytest.approx([0.01, 0.1, 1.0, 10.0])
    assert narrow.ticks(6) == pytest.approx([-1, 0, 1, 2, 3, 4])
    assert narrow(4.0) > narrow(-1.0) and axis([], 0, 1) is None


def test_a_suite_without_a_finished_run_has_a_page(tmp_path: Path) -> None:
    read(render(write_suite(tmp_path, [Run(status="missing")]), "study", "html", None))


CLICKS = """<script>
const grid = document.getElementById("digits-grid"), heads = [...grid.tHead.rows[0].cells];
const column = heads.findIndex((head) => head.textContent.startsWith("fd_pixels"));
const first = () => grid.tBodies[0].rows[0].cells[0].textContent;
heads[column].click(); const up = first(); heads[column].click(); const down = first();
document.querySelector(".row img").click();
const zoomed = document.getElementById("zoom").open; document.getElementById("zoom").click();
document.getElementById("mode").click();
location.hash = "#ns-digits-s0-0123456789";
addEventListener("hashchange", () => setTimeout(() => {
  const narrow = document.documentElement.scrollWidth <= innerWidth;
  document.title = ["RESULT", up, down, zoomed, document.documentElement.dataset.mode, document.getElementById("all").open, narrow].join("|");
}, 50));
</script>"""  # noqa: E501


@pytest.mark.skipif(not BROWSER, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_sorts_zooms_darkens_and_follows_links(page: str, tmp_path: Path, width: int) -> None:
    path = tmp_path / "page.html"
    path.write_text(page.replace("</body>", CLICKS + "</body>"))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    options += ["--disable-background-networking", "--disable-component-update", "--virtual-time-budget=3000"]
    command = [BROWSER, *options, f"--window-size={width},900", f"--user-data-dir={tmp_path}/profile", "--dump-dom"]
    done = subprocess.run([*command, path.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>(RESULT.*?)</title>", done.stdout)
    assert title, done.stdout[:300] + done.stderr[-500:]
    up, down, zoomed, mode, opened, narrow = title[1].split("|")[1:]
    assert up.startswith("lsgan") and down == "ns", "the lower distance first, then the higher one"
    assert (zoomed, mode, opened) == ("true", "dark", "true")
    assert narrow == "true", "nothing sticks out to the side"


@pytest.mark.parametrize("name", ["state.json", "env.json"])
def test_a_damaged_run_is_listed(tmp_path: Path, name: str):
    runs = [Run(curves={"fd_pixels": [2.0]}), Run(seed=1, curves={"fd_pixels": [3.0]})]
    store = write_suite(tmp_path, runs)
    (store.run(runs[1].run_id).path / name).write_text("{")
    assert f"{name}: damaged" in render(store, "study", "html", None)
