"""Memorisation: the rank test is that of scipy, copies are distinguished, and cells are weighted as in the paper."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.datasets.base import Data, Space, Split
from ganbench.evaluators.base import Score
from ganbench.evaluators.memorisation import Memorisation, rank_test
from tests.support.evaluation import real_side, scores_of

pytestmark = pytest.mark.golden


@dataclass(frozen=True)
class Scene:
    """A training and a held-out set of points, and what is said of generated ones."""

    train: np.ndarray
    held_out: np.ndarray
    cache: Path

    def scores(self, fake: np.ndarray, **options: int) -> dict[str, Score]:
        train, test = Split(torch.tensor(self.train)), Split(torch.tensor(self.held_out))
        real = real_side(Data(Space((self.train.shape[1],)), train, test, test), self.cache)
        return scores_of(Memorisation(features="pixels", **options), real.view(torch.tensor(fake)))  # type: ignore[arg-type]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    rng = np.random.default_rng(0)
    return Scene(rng.normal(size=(400, 5)), rng.normal(size=(300, 5)), tmp_path)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.lists(st.integers(0, 9), min_size=1, max_size=20))
def test_the_rank_test_is_that_of_scipy(made: list[int], new: list[int]) -> None:
    u = scipy.stats.mannwhitneyu(made, new).statistic
    m, n = len(made), len(new)
    wanted = (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
    assert rank_test(torch.tensor(made), torch.tensor(new)) == pytest.approx(wanted, abs=1e-12)


def test_copies_new_samples_and_far_ones_are_told_apart(scene: Scene) -> None:
    rng = np.random.default_rng(1)
    copies, near = scene.train[:100], scene.train[:100] + 0.01 * rng.normal(size=(100, 5))
    fresh, far = rng.normal(size=(100, 5)), 4 * rng.normal(size=(100, 5))
    found = {name: scene.scores(x) for name, x in (("copy", copies), ("near", near), ("new", fresh), ("far", far))}
    c_t = {name: scores["c_t_pixels"].value for name, scores in found.items()}
    authentic = {name: scores["authenticity_pixels"].value for name, scores in found.items()}
    assert c_t["copy"] < -10 and c_t["near"] < -10 and abs(c_t["new"]) < 3 and c_t["far"] > 10
    assert authentic["copy"] == authentic["near"] == 0 < 0.3 < authentic["new"] < authentic["far"]


def test_c_t_is_the_rank_test_of_distances_and_authenticity_its_definition(scene: Scene) -> None:
    fake = np.random.default_rng(2).normal(size=(60, 5)) * 0.9
    made, new = (np.linalg.norm(x[:, None] - scene.train, axis=2) for x in (fake, scene.held_out))
    among = np.linalg.norm(scene.train[:, None] - scene.train, axis=2) + np.diag(np.full(400, np.inf))
    found = scene.scores(fake)
    wanted = rank_test(torch.tensor(made.min(1)), torch.tensor(new.min(1)))
    assert found["c_t_pixels"].value == pytest.approx(wanted, abs=1e-12)
    assert found["authenticity_pixels"].value == (made.min(1) >= among.min(1)[made.argmin(1)]).mean()


def test_cells_are_weighted_by_held_out_samples_and_left_out_when_nearly_empty(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    left, right = rng.normal(size=(100, 2)), rng.normal(size=(100, 2)) + 50
    scene = Scene(np.concatenate([left, right]), np.concatenate([left[:30] + 0.1, right[:90] + 0.1]), tmp_path)
    copies, good = left[:40], rng.normal(size=(40, 2)) + 50
    alone = [Scene(scene.train, part, tmp_path).scores(fake, least=1)["c_t_pixels"].value
             for part, fake in ((scene.held_out[:30], copies), (scene.held_out[30:], good))]  # fmt: skip
    both = np.concatenate([copies, good])
    wanted = alone[0] * 0.25 + alone[1] * 0.75
    assert scene.scores(both, cells=2)["c_t_pixels"].value == pytest.approx(wanted, rel=1e-9)
    kept = scene.scores(both[10:], cells=2, least=35)["c_t_pixels"].value
    assert kept == pytest.approx(alone[1], rel=1e-9)
    assert "c_t_pixels" not in scene.scores(both, cells=2, least=41)
