"""MIND, CMMD, FWD, FLD and clipped density as ganbench computes them and as a plain program does."""

from __future__ import annotations

import math

import numpy as np
import torch
from inputs import DIMS, Numbers, Sizes, Work, cloud, data_of, scores
from torch import Tensor

from ganbench.datasets.base import Data, Space, Split
from ganbench.evaluators.clipped_density_coverage import ClippedDensityCoverage
from ganbench.evaluators.cmmd import CMMD
from ganbench.evaluators.fld import FLD
from ganbench.evaluators.fwd import FWD
from ganbench.evaluators.mind import MIND
from ganbench.features.bank import Bank
from ganbench.features.extractor import Embedding, Extractor

# --- MIND and the MMD of CMMD's kernel: 5,000 and 5,000 ---


def distance_sets(sizes: Sizes) -> tuple[Tensor, Tensor]:
    n, d = sizes.rows(5000), sizes.dims(DIMS)
    return cloud(n, d, 1), cloud(n, d, 2)


def distances_ganbench(sizes: Sizes) -> Work:
    fake, test = distance_sets(sizes)
    extractor = Extractor({"extractor": "given"}, lambda x: Embedding(x), stored=False)
    real = Bank(sizes.folder, extractors={"clip_l14_336": extractor}).reference(data_of(test))
    return lambda: scores([MIND(features="pixels"), CMMD()], fake, real)


def distances_numpy(sizes: Sizes) -> Work:
    """The definitions written down: all projections and whole matrices of kernels."""
    fake, real = (x.double().numpy() for x in distance_sets(sizes))

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T
        return float(np.exp(-squares / 200).mean())

    def work() -> Numbers:
        lines = torch.randn(
            1000, fake.shape[1], generator=torch.Generator().manual_seed(0), dtype=torch.float64
        ).numpy()
        lines /= np.linalg.norm(lines, axis=1, keepdims=True)
        gaps = np.sort(fake @ lines.T, axis=0) - np.sort(real @ lines.T, axis=0)
        mmd = kernel(fake, fake) + kernel(real, real) - 2 * kernel(fake, real)
        return {"mind_pixels": float(3 * fake.shape[1] * (gaps**2).mean()), "cmmd": 1000 * mmd}

    return work


# --- FWD: 5,000 and 5,000 images of 32x32x3, two levels ---


def image_sets(sizes: Sizes) -> list[Tensor]:
    generators = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    coarse = (torch.rand(sizes.rows(5000), 3, 8, 8, generator=rng) for rng in generators)
    large = [torch.nn.functional.interpolate(x, size=32, mode="bilinear") for x in coarse]
    noise = (8 * torch.rand(x.shape, generator=rng) for x, rng in zip(large, generators, strict=True))
    return [(255 * x + grain).clamp(0, 255).to(torch.uint8) for x, grain in zip(large, noise, strict=True)]


def fwd_ganbench(sizes: Sizes) -> Work:
    fake, test = image_sets(sizes)
    data = Data(Space((3, 32, 32)), Split(test), Split(test), Split(test))
    real = Bank(sizes.folder).reference(data)
    return lambda: scores([FWD(levels=2)], fake, real)


def fwd_scipy(sizes: Sizes) -> Work:
    """Packets as products with a Hadamard matrix, distances by scipy's matrix square root."""
    from scipy.linalg import hadamard, sqrtm

    sets, matrix = image_sets(sizes), hadamard(4) / 2

    def bands(x: Tensor) -> np.ndarray:
        tiles = x.double().div(255).numpy().reshape(len(x), 3, 8, 4, 8, 4)
        return np.einsum("nkrpcq,ip,jq->ijnkrc", tiles, matrix, matrix).reshape(16, len(x), -1)

    def distance(a: np.ndarray, b: np.ndarray) -> float:
        one, two = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
        return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(one + two - 2 * sqrtm(one @ two).real))

    return lambda: {"fwd": float(np.mean([distance(a, b) for a, b in zip(*map(bands, sets), strict=True)]))}


# --- FLD: 2,000 generated, 2,000 held-out and 4,000 training samples ---


def likelihood_sets(sizes: Sizes) -> tuple[Tensor, Tensor, Tensor]:
    n, d = sizes.rows(2000), sizes.dims(DIMS)
    return cloud(n, d, 1), cloud(n, d, 2), cloud(2 * n, d, 3)


def fld_ganbench(sizes: Sizes) -> Work:
    fake, test, train = likelihood_sets(sizes)
    data = Data(Space((test.shape[1],)), Split(train), Split(test), Split(test))
    real = Bank(sizes.folder).reference(data)
    return lambda: scores([FLD(features="pixels")], fake, real)


def fld_torch(sizes: Sizes) -> Work:
    """The likelihood written down: torch's derivatives and torch's Adam over whole matrices of distances."""
    sets = [x.double() for x in likelihood_sets(sizes)]
    d = sets[0].shape[1]

    def logs(squares: Tensor, widths: Tensor) -> Tensor:
        return -squares / widths.exp() / 2 - d / 2 * (widths + math.log(2 * math.pi))

    def fit(centres: Tensor, x: Tensor) -> Tensor:
        squares, near = torch.cdist(x, centres) ** 2, (0.9 * (x - x.mean(0))).square().sum(1, keepdim=True)
        widths = ((squares.amin(0) + 1e-3) / d).log().requires_grad_()
        base, losses = torch.zeros(1, dtype=torch.float64, requires_grad=True), list[float]()
        rule = torch.optim.Adam([widths, base], lr=0.5)
        while len(losses) < 50 and (len(losses) < 7 or max(abs(losses[-1] - loss) for loss in losses[-5:]) >= 5e-4):
            rule.zero_grad()
            parts = torch.cat([logs(squares, widths) - math.log(len(centres)), logs(near, base)], 1)
            loss = -parts.logsumexp(1).mean() / d
            loss.backward()
            rule.step()
            losses.append(loss.item())
        return widths.detach()

    def cost(x: Tensor, centres: Tensor, widths: Tensor) -> float:
        found = logs(torch.cdist(x, centres) ** 2, widths).logsumexp(1) - math.log(len(centres))
        return -100 * found.mean().item() / d

    def work() -> Numbers:
        fake, test, train = ((x - sets[1].mean(0)) / sets[1].std(0) for x in sets)
        mixed = train[torch.randperm(len(train), generator=torch.Generator().manual_seed(0))]
        half = min(len(fake), len(train) // 2)
        widths, of_real = fit(fake, train), fit(mixed[:half], mixed[half:])
        new = cost(test, fake, widths)
        return {
            "fld_pixels": new - cost(test, mixed[:half], of_real),
            "fld_gap_pixels": cost(train, fake, widths) - new,
        }

    return work


# --- clipped density: 10,000 and 10,000 ---


def clipped_sets(sizes: Sizes) -> tuple[Tensor, Tensor]:
    n, d = sizes.rows(10_000), sizes.dims(DIMS)
    return cloud(n, d, 1), cloud(n, d, 2)


def clipped_ganbench(sizes: Sizes) -> Work:
    fake, test = clipped_sets(sizes)
    real = Bank(sizes.folder).reference(data_of(test))
    return lambda: scores([ClippedDensityCoverage(features="pixels")], fake, real)


def clipped_numpy(sizes: Sizes) -> Work:
    """The definition written down: whole matrices of distances."""
    fake, real = (x.double().numpy() for x in clipped_sets(sizes))

    def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T
        return np.sqrt(np.maximum(squares, 0))

    def density(across: np.ndarray, radii: np.ndarray) -> float:
        return float(np.minimum((across <= radii).sum(1) / 5, 1).mean())

    def work() -> Numbers:
        within = distances(real, real)
        np.fill_diagonal(within, np.inf)
        radii = np.partition(within, 4, axis=1)[:, 4]
        radii = np.minimum(radii, np.median(radii))
        return {"clipped_density_pixels": density(distances(fake, real), radii) / density(within, radii)}

    return work
