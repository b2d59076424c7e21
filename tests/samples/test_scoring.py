"""`ganbench evaluate`: given samples against a given reference, and the errors for those that can't be scored."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial.distance import cdist

from ganbench.cli import main
from ganbench.samples import nearest_pairs, read_samples
from ganbench.samples.neighbours import nearest_rows
from tests.support import pages

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Type `ganbench ...` in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    for name in ("GANBENCH_DATA", "GANBENCH_INCEPTION"):
        monkeypatch.delenv(name, raising=False)

    def typed(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ganbench", *words])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return end.value.code, told.out, told.err  # type: ignore[return-value]

    return typed


def points(name: str, n: int = 40, seed: int = 0, dims: int = 2) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(n, dims)).astype(np.float32)
    np.save(name, x)
    return x


def images(n: int = 40, seed: int = 0, shape: tuple[int, ...] = (8, 8)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def folder(name: str, x: np.ndarray) -> str:
    Path(name).mkdir()
    for i, image in enumerate(x):
        Image.fromarray(image).save(Path(name) / f"{i:05}.png")
    return name


def card(say: Say, *words: str) -> dict[str, Any]:
    code, out, err = say("evaluate", *words, "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def values(found: dict[str, Any]) -> dict[str, float]:
    return {one["metric"]: one["value"] for one in found["scores"]}


def refused(say: Say, *words: str) -> str:
    code, out, err = say("evaluate", *words)
    assert code == 2 and out == "" and "Traceback" not in err
    return err


class TestScores:
    def test_points_by_everything_that_makes_sense(self, say: Say) -> None:
        points("fake.npy")
        points("real.npy", 50, seed=1)
        found = card(say, "fake.npy", "--reference", "real.npy")
        keys = {"metric", "value", "stderr", "n_generated", "n_reference", "evaluator", "fingerprint"}
        assert all(set(one) == keys for one in found["scores"])
        assert {"fd_pixels", "kd_pixels", "precision_pixels", "recall_pixels"} <= values(found).keys()
        assert found["scores"][0]["n_generated"] == 40 and found["reference"]["samples"] == 50
        absent = {one["name"]: one["because"] for one in found["absent"]}
        assert absent["parzen"] == "it needs further real samples: give them with --validation"
        assert "known modes" in absent["modes"]
        digest = found["reference"]["sha256"]
        assert found["scores"][0]["fingerprint"]["reference"] == f"sha256 {digest}"

    def test_a_value_is_what_its_evaluator_says(self, say: Say) -> None:
        fake, real = points("fake.npy"), points("real.npy", 50, seed=1)
        found = card(say, "fake.npy", "--reference", "real.npy", "--with", "{kind: fid, features: pixels}")
        c1, c2 = np.cov(fake.T), np.cov(real.T)
        root = np.sqrt(np.linalg.eigvals(c1 @ c2)).sum()
        wanted = ((fake.mean(0) - real.mean(0)) ** 2).sum() + np.trace(c1) + np.trace(c2) - 2 * root
        assert values(found) == {"fd_pixels": pytest.approx(wanted, rel=1e-5)}

    def test_a_number_does_not_depend_on_what_else_is_scored_and_is_the_same_twice(self, say: Say) -> None:
        points("fake.npy")
        points("real.npy", 50, seed=1)
        words = ("fake.npy", "--reference", "real.npy")
        subsets = "{kind: kid, features: pixels, subsets: 3, size: 20}"
        alone = card(say, *words, "--with", subsets, "--seed", "3")
        both = card(say, *words, "--with", f"fid, {subsets}", "--seed", "3")
        assert values(alone)["kd_pixels"] == values(both)["kd_pixels"]
        assert values(card(say, *words, "--with", subsets, "--seed", "4")) != values(alone)

    def test_validation_serves_parzen(self, say: Say) -> None:
        for seed, name in enumerate(("fake.npy", "real.npy", "held.npy")):
            points(name, seed=seed)
        words = ("fake.npy", "--reference", "real.npy", "--validation", "held.npy", "--with", "parzen")
        assert set(values(card(say, *words))) == {"parzen", "parzen_sigma", "parzen_edge"}

    def test_folder_zip_array_and_grey_in_colour_are_one_set(self, say: Say) -> None:
        x, real = images(), images(30, seed=1)
        np.save("fake.npy", x)
        np.save("real.npy", real)
        folder("grey", x)
        folder("rgb", np.repeat(x[..., None], 3, axis=3))
        shutil.make_archive("packed", "zip", "grey")
        folder("real", real)
        words = ("--with", "fid,kid", "--features", "pixels")
        wanted = values(card(say, "fake.npy", "--reference", "real.npy", *words))
        for source in ("grey", "rgb", "packed.zip"):
            for reference in ("real.npy", "real"):
                assert values(card(say, source, "--reference", reference, *words)) == wanted

    def test_datasets_and_their_splits(self, say: Say) -> None:
        words = ("--with", "fid,modes", "--features", "pixels")
        whole = card(say, "dataset:digits:train", "--reference", "dataset:digits", *words)
        assert whole["scores"][0]["n_generated"] == 1197 and whole["scores"][0]["n_reference"] == 300
        copy = card(say, "dataset:digits:validation", "--reference", "dataset:digits:validation", *words)
        assert values(copy)["fd_pixels"] == pytest.approx(0, abs=1e-9)
        ring = card(say, "dataset:ring8", "--reference", "dataset:ring8", "--with", "modes")
        assert values(ring)["modes"] == 8
        assert "no split 'tset'" in refused(say, "dataset:digits:tset", "--reference", "dataset:digits")
        assert "did you mean 'digits'" in refused(say, "dataset:digit", "--reference", "dataset:digits")

    def test_the_reference_never_chooses_its_own_parzen_width(self, say: Say) -> None:
        words = ("dataset:ring8", "--reference", "dataset:ring8:validation")
        err = refused(say, *words, "--with", "parzen")
        assert "give them with --validation" in err

    def test_a_file_with_a_training_part_has_a_classifier(self, say: Say) -> None:
        parts = {}
        for i, name in enumerate(("train", "test")):
            x, y = images(60, seed=i, shape=(8, 8)) // 3, np.arange(60) % 3
            x[np.arange(60), :, 2 * y] += 150
            parts |= {f"x_{name}": x, f"y_{name}": y}
        np.savez("real.npz", **parts)
        np.save("fake.npy", parts["x_train"])
        found = card(say, "fake.npy", "--reference", "real.npz", "--with", "fid", "--features", "classifier")
        assert found["scores"][0]["fingerprint"]["test accuracy"] and set(values(found)) == {"fd_classifier"}

    def test_an_evaluator_of_ones_own(self, say: Say) -> None:
        points("fake.npy")
        points("real.npy", 50, seed=1)
        Path("spread.py").write_text(pages.code("docs/how-to/add-your-own.md", "An evaluator: `spread.py`"))
        found = card(say, "fake.npy", "--reference", "real.npy", "--with", "spread", "--plugin", "spread.py")
        assert set(values(found)) == {"spread"}

    def test_density_of_repeated_samples_has_a_note(self, say: Say) -> None:
        np.save("same.npy", np.ones((20, 2), np.float32))
        found = card(say, "same.npy", "--reference", "same.npy", "--with", "density_coverage,precision_recall")
        assert values(found)["density_pixels"] == 0 and values(found)["precision_pixels"] == 1
        assert found["notes"] == [
            "density_coverage[features=pixels]: 20 of 20 real balls are points, because real samples are repeated: "
            "without their border they contain no sample"
        ]
        x = points("real.npy")
        words = ("same.npy", "--reference", "real.npy", "--with", "density_coverage")
        assert card(say, *words)["notes"] == [] and "are points" not in say("evaluate", *words)[2]
        x[:10] = 0
        np.save("some.npy", x)
        err = say("evaluate", "same.npy", "--reference", "some.npy", "--with", "density_coverage")[2]
        assert "10 of 40 real balls are points" in err


class TestAnswers:
    def test_table_and_fingerprints(self, say: Say) -> None:
        points("fake.npy")
        points("real.npy", 50, seed=1)
        words = ("evaluate", "fake.npy", "--reference", "real.npy", "--with", "precision_recall,modes")
        code, out, err = say(*words)
        lines = out.splitlines()
        assert code == 0 and lines[0].split() == ["metric", "value", "stderr", "generated", "reference", "evaluator"]
        assert lines[1].split()[0] == "precision_pixels" and "absent:" in lines and "known modes" in lines[-1]
        assert "[1/1] precision_recall[features=pixels]" in err
        told = say(*words, "--fingerprints")[1]
        assert told.startswith(out.rstrip("\n")) and "precision_pixels, recall_pixels:" in told and "sha256" in told

    def test_pairs_beside_the_scores(self, say: Say) -> None:
        x, real = images(100), images(30, seed=1)
        np.save("fake.npy", x)
        np.save("real.npy", real)
        words = ("--with", "fid", "--features", "pixels", "--out", "scored")
        found = card(say, "fake.npy", "--reference", "real.npy", *words)
        assert json.loads(Path("scored/scores.json").read_text()) == found
        with Image.open("scored/pairs.png") as picture:
            assert picture.mode == "L" and picture.width > picture.height
        paired = nearest_pairs(read_samples("fake.npy", "real.npy", None, None), 5)
        flat = [side.reshape(len(side), -1).astype(float) for side in (x[::20], real)]
        assert np.array_equal(paired.generated[:, 0], x[::20])
        assert np.array_equal(paired.real[:, 0], real[cdist(*flat).argmin(1)])

    def test_pairs_of_points_are_lines(self, say: Say) -> None:
        points("fake.npy")
        points("real.npy", 50, seed=1)
        card(say, "fake.npy", "--reference", "real.npy", "--with", "fid", "--out", "scored")
        with Image.open("scored/pairs.png") as picture:
            assert picture.size == (512, 512)

    def test_neighbours_in_blocks_are_neighbours_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        x, real = (torch.randn(n, 3, generator=torch.Generator().manual_seed(n)) for n in (20, 50))
        monkeypatch.setattr("ganbench.samples.neighbours.NUMBERS", 140)  # 7 real samples in a block
        assert nearest_rows(x, real).tolist() == cdist(x, real).argmin(1).tolist()


class TestBadInput:
    """One clear message that names the file or row, exit code 2, and never a silent number."""

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_not_finite(self, bad: float, say: Say) -> None:
        x = points("fake.npy")
        points("real.npy", seed=1)
        x[17, 1] = bad
        np.save("fake.npy", x)
        err = refused(say, "fake.npy", "--reference", "real.npy")
        assert "fake.npy" in err and "first in row 17" in err

    def test_images_in_the_unit_interval(self, say: Say) -> None:
        np.save("real.npy", images())
        np.save("floats.npy", images() / 255)
        assert "scale the images to 0..255" in refused(say, "floats.npy", "--reference", "real.npy")
        np.save("ones.npy", images() // 128)
        err = refused(say, "ones.npy", "--reference", "real.npy")
        assert "ones.npy: no pixel of 40 images is above 1, from row 0 on. 0..255. multiply images" in err

    def test_images_of_one_colour(self, say: Say) -> None:
        x = images()
        np.save("real.npy", x)
        np.save("flat.npy", np.full_like(x, 128))
        assert "flat.npy: every image is of one colour" in refused(say, "flat.npy", "--reference", "real.npy")
        assert "every image" in refused(say, "real.npy", "--reference", "flat.npy")
        x[[3, 5]] = 0
        folder("some", x)
        code, out, err = say(
            "evaluate", "some", "--reference", "real.npy", "--with", "fid", "--features", "pixels", "--json"
        )
        note = "some: 2 of 40 images are of one colour, first file 00003.png"
        assert code == 0 and note in err and json.loads(out)["notes"] == [note]

    def test_other_shapes(self, say: Say) -> None:
        np.save("small.npy", images())
        np.save("large.npy", images(shape=(9, 9)))
        np.save("colour.npy", images(shape=(8, 8, 3)))
        points("plane.npy")
        for fake, real, says in (
            ("large.npy", "small.npy", "large.npy: images of 9x9, grey. images of 8x8, grey, as the reference"),
            ("colour.npy", "small.npy", "images of 8x8, RGB. images of 8x8, grey"),
            ("small.npy", "colour.npy", "images of 8x8, grey. images of 8x8, RGB"),
            ("plane.npy", "small.npy", "points of 2 dimensions. images of 8x8, grey"),
            ("small.npy", "plane.npy", "images of 8x8, grey. points of 2 dimensions"),
        ):
            assert says in refused(say, fake, "--reference", real)
        assert "they are in colour" in refused(say, folder("rgb", images(shape=(8, 8, 3))), "--reference", "small.npy")
        err = refused(say, "small.npy", "--reference", "small.npy", "--validation", "large.npy")
        assert "--validation, large.npy: images of 9x9" in err

    def test_one_corrupt_png_among_many(self, say: Say) -> None:
        folder("fake", images(200))
        np.save("real.npy", images())
        damaged = Path("fake/00123.png")
        damaged.write_bytes(damaged.read_bytes()[:60])
        assert "00123.png: the image can't be read" in refused(say, "fake", "--reference", "real.npy")

    def test_too_few_samples(self, say: Say) -> None:
        points("one.npy", 1)
        points("few.npy", 3)
        points("real.npy")
        found = card(say, "few.npy", "--reference", "real.npy", "--with", "fid,precision_recall")
        assert set(values(found)) == {"fd_pixels"}
        reason = "needs at least 4 samples"
        assert found["absent"] == [{"name": "precision_recall[features=pixels]", "because": reason}]
        err = refused(say, "one.npy", "--reference", "real.npy", "--with", "fid,precision_recall")
        assert "one.npy: nothing can be scored: fid[features=pixels]: needs at least 2 samples" in err
        few = card(say, "real.npy", "--reference", "few.npy", "--with", "fid,precision_recall")
        assert "the test split: 3 samples; at least 4" in few["absent"][0]["because"]

    def test_a_metric_without_a_value_is_absent_with_its_reason(self, say: Say) -> None:
        np.save("far.npy", np.full((30, 2), 50, np.float32))
        found = card(say, "far.npy", "--reference", "dataset:ring8", "--with", "modes")
        assert values(found)["modes"] == 0 and "reverse_kl" not in values(found)
        assert found["absent"] == [{"name": "modes: reverse_kl", "because": "it has no value for these samples"}]

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (("uneven", "--reference", "real.npy"), "b.png: the image is 9x9, and the first one, a.png, is 8x8"),
            (("absent.npy", "--reference", "real.npy"), "absent.npy: there is no such file or folder"),
            (("real.npy", "--reference", "real.npy", "--with", "fidd"), "did you mean 'fid'"),
            (("real.npy", "--reference", "real.npy", "--with", "{kind: kid, size: 1}"), "must be at least 2"),
            (("real.npy", "--reference", "real.npy", "--features", "pixel"), "did you mean 'pixels'"),
            (("real.npy", "--reference", "real.npy", "--with", "inception_score"), "nothing can be scored"),
            (("text.npy", "--reference", "real.npy"), "text.npy: the file can't be read"),
            (("empty", "--reference", "real.npy"), "there is no image in it"),
            (("real.npy", "--reference", "two.npz"), "it holds train and validation samples"),
            (("two.npz", "--reference", "real.npy"), "one set of samples"),
            (("real.npy", "--reference", "dataset:images"), "the dataset images reads your own file"),
            (("real.npy",), "--reference"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
    )
    def test_wrong_requests(self, words: tuple[str, ...], says: str, say: Say) -> None:
        x = points("real.npy")
        np.savez("two.npz", x_train=x, x_val=x)
        Path("text.npy").write_text("no array")
        Path("empty").mkdir()
        Path("uneven").mkdir()
        for name, side in (("a", 8), ("b", 9)):
            Image.fromarray(images(1, shape=(side, side))[0]).save(f"uneven/{name}.png")
        assert says in refused(say, *words)


class TestCache:
    def test_list_and_clear(self, say: Say) -> None:
        points("fake.npy")
        points("real.npy", 50, seed=1)
        words = ("fake.npy", "--reference", "real.npy", "--with", "fid")
        wanted = values(card(say, *words))
        files = json.loads(say("cache", "list", "--json")[1])["files"]
        assert len(files) == 1 and files[0]["whole"] and files[0]["bytes"] == Path(files[0]["path"]).stat().st_size
        path = Path(files[0]["path"])
        path.write_bytes(path.read_bytes()[:-1])
        code, out, err = say("cache", "list")
        assert code == 0 and out.rstrip().endswith("damaged") and "1 damaged" in err
        code, out, err = say("evaluate", *words, "--json")
        assert values(json.loads(out)) == wanted and f"{path.name} is damaged and is computed again" in err
        assert say("cache", "clear")[1].startswith("1 files removed")
        assert json.loads(say("cache", "list", "--json")[1])["files"] == []
        assert values(card(say, *words)) == wanted

    def test_one_changed_number_of_the_reference_is_another_file(self, say: Say) -> None:
        points("fake.npy")
        x = points("real.npy", 50, seed=1)
        words = ("fake.npy", "--reference", "real.npy", "--with", "fid")
        first = values(card(say, *words))
        x[7, 0] += 1e-3
        np.save("real.npy", x)
        assert values(card(say, *words)) != first
        assert len(json.loads(say("cache", "list", "--json")[1])["files"]) == 2

    def test_an_empty_or_absent_cache(self, say: Say) -> None:
        assert say("cache", "list")[:2] == (0, "")
        assert say("cache", "clear")[1].startswith("0 files removed")
