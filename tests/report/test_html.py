"""The report as one page: complete, self-contained, safe, and working in a real browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganbench.report import format_report
from ganbench.report.model.sections.charts import OVERLAID
from ganbench.report.model.sections.findings import DRAWN
from ganbench.report.render.html import charts, curves, gallery
from ganbench.report.render.html.gallery import MOST, encode
from ganbench.results.real import picture_of
from ganbench.results.store import Store
from tests.support.claims import claim_of, versus
from tests.support.synthetic import Run, write_suite

VOID = {"meta", "img", "br", "wbr", "line", "circle", "polyline", "polygon"}
NASTY = 'lsgan[a="<script>alert(1)</script>"]'
LONG = f"mlp[g_widths={'64x' * 20}64,d_widths={'128x' * 15}128]"
PAIR = ("digits", "digits[labels_per_class=10]")
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


def pair(root: Path) -> Store:
    """Two settings of one dataset under long names, and two claims: the later one is beyond doubt on both."""
    runs = []
    for dataset in PAIR:
        for s in range(14):
            at: dict[str, Any] = {"dataset": dataset, "seed": s, "columns": {"network": LONG}}
            runs.append(Run(curves={"fd_pixels": [30.0, 20.0 + s], "hq": [0.9, 0.5 + s / 100]}, **at))
            runs.append(Run(variant=NASTY, curves={"fd_pixels": [9.0, 6.0 + s / 2], "hq": [0.1, 0.57]}, **at))
    tests = [versus(NASTY, "ns", name) for name in ("hq", "fd_pixels")]
    claims = [asdict(claim_of(test, says=f"{LONG} is better", source="a paper")) for test in tests]
    store = write_suite(root, runs, marks={run.run_id: [1000, 2000] for run in runs}, claims=claims)
    for run in runs[::28]:  # the first of either dataset
        path = store.run(run.run_id).path / "samples" / "2000.png"
        path.parent.mkdir()
        Image.fromarray(np.random.default_rng(len(run.dataset)).integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    return store


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> str:
    return format_report(pair(tmp_path_factory.mktemp("pair")), "study", "html", None)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return format_report(study(tmp_path_factory.mktemp("results")), "study", "html", None)


class Reader(HTMLParser):
    """Checks that tags nest, and keeps ids, links and sources."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []

    def end_implied(self, tag: str) -> None:
        """A cell ends where the next one, its row or its table body ends or begins, and a row likewise."""
        for ended, by in (("td", {"td", "tr", "/tr", "/tbody"}), ("tr", {"tr", "/tbody"})):
            if tag in by and self.open[-1] == ended:
                self.open.pop()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.end_implied(tag)
        self.tags.append(tag)
        found = dict(attrs)
        self.ids += [found["id"]] if found.get("id") else []
        self.links += [found["href"]] if found.get("href") else []
        self.sources += [found["src"]] if found.get("src") else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.end_implied(f"/{tag}")
        if tag not in VOID:
            assert self.open.pop() == tag


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def test_it_is_one_file_without_a_network(page: str) -> None:
    found = read(page)
    assert all(source.startswith("data:image/webp;base64,") for source in found.sources)
    assert all(link.startswith("#") for link in found.links)
    assert not re.search(r"https?://|@import|url\(", page)


@pytest.mark.parametrize("which", ["page", "pairs"])
def test_every_link_leads_somewhere(which: str, request: pytest.FixtureRequest) -> None:
    found = read(request.getfixturevalue(which))
    assert len(set(found.ids)) == len(found.ids)
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)


def test_every_claim_and_cell_can_be_linked_to(pairs: str) -> None:
    wanted = {f"claim-{place}" for place in range(1, 5)}
    for slug in ("digits", "digits-labels-per-class-10"):
        for what in ("", "samples-", "fd_pixels-", "hq-"):
            wanted |= {f"{slug}-{what}cell-1", f"{slug}-{what}cell-2"}
    found = read(pairs)
    assert wanted <= set(found.ids) and wanted <= {link.removeprefix("#") for link in found.links}


def test_what_users_write_stays_text(page: str) -> None:
    assert "<script>alert(1)</script>" not in page and "&lt;script&gt;alert(1)" in page
    assert "OSError: &lt;disk&gt; full" in page and "&lt;two&gt;" in page


def test_every_seed_is_a_dot_and_every_curve_a_line(page: str) -> None:
    tags = read(page).tags
    assert tags.count("circle") == 2 * (4 + 3), "two metrics, the runs that are done"
    assert len(re.findall(r"<path d=[^>]+><title>[^<]+, seed \d+</title>", page)) == 2 * (4 + 3)
    assert page.count('class="band"') == page.count('class="curve"') == 2 * 2


def test_the_answer_comes_first_and_the_page_says_what_markdown_says(pairs: str) -> None:
    assert pairs.index('<section id="claims">') < pairs.index('<section id="digits">')
    heads = re.findall(r"<thead>.*?</thead>", pairs, re.DOTALL)
    assert ">answer<" in heads[0] and heads[0].index(">answer<") < heads[0].index(">claim<")
    grid = pairs[pairs.index('id="study-digits-headline"') : pairs.index('id="digits-spread"')]
    assert ">diverged<" in grid and "0/14\N{NO-BREAK SPACE}[" in grid, "no rule of outcomes tells the rate"
    assert grid.count("<b>") == 1, "the best beyond doubt by one metric"
    assert pairs.count("best / last / tail, mean") == 2


def test_every_chart_has_a_label_and_no_dot_is_a_tab_stop(page: str) -> None:
    assert page.count("<svg ") == page.count('role="img" aria-label="') + page.count('aria-hidden="true"')
    assert "hq of 4 seeds, mean" in page
    assert page.count("<circle") == len(re.findall(r'<a href="[^"]+" tabindex="-1"><circle', page))


def test_lines_go_through_their_points_to_a_tenth_of_a_pixel() -> None:
    x, y = charts.Axis(0, 1000, 46, 226, log=False), charts.Axis(0, 1, 116, 8, log=False)
    points = [(step, (step * 7919 % 1000) / 1000) for step in range(0, 1001, 50)]
    plane = curves.Plane(x, y, unit=50)
    numbers = [float(text) for text in re.findall(r"-?[\d.]+", plane.path(points))]
    across, _, _, down, left, top = map(float, re.findall(r"-?[\d.]+", plane.transform))
    places = np.cumsum(np.reshape(numbers, (-1, 2)), axis=0) * (across, down) + (left, top)
    assert np.abs(places - [(x(step), y(value)) for step, value in points]).max() < 0.051


def test_variants_of_a_setting_share_a_frame_and_all_frames_a_scale(page: str, tmp_path: Path) -> None:
    assert page.count('class="panels"') == page.count('-scales">') == 2, "one for each metric"
    assert page.count("<use ") == 0, "a single setting"
    assert page.count('<span class="key series-0"') == page.count('<span class="key series-1"') == 2
    runs = [
        Run(variant=v, columns={"batchnorm": bn}, seed=s, curves={"hq": [0.1, 0.5 + s / 10]})
        for v in ("ns", "lsgan") for bn in ("none", "both") for s in range(3)
    ]  # fmt: skip
    text = format_report(write_suite(tmp_path, runs), "study", "html", None)
    assert re.findall(r"<figure><figcaption><span>(\w+)</span><span", text) == ["none", "both"]
    assert text.count('<use href="#digits-hq-cell-1-scales"/>') == 1, "the other setting"
    assert "none: hq by step of ns (3 seeds), lsgan (3 seeds)" in text


def test_many_variants_are_spread_over_frames(tmp_path: Path) -> None:
    runs = [Run(variant=f"v{n}", curves={"hq": [0.1, 0.5]}) for n in range(OVERLAID + 1)]
    text = format_report(write_suite(tmp_path, runs), "study", "html", None)
    assert text.count("<figure><figcaption><span") == 2 and text.count('class="key series-0"') == 2


def test_samples_of_the_first_seeds_and_over_time(page: str) -> None:
    assert page.count("<img src") == 2 * 3 + 2 * 2
    assert "samples of ns-digits-s0-0123456789 at step 1000" in page


def test_real_samples_stand_in_the_gallery_where_they_are_kept(tmp_path: Path) -> None:
    """Results of earlier versions have none."""
    store = study(tmp_path)
    folder = next(folder for folder in store.runs() if "-s0-" in folder.run_id)
    body = folder.spec()
    folder.write_json("spec.json", body | {"spec": body["spec"] | {"dataset": {"kind": "digits", "version": 1}}})
    path = picture_of(folder)
    assert path and "real samples" not in format_report(store, "study", "html", None)
    path.parent.mkdir()
    Image.fromarray(np.full((64, 64, 3), 222, np.uint8)).save(path)
    text = format_report(store, "study", "html", None)
    assert text.count('alt="real samples"') == 1 and encode(path) in text


def test_pictures_that_find_no_room_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = study(tmp_path)
    path = next(store.root.glob("runs/*/samples/*.png"))
    monkeypatch.setattr(gallery, "MOST", 3 * len(encode(path)))
    text = format_report(store, "study", "html", None)
    assert 0 < text.count("<img src") < 10 and re.search(r"\d+ pictures do not fit", text)
    assert MOST < 5e6


def test_all_datasets_share_the_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = pair(tmp_path)
    sizes = [len(encode(path)) for path in store.root.glob("runs/*/samples/*.png")]
    monkeypatch.setattr(gallery, "MOST", max(sizes))
    assert len(sizes) == 2 > len(set(read(format_report(store, "study", "html", None)).sources))


def test_a_suite_without_a_finished_run_has_a_page(tmp_path: Path) -> None:
    read(format_report(write_suite(tmp_path, [Run(status="missing")]), "study", "html", None))


CLICKS = """(async () => {
const grid = document.getElementById("study-digits-headline"), heads = [...grid.tHead.rows[0].cells];
const head = heads.find((one) => one.textContent.startsWith("fd_pixels"));
const press = () => (head.querySelector("button").click(), [grid.rows[1].innerText, head.ariaSort]);
const up = press(), down = press();
document.querySelector(".thumb").click();
const zoomed = document.getElementById("zoom").open; document.getElementById("zoom").click();
document.getElementById("mode").click();
location.hash = "#ns-digits-s0-0123456789";
await new Promise((then) => setTimeout(then, 50));
return { up, down, zoomed, mode: document.documentElement.dataset.mode, opened: document.getElementById("all").open };
})()"""
SIZES = """[document.documentElement.scrollWidth, innerWidth,
Math.max(...[...document.querySelectorAll(".claims .verdict")].map((cell) => cell.getBoundingClientRect().right))]"""
SORTED = """(() => {
const table = document.getElementById("study-claims"), heads = [...table.tHead.rows[0].cells];
const at = heads.findIndex((head) => head.textContent.startsWith("p "));
heads[at].querySelector("button").click();
return [...table.tBodies[0].rows].map((row) => row.cells[at].textContent);
})()"""
PRINTED = """(() => {
dispatchEvent(new Event("beforeprint"));
const shown = (id) => getComputedStyle(document.getElementById(id)).display !== "none";
const cells = [...document.querySelectorAll("table:has(th:nth-child(10)) td")].map((cell) => cell.textContent);
const tied = cells.filter((text) => text.includes("\u00a0[")).length;
dispatchEvent(new Event("afterprint"));
const again = [...document.querySelectorAll("td")].filter((cell) => cell.textContent.includes("\u00a0[")).length;
dispatchEvent(new Event("beforeprint"));
const closed = document.querySelectorAll("details:not([open])").length, style = getComputedStyle(document.body);
return [closed, style.backgroundColor, ["every-run", "provenance", "digits"].filter(shown), tied, again > 0];
})()"""

BROKEN = """[...document.querySelectorAll("[data-names] td")].flatMap((cell) => {
const text = cell.firstChild, range = document.createRange(), found = [];
for (const word of text?.data?.matchAll(/[\\d.]+/g) ?? []) {
range.setStart(text, word.index); range.setEnd(text, word.index + word[0].length);
if (range.getClientRects().length > 1) found.push(text.data);
}
return found; })"""


class Tab:
    """A page in a headless Chromium, spoken to through its pipes by the DevTools protocol."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "page.html"
        (theirs, self.out), (back, mine) = os.pipe(), os.pipe()
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe"]
        options += ["--disable-background-networking", "--disable-dev-shm-usage", f"--user-data-dir={folder}/profile"]
        command = ["bash", "-c", f'exec "$@" 3<&{theirs} 4>&{mine}', "bash", BROWSER, *options]
        self.process = subprocess.Popen(command, pass_fds=(theirs, mine), stderr=subprocess.DEVNULL)
        os.close(theirs)
        os.close(mine)
        self.back, self.session = os.fdopen(back, "rb"), dict[str, str]()
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self.session = {"sessionId": self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}

    def __call__(self, method: str, **asked: Any) -> Any:
        os.write(self.out, json.dumps({"id": 1, "method": method, "params": asked} | self.session).encode() + b"\0")
        while letters := b"".join(iter(lambda: self.back.read(1).strip(b"\0"), b"")):
            if "id" in (reply := json.loads(letters)):
                return reply["result"]
        raise AssertionError("the browser went away")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.back.close()
        os.close(self.out)

    def open(self, page: str, width: int) -> None:
        self.file.write_text(page)
        self("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        self("Page.navigate", url=self.file.as_uri())
        while self.run("location.protocol + document.readyState") != "file:complete":
            pass

    def run(self, script: str) -> Any:
        found = self("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    if not BROWSER:
        pytest.skip("no Chromium is installed")
    with closing(Tab(tmp_path_factory.mktemp("browser"))) as tab:
        yield tab


def test_a_browser_sorts_zooms_darkens_and_follows_links(tab: Tab, page: str) -> None:
    tab.open(page, 1280)
    found = tab.run(CLICKS)
    assert found["up"][0].startswith("lsgan") and found["up"][1] == "ascending", "the lower distance first"
    assert found["down"][0].startswith("ns") and found["down"][1] == "descending"
    assert (found["zoomed"], found["mode"], found["opened"]) == (True, "dark", True)


HINTS = """(async () => {
document.getElementById("digits-spread").open = true;
await new Promise((then) => setTimeout(then, 100));
const boxes = [...document.querySelectorAll(".wide")].filter((box) => box.checkVisibility());
return boxes.map((box) => [box.scrollWidth > box.clientWidth + 1, !box.previousElementSibling.hidden]);
})()"""


@pytest.mark.parametrize("width", [390, 1400])
def test_a_table_that_is_wider_than_the_screen_says_so(tab: Tab, pairs: str, width: int) -> None:
    tab.open(pairs, width)
    found = tab.run(HINTS)
    assert found and all(wide == hinted for wide, hinted in found)
    assert width > 390 or any(wide for wide, _ in found)


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out_and_the_answers_are_in_sight(tab: Tab, pairs: str, width: int) -> None:
    tab.open(pairs, width)
    content, screen, answers = tab.run(SIZES)
    assert content <= width == screen and 0 < answers <= width


def test_small_p_values_sort_as_numbers(tab: Tab, pairs: str) -> None:
    tab.open(pairs, 1280)
    texts = [text.replace("\N{NO-BREAK SPACE}", " ") for text in tab.run(SORTED)]
    assert texts[:2] == ["< 0.001"] * 2 and all(float(text) >= 0.001 for text in texts[2:])


def test_paper_is_white_and_whole(tab: Tab, page: str) -> None:
    tab("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    tab.open(page, 800)
    tab.run("document.documentElement.dataset.mode = 'dark'")
    found = tab.run(PRINTED)
    tab("Emulation.setEmulatedMedia", media="", features=[])
    assert found[:3] == [0, "rgb(255, 255, 255)", ["digits"]], "all is open but what is no reading"
    assert found[3:] == [0, True], "in wide tables a number may stand above its interval, on paper only"


def test_no_table_is_cut_on_paper_and_no_number_is_broken(tab: Tab, pairs: str) -> None:
    """At the width of A4 in pixels less the margins; a line of numbers is as high as one of names."""
    tab("Emulation.setEmulatedMedia", media="print")
    tab.open(pairs, 710)
    tab.run("dispatchEvent(new Event('beforeprint'))")
    wide = tab.run("[...document.querySelectorAll('table')].map((t) => [t.id, t.getBoundingClientRect().right])")
    tab.open(pairs, 400)  # as little room as a table of many columns has
    tab.run("dispatchEvent(new Event('beforeprint'))")
    broken = tab.run(BROKEN)
    tab("Emulation.setEmulatedMedia", media="")
    assert [name for name, right in wide if right > 711] == [] and broken == []


@pytest.mark.parametrize("name", ["state.json", "env.json"])
def test_a_damaged_run_is_listed(tmp_path: Path, name: str):
    runs = [Run(curves={"fd_pixels": [2.0]}), Run(seed=1, curves={"fd_pixels": [3.0]})]
    store = write_suite(tmp_path, runs)
    (store.run(runs[1].run_id).path / name).write_text("{")
    assert f"{name}: damaged" in format_report(store, "study", "html", None)


def test_a_figure_of_many_cells_is_in_its_section_and_not_before_the_claims(tmp_path: Path) -> None:
    runs = [Run(variant=f"v{n}", curves={"hq": [0.1, 0.5]}) for n in range(DRAWN + 1)]
    claims = [asdict(claim_of(versus("v1", "v0", "hq")))]
    text = format_report(write_suite(tmp_path, runs, claims=claims), "study", "html", None)
    top, rest = text.split('<section id="claims">')
    assert f"the figure of its {DRAWN + 1} cells is in the dataset" in top
    assert "<circle" not in top and rest.count("<circle") == DRAWN + 1
