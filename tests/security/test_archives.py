"""Archives and arrays of strangers: nothing is extracted, and nothing is unpacked beyond a limit."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from ganbench.datasets.parts import listing
from ganbench.errors import RequestError
from ganbench.report.render.html.gallery import encode
from ganbench.results import unpacked
from ganbench.results.archive import SUMS, write_archive
from ganbench.samples import read_samples
from tests.support.synthetic import Run, write_suite


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "inside"
    folder.mkdir()
    monkeypatch.chdir(folder)
    archive({f"{index}.png": png(index) for index in range(4)}, "good.zip")
    return folder


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (8, 8, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def archive(members: dict[str, bytes], name: str) -> str:
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as file:
        for member, content in members.items():
            file.writestr(member, content)
    return name


def test_members_that_lead_elsewhere_are_read_in_memory(here: Path) -> None:
    names = ("../evil.png", "/etc/evil.png", "a/../../evil2.png", "C:\\evil.png", "..\\evil3.png")
    archive({name: png(index) for index, name in enumerate(names)}, "evil.zip")
    before = sorted(here.parent.rglob("*"))
    samples = read_samples("evil.zip", "good.zip", None, None)
    assert len(samples.fake) == 2
    assert "hidden files: 3 (../evil.png, a/../../evil2.png, ../evil3.png)" in samples.notes[0]
    assert sorted(here.parent.rglob("*")) == before and not Path("/etc/evil.png").exists()


def test_a_link_in_an_archive_is_no_image(here: Path) -> None:
    (here / "secret.png").write_bytes(png(0))
    info = zipfile.ZipInfo("link.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile("links.zip", "w") as file:
        file.writestr(info, str(here / "secret.png"))
    with pytest.raises(RequestError, match=r"link\.png: the image can't be read"):
        read_samples("links.zip", "good.zip", None, None)


def test_a_bomb_is_refused_before_it_is_unpacked(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive({"0.png": png(0), "1.png": bytes(listing.MOST_BYTES + 1)}, "bomb.zip")
    assert Path("bomb.zip").stat().st_size < 10**6
    with pytest.raises(RequestError, match=r"1\.png: the file takes 256 MiB when it is unpacked"):
        read_samples("bomb.zip", "good.zip", None, None)
    Path("folder").mkdir()
    Path("folder/0.png").write_bytes(png(0))
    monkeypatch.setattr(listing, "MOST_BYTES", 100)
    with pytest.raises(RequestError, match=r"image files of at most 0 MiB"):
        read_samples("folder", "good.zip", None, None)


def test_a_size_that_lies_is_not_exceeded(here: Path) -> None:
    """zipfile gives no more than the declared size, so that a limit on it is a limit on what is unpacked."""
    content = png(0)
    archive({"0.png": content + bytes(10**6)}, "lies.zip")
    body = (
        Path("lies.zip").read_bytes().replace((len(content) + 10**6).to_bytes(4, "little"), (200).to_bytes(4, "little"))
    )
    Path("lies.zip").write_bytes(body)
    with pytest.raises(RequestError, match="can't be read"):
        read_samples("lies.zip", "good.zip", None, None)


def test_an_image_of_too_many_pixels_is_refused(here: Path) -> None:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    archive({"0.png": buffer.getvalue()}, "pixels.zip")
    with pytest.raises(RequestError, match=r"0\.png: the image can't be read \(.*decompression bomb"):
        read_samples("pixels.zip", "good.zip", None, None)


def test_an_image_that_is_a_program_is_not_run(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *rest, **named: pytest.fail("Ghostscript was started"))
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(x) print\n%%EOF\n"
    archive({"0.png": program}, "eps.zip")
    with pytest.raises(RequestError, match=r"0\.png: the image can't be read \(it is an EPS file"):
        read_samples("eps.zip", "good.zip", None, None)
    Path("0.png").write_bytes(program)
    with pytest.raises(UnidentifiedImageError):
        encode(Path("0.png"))


def header(shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"shape": shape, "fortran_order": False, "descr": "|u1"})
    return buffer.getvalue()


def test_an_array_larger_than_the_memory_is_refused(here: Path) -> None:
    np.save("good.npy", np.zeros((4, 8, 8), np.uint8) + np.arange(8, dtype=np.uint8))
    archive({"x.npy": header((10**9, 64, 64)) + bytes(10**5)}, "bomb.npz")
    Path("bomb.npy").write_bytes(header((10**9, 64, 64)) + bytes(10**5))
    for name in ("bomb.npz", "bomb.npy"):
        with pytest.raises(RequestError, match=r"takes 3815 GiB when it is unpacked: uint8 \(1000000000, 64, 64\)"):
            read_samples(name, "good.npy", None, None)


# --- archives of suites ---


@pytest.fixture
def study(here: Path) -> dict[str, bytes]:
    """The members of an archive of a suite."""
    store = write_suite(here / "results", [Run(curves={"fd_pixels": [1.0]})])
    write_archive(store, "study", Path("study.zip"))
    with zipfile.ZipFile("study.zip") as file:
        return {name: file.read(name) for name in file.namelist()}


def refused(name: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        unpacked.opened(Path(name)).__enter__()


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../evil.json",
            "/etc/evil.json",
            "suites/../../evil.json",
            "runs/../evil/state.json",
            "runs/x/../state.json",
        ),
        *(
            "runs/x/samples/../../state.json",
            "runs/x/samples/a.png",
            "runs/x/evil.py",
            "suites/.json",
            "suites/a/b.json",
        ),
        *("runs\\x\\state.json", "runs/con/state.json", "runs/x/state.json/y", "cache/x", "mlflow.db"),
    ],
)
def test_only_names_of_a_results_folder_are_unpacked(here: Path, study: dict[str, bytes], name: str) -> None:
    before = sorted(here.parent.rglob("*"))
    archive(study | {name: b"{}"}, "evil.zip")
    refused("evil.zip", r"is no file of an archive of a suite\. .*\. unpack it yourself")
    assert {path.name for path in set(here.parent.rglob("*")) - set(before)} == {"evil.zip"}


def test_a_link_in_an_archive_of_a_suite_is_refused(here: Path, study: dict[str, bytes]) -> None:
    archive(study, "links.zip")
    info = zipfile.ZipInfo("runs/x/log.txt")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile("links.zip", "a") as file:
        file.writestr(info, "/etc/passwd")
    refused("links.zip", "is no file of an archive")


def test_a_name_that_is_there_twice_is_refused(here: Path, study: dict[str, bytes]) -> None:
    archive(study, "twice.zip")
    with zipfile.ZipFile("twice.zip", "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("suites/study.json", "{}")
    refused("twice.zip", "is no file of an archive")


def test_what_the_digests_do_not_name_or_name_otherwise_is_refused(here: Path, study: dict[str, bytes]) -> None:
    archive(study | {"runs/x/log.txt": b"more"}, "more.zip")
    refused("more.zip", f"damaged: runs/x/log.txt does not match its checksum in {SUMS}")
    archive(study | {"suites/study.json": b"{}"}, "other.zip")
    refused("other.zip", f"damaged: suites/study.json does not match its checksum in {SUMS}")
    archive({name: content for name, content in study.items() if name != "suites/study.json"}, "fewer.zip")
    refused("fewer.zip", "damaged: suites/study.json is missing")
    archive({name: content for name, content in study.items() if name != SUMS}, "none.zip")
    refused("none.zip", f"it is not an archive of a suite: {SUMS} is missing")
    archive(study | {SUMS: b"\xff"}, "words.zip")
    refused("words.zip", "it is damaged, truncated")


def test_a_bomb_in_an_archive_of_a_suite_is_refused(
    here: Path, study: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(study | {"runs/x/log.txt": bytes(unpacked.MOST_BYTES + 1)}, "bomb.zip")
    assert Path("bomb.zip").stat().st_size < 10**6
    refused("bomb.zip", r"it takes 256 MiB when it is unpacked, runs/x/log\.txt the most of them\. at most 256 MiB")
    monkeypatch.setattr(unpacked, "MOST_IN_ALL", 2000)
    refused("study.zip", "at most 256 MiB for a file, and 0 MiB in all")


def test_an_encrypted_archive_is_one_message(here: Path, study: dict[str, bytes]) -> None:
    content = bytearray(Path("study.zip").read_bytes())
    at = -1
    while (at := content.find(b"PK\x01\x02", at + 1)) >= 0:
        content[at + 8] |= 1
    Path("locked.zip").write_bytes(content)
    refused("locked.zip", "it is damaged, truncated or not a zip file .*encrypted")
