"""MIND, CMMD, FWD, FLD, clipped density and coverage: derivations of their own in float64, and properties."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.linalg import hadamard, sqrtm
from scipy.spatial.distance import cdist
from scipy.special import betaln, gammaln
from torch import Tensor

from ganbench.datasets.base import Data, Space, Split
from ganbench.evaluators.base import Evaluator
from ganbench.evaluators.clipped_density_coverage import ClippedDensityCoverage, expected_coverage
from ganbench.evaluators.cmmd import CMMD
from ganbench.evaluators.fld import FLD
from ganbench.evaluators.fwd import FWD
from ganbench.evaluators.lpips_diversity import LPIPSDiversity
from ganbench.evaluators.mind import MIND
from ganbench.evaluators.mmd import MMD
from ganbench.evaluators.parts.likelihood import fit_widths
from ganbench.evaluators.sliced_wasserstein import SlicedWasserstein
from ganbench.features.bank import Bank
from ganbench.features.extractor import Embedding, Extractor
from ganbench.rng import stream
from tests.support.evaluation import Given, image_data, points_data, real_side, scores_of

VERSIONS = {ClippedDensityCoverage: 1, CMMD: 1, FLD: 2, FWD: 1, MIND: 1}
FEATURES = Space((3, 299, 299), 10)


@pytest.mark.parametrize(("evaluator", "version"), VERSIONS.items())
def test_the_numbers_below_are_those_of_this_version(evaluator: type[Evaluator], version: int) -> None:
    assert evaluator.version == version, "its numbers changed: derive the values below anew"


def cloud(seed: int, n: int = 60, d: int = 5, shift: float = 0.0) -> Tensor:
    return torch.randn(n, d, generator=stream(seed, "cloud"), dtype=torch.float64) + shift


def values(evaluator: Evaluator, fake: Tensor, real: Tensor) -> dict[str, float]:
    found = evaluator(Given(fake, space=FEATURES), Given(real, space=FEATURES), stream(0, "draws"))
    return {name: score.value for name, score in found.items()}


# --- MIND ---


@pytest.mark.golden
def test_mind_is_the_sorted_difference_over_directions() -> None:
    fake, real = cloud(1), cloud(2, shift=0.5)
    directions = torch.randn(1000, 5, generator=stream(0, "draws"), dtype=torch.float64).numpy()
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    gaps = np.sort(fake.numpy() @ directions.T, axis=0) - np.sort(real.numpy() @ directions.T, axis=0)
    assert values(MIND(), fake, real)["mind"] == pytest.approx(3 * 5 * (gaps**2).mean(), rel=1e-12)


@pytest.mark.golden
def test_mind_of_a_shift_is_three_times_its_square() -> None:
    """W_2^2 on a line u is (u.s)^2, whose mean over the sphere is |s|^2 / d; in one dimension it has no error."""
    x = cloud(1, d=1)
    assert values(MIND(projections=3), x, x + 2)["mind"] == pytest.approx(12, rel=1e-12)
    x = cloud(1, d=4)
    found = values(MIND(projections=20_000), x, x + torch.tensor([1.0, 2.0, 0.0, -2.0]))["mind"]
    assert found == pytest.approx(27, rel=4 * math.sqrt(2 * 3 / (6 * 20_000)))  # relative variance 2 (d - 1) / (d + 2)


# --- CMMD, and the kernels of other features ---


@pytest.mark.golden
def test_cmmd_counts_every_pair() -> None:
    fake, real = (30 * cloud(seed, n).float() for seed, n in ((1, 40), (2, 50)))
    a, b, c = (np.exp(-cdist(x, y, "sqeuclidean") / 200).mean() for x, y in ((fake, fake), (real, real), (fake, real)))
    assert values(CMMD(), fake, real)["cmmd"] == pytest.approx(1000 * (a + b - 2 * c), rel=1e-6)
    assert values(CMMD(), fake, fake)["cmmd"] == pytest.approx(0, abs=1e-9)


def test_distances_of_other_features_say_so_and_old_names_stay() -> None:
    fake, real = cloud(1), cloud(2)
    for evaluator, name in ((MMD(), "mmd_squared"), (SlicedWasserstein(), "sliced_wasserstein_2")):
        other: Any = replace(evaluator, features="dinov2")  # type: ignore[type-var]
        assert values(evaluator, fake, real).keys() == {name} and evaluator.notation() == evaluator.kind()
        assert values(other, fake, real) == {f"{name}_dinov2": values(evaluator, fake, real)[name]}


# --- FWD ---


@pytest.mark.golden
@pytest.mark.parametrize("levels", [1, 2])
def test_fwd_by_hadamard_matrices(levels: int, tmp_path: Path) -> None:
    """Haar packets of a row of 2^L pixels are its products with the rows of a Hadamard matrix over the root of 2^L."""
    real = real_side(image_data(100, shape=(1, 8, 8)), tmp_path)
    fake = real.view(image_data(90, shape=(1, 8, 8), seed=1).test.x)
    side = 2**levels
    matrix = hadamard(side) / math.sqrt(side)

    def bands(x: Tensor) -> np.ndarray:
        tiles = x.double().div(255).numpy().reshape(len(x), 8 // side, side, 8 // side, side)
        return np.einsum("nrpcq,ip,jq->ijnrc", tiles, matrix, matrix).reshape(side**2, len(x), -1)

    found = []
    for a, b in zip(bands(fake.x), bands(real.data.test.x), strict=True):
        one, two = (np.cov(x, rowvar=False) for x in (a, b))
        root = sqrtm(one @ two).real
        found.append(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(one + two - 2 * root))
    score = scores_of(FWD(levels=levels), fake)["fwd"]
    assert score.value == pytest.approx(np.mean(found), rel=1e-6) and score.fingerprint["levels"] == str(levels)


def test_fwd_has_as_many_levels_as_the_sides_allow(tmp_path: Path) -> None:
    real = real_side(image_data(20, shape=(1, 12, 8)), tmp_path)
    assert scores_of(FWD(), real.view(real.data.validation.x))["fwd"].fingerprint["levels"] == "2"
    assert "even number" in str(FWD().unsupported(Space((1, 9, 8)), 100, False))


# --- clipped density and coverage ---


def by_definition(fake: np.ndarray, real: np.ndarray, k: int) -> tuple[float, float]:
    """The two metrics before calibration by the expected coverage, from whole matrices of distances."""
    within, across = cdist(real, real), cdist(fake, real)
    order = np.argsort(within, axis=1)[:, 1 : k + 1]
    near = np.take_along_axis(within, order, 1)
    reach = np.minimum(near[:, -1], np.median(near[:, -1]))
    own = np.bincount(order[near <= reach[:, None]], minlength=len(real))
    density = np.minimum((across <= reach).sum(1), k).mean() / np.minimum(own, k).mean()
    return min(density, 1), np.minimum((across < near[:, -1]).sum(0), k).mean() / k


def share_of_good(mean: float, k: int, real: int, generated: int) -> float:
    """The paper's sum over all counts, term by term."""
    expected = [0.0] * k
    for m in range(k, generated + 1):
        j = np.arange(m + 1)
        logs = gammaln(m + 1) - gammaln(j + 1) - gammaln(m - j + 1) + betaln(k + j, real - k + m - j)
        expected.append(float((np.minimum(j, k) * np.exp(logs - betaln(k, real - k))).sum()) / k)
    return float(np.searchsorted(expected, mean)) / len(expected)


@pytest.mark.golden
@pytest.mark.parametrize(("n", "m"), [(60, 61), (80, 50)])
def test_clipped_density_and_coverage_by_definition(n: int, m: int) -> None:
    fake, real = cloud(1, n, shift=0.4), cloud(2, m)
    found = values(ClippedDensityCoverage(k=3), fake, real)
    density, covered = by_definition(fake.numpy(), real.numpy(), 3)
    assert found["clipped_density"] == pytest.approx(density, rel=1e-12)
    assert found["clipped_coverage"] == share_of_good(covered, 3, m, n)


def test_clipped_values_are_the_share_of_good_samples() -> None:
    real, good, bad = cloud(1, 1000), cloud(2, 1000), cloud(3, 1000, shift=50.0)
    for share in (0.25, 0.5, 1.0):
        fake = torch.cat([good[: int(1000 * share)], bad[int(1000 * share) :]])
        found = values(ClippedDensityCoverage(), fake, real)
        assert found["clipped_density"] == pytest.approx(share, abs=0.06)
        assert found["clipped_coverage"] == pytest.approx(share, abs=0.06)
    assert torch.all(expected_coverage(5, 1000, 1000).diff() >= 0)


# --- FLD ---


def splits(train: Tensor, test: Tensor, folder: Path) -> Any:
    return real_side(Data(Space((train.shape[1],)), Split(train), Split(test), Split(test)), folder)


@pytest.mark.golden
def test_widths_are_those_of_the_paper_s_optimiser() -> None:
    """The loss written down over the whole mixture, with torch's derivatives, torch's Adam and the authors' stop."""
    x, centres = cloud(1, 70), cloud(2, 30)
    squares = torch.cdist(x, centres).square()
    widths = ((squares.amin(0) + 1e-3) / 5).log().requires_grad_()
    base = torch.zeros((), dtype=torch.float64, requires_grad=True)
    rule = torch.optim.Adam([widths, base], lr=0.5)
    losses: list[float] = []
    for _ in range(50):
        rule.zero_grad()
        parts = torch.distributions.Independent(
            torch.distributions.Normal(centres, (widths / 2).exp()[:, None].expand(-1, 5)), 1
        ).log_prob(x[:, None])
        near = (0.9 * (x - x.mean(0))).square().sum(1, keepdim=True)
        rest = -0.5 * (near / base.exp() + 5 * base + 5 * math.log(2 * math.pi))
        loss = -torch.cat([parts - math.log(30), rest], 1).logsumexp(1).mean() / 5
        loss.backward()
        rule.step()
        widths.data.clamp_(-40, 20)
        losses.append(loss.item())
        if len(losses) > 6 and np.abs(np.array(losses[-5:]) - losses[-1]).max() < 5e-4:
            break
    assert 7 < len(losses) < 50
    torch.testing.assert_close(fit_widths(centres, x), widths.detach(), rtol=1e-6, atol=1e-6)


def test_fld_is_near_zero_for_real_samples_and_its_gap_tells_copies(tmp_path: Path) -> None:
    train, test, new = (cloud(seed, 400) for seed in (1, 2, 3))
    real = splits(train, test, tmp_path)
    good, copies, far = (scores_of(FLD(features="pixels"), real.view(x)) for x in (new, train, new + 3))
    assert abs(good["fld_pixels"].value) < 10 < far["fld_pixels"].value
    assert good["fld_gap_pixels"].value > -10 and copies["fld_gap_pixels"].value < -100


# --- properties of all of them ---

SETS: list[Evaluator] = [MIND(), CMMD(), ClippedDensityCoverage(k=3), FLD(), LPIPSDiversity()]


@pytest.mark.parametrize("evaluator", SETS, ids=lambda e: e.kind())
def test_the_order_of_rows_does_not_matter(evaluator: Evaluator) -> None:
    fake, real = cloud(1), cloud(2)
    found = values(evaluator, fake, real)
    for name, value in values(evaluator, fake.flip(0), real).items():
        assert value == pytest.approx(found[name], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("evaluator", [MIND(), CMMD()], ids=lambda e: e.kind())
def test_swapped_sides_have_the_same_distance(evaluator: Evaluator) -> None:
    fake, real = cloud(1, 60), cloud(2, 45, shift=0.3)
    assert values(evaluator, fake, real) == pytest.approx(values(evaluator, real, fake), rel=1e-9)


@pytest.mark.parametrize("evaluator", SETS, ids=lambda e: e.kind())
def test_repeated_samples_and_constant_features_have_a_score(evaluator: Evaluator) -> None:
    flat = torch.cat([cloud(1, 30), torch.zeros(30, 3, dtype=torch.float64)], 1)
    for fake, real in ((flat, flat.flip(0)), (flat[:3].repeat(10, 1), flat), (flat, flat[:10].repeat(3, 1))):
        assert all(map(math.isfinite, values(evaluator, fake, real).values()))


def images(*sets: Tensor) -> list[dict[str, float]]:
    """The FWD of each set of images against the first one."""
    data = Data(Space((1, 8, 8)), *(Split(sets[0]) for _ in range(3)))
    real = Bank(Path("no cache is needed")).reference(data)
    return [{name: score.value for name, score in scores_of(FWD(levels=2), real.view(x)).items()} for x in sets]


def test_fwd_has_no_order_no_side_and_takes_repeated_and_plain_images() -> None:
    x, y = (image_data(40, shape=(1, 8, 8), seed=seed).test.x for seed in (1, 2))
    same, found, turned = images(x, y, y.flip(0))
    assert same["fwd"] == pytest.approx(0, abs=1e-9) and found["fwd"] > 0
    assert turned["fwd"] == pytest.approx(found["fwd"], rel=1e-9)
    assert images(y, x)[1]["fwd"] == pytest.approx(found["fwd"], rel=1e-9)
    plain = torch.full_like(x, 9)
    assert all(math.isfinite(values["fwd"]) for values in images(x, y[:1].repeat(40, 1, 1, 1), plain, y[:2]))
    assert images(plain, plain)[1]["fwd"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("evaluator", SETS, ids=lambda e: e.kind())
def test_the_batch_of_the_extractor_does_not_matter(evaluator: Evaluator, tmp_path: Path) -> None:
    extractor = Extractor({"extractor": "waves"}, lambda x: Embedding(torch.sin(x.double().flatten(1))[:, ::7]))
    data, fake = image_data(40, shape=(3, 8, 8)), image_data(40, shape=(3, 8, 8), seed=1).test.x
    found = []
    for batch in (40, 7, 1):
        bank = Bank(tmp_path / str(batch), batch=batch, extractors=dict.fromkeys(evaluator.needs(), extractor))
        found.append({name: s.value for name, s in scores_of(evaluator, bank.reference(data).view(fake)).items()})
    assert found[1] == pytest.approx(found[0], rel=1e-9) and found[2] == pytest.approx(found[0], rel=1e-9)


def test_real_moments_and_baselines_are_kept(tmp_path: Path) -> None:
    real = splits(cloud(1), cloud(2), tmp_path)
    before = scores_of(FLD(features="pixels"), real.view(cloud(3)))
    again = splits(cloud(1), cloud(2), tmp_path)
    assert scores_of(FLD(features="pixels"), again.view(cloud(3))) == before
    assert any(path.name.startswith("fld-") for path in tmp_path.iterdir())
    assert points_data(cloud(1)).space == real.space
