"""`ganbench evaluate` against a file of statistics (`mu`, `sigma`): what can be computed, and why the rest can't."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import sqrtm

from ganbench.cli import main
from ganbench.errors import RequestError
from ganbench.samples import read_samples

Say = Callable[..., tuple[object, str, str]]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANBENCH_INCEPTION", raising=False)

    def typed(*words: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["ganbench", *words])
        with pytest.raises(SystemExit) as end:
            main()
        shown = capsys.readouterr()
        return end.value.code, shown.out, shown.err

    return typed


def points(seed: int, n: int = 200, d: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def save_statistics(name: str, x: np.ndarray, **more: np.ndarray) -> None:
    np.savez(name, mu=x.mean(0), sigma=np.cov(x.astype(np.float64), rowvar=False), **more)


@pytest.mark.golden
@pytest.mark.parametrize("more", [{}, {"mu_s": np.zeros(4), "sigma_s": np.eye(4)}], ids=["pytorch-fid, EDM", "ADM"])
def test_the_frechet_distance_is_that_of_the_samples(say: Say, more: dict[str, np.ndarray]) -> None:
    fake, real = points(0), 2 * points(1) + 1
    np.save("fake.npy", fake)
    save_statistics("ref.npz", real, **more)
    code, out, _ = say("evaluate", "fake.npy", "--reference", "ref.npz", "--json", "--with", "fid,fid_infinity")
    scores = {one["metric"]: one for one in json.loads(out)["scores"]}
    a, b = np.cov(fake.astype(np.float64), rowvar=False), np.cov(real.astype(np.float64), rowvar=False)
    wanted = ((fake.mean(0) - real.mean(0)) ** 2).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert code == 0 and scores["fd_pixels"]["value"] == pytest.approx(wanted, rel=1e-5)
    assert "fd_pixels_infinity" in scores or "fd_infinity_pixels" in scores
    assert scores["fd_pixels"]["fingerprint"]["real"] == "mean and covariance"
    assert scores["fd_pixels"]["fingerprint"]["reference"].startswith("sha256 ")


def test_what_needs_samples_is_absent_with_its_reason(say: Say) -> None:
    np.save("fake.npy", points(0))
    save_statistics("ref.npz", points(1))
    code, out, _ = say("evaluate", "fake.npy", "--reference", "ref.npz", "--json", "--out", "scored")
    found = json.loads(out)
    assert code == 0 and {"fd_pixels", "vendi_pixels"} <= {one["metric"] for one in found["scores"]}
    reasons = json.dumps(found)
    assert "it holds the mean and covariance of features, and no samples" in reasons
    assert not {"kd_pixels", "recall_pixels"} & {one["metric"] for one in found["scores"]}
    assert Path("scored/scores.json").is_file() and not Path("scored/pairs.png").exists()


def test_statistics_of_other_features_are_refused(say: Say) -> None:
    np.save("fake.npy", points(0))
    save_statistics("ref.npz", points(1, d=5))
    code, _, err = say("evaluate", "fake.npy", "--reference", "ref.npz", "--with", "fid")
    assert code == 2 and "its statistics are of 5 dimensions" in err


def test_images_are_compared_in_inceptions_features(say: Say) -> None:
    np.save("fake.npy", np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), dtype=np.uint8))
    save_statistics("ref.npz", points(1))
    code, _, err = say("evaluate", "fake.npy", "--reference", "ref.npz", "--with", "fid")
    assert code == 2 and "GANBENCH_INCEPTION" in err


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"mu": np.zeros(3), "sigma": np.eye(4)}, r"'mu' is float64 \(3,\) and 'sigma' is float64 \(4, 4\)"),
        ({"mu": np.zeros(3, int), "sigma": np.eye(3)}, "'mu' is int64"),
        ({"mu": np.full(3, np.nan), "sigma": np.eye(3)}, "not finite"),
        ({"mu": np.zeros(2), "sigma": np.array([[1.0, 2.0], [0.0, 1.0]])}, "not symmetric"),
    ],
)
def test_what_is_no_mean_and_covariance_is_refused(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    np.save(tmp_path / "fake.npy", points(0))
    np.savez(tmp_path / "ref.npz", **arrays)
    with pytest.raises(RequestError, match=message):
        read_samples(str(tmp_path / "fake.npy"), str(tmp_path / "ref.npz"), None, None)


def test_the_standard_set_of_points(say: Say) -> None:
    """What papers report today, as far as the data allow; the rest is listed with reasons."""
    np.save("fake.npy", points(0, 50))
    np.save("real.npy", points(1, 50))
    code, out, _ = say("evaluate", "fake.npy", "--reference", "real.npy", "--json", "--with", "standard")
    found = json.loads(out)
    assert code == 0 and {one["metric"] for one in found["scores"]} == {"wasserstein_1"}
    assert "features 'inception' need images" in out and "modes" in out
