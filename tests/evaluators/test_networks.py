"""Evaluators that read networks: values in closed form."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganbench.errors import RequestError
from ganbench.evaluators.base import DiscriminatorScores, SuccessiveGradients
from ganbench.evaluators.effective_rank import EffectiveRank
from ganbench.evaluators.gradient_cosine import GradientCosine
from ganbench.evaluators.jacobian import Jacobian
from ganbench.evaluators.overfitting import Overfitting
from ganbench.evaluators.parts.networks import NetworkEvaluator
from ganbench.evaluators.spectral_norms import SpectralNorms
from ganbench.rng import stream
from tests.support.evaluation import Given
from tests.support.networks import GivenNetworks, normal, sound_networks

NONE = torch.Generator()


def values(evaluator: NetworkEvaluator, networks: GivenNetworks) -> dict[str, float]:
    return {name: score.value for name, score in evaluator.read(networks, stream(0, "test")).items()}


def networks_of(**parts: Any) -> GivenNetworks:
    return GivenNetworks(**{**vars(sound_networks()), **parts})


# --- the condition of G ---


def test_the_condition_number_is_that_of_the_singular_values() -> None:
    """J = U diag(8, 4, 2) V' has the eigenvalues 64, 16, 4 of J'J: log(64 / 4), and no spread."""
    u, v = (torch.linalg.qr(normal(n, 3, name=str(n))).Q for n in (5, 3))
    found = values(Jacobian(latents=4), networks_of(g=u @ torch.tensor([8.0, 4.0, 2.0]).diag() @ v.T))
    assert found["jacobian_log_condition"] == pytest.approx(math.log(16), abs=1e-5)
    assert found["jacobian_log_condition_sd"] == pytest.approx(0, abs=1e-5)


def test_the_spread_is_over_latents_and_dead_latents_are_left_out() -> None:
    given = torch.stack([torch.diag(torch.tensor([a, 1.0])) for a in (1.0, math.e)] + [torch.zeros(2, 2)])
    found = values(Jacobian(latents=3), networks_of(g=given))
    assert found["jacobian_log_condition"] == pytest.approx(1, abs=1e-6)  # logs 0 and 2
    assert found["jacobian_log_condition_sd"] == pytest.approx(2**0.5, abs=1e-6)
    assert values(Jacobian(), networks_of(g=torch.zeros(2, 2))) == {}


def test_a_singular_jacobian_has_the_largest_condition_that_is_counted() -> None:
    wide = values(Jacobian(), networks_of(g=torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])))
    assert wide["jacobian_log_condition"] == pytest.approx(math.log(4)), "further latents do not count"
    singular = values(Jacobian(), networks_of(g=torch.tensor([[1.0, 0.0], [0.0, 0.0]])))
    assert singular["jacobian_log_condition"] == pytest.approx(-2 * math.log(2.0**-23))


# --- the norms of layers ---


def test_a_player_has_its_largest_norm_and_the_log_of_their_product() -> None:
    found = values(
        SpectralNorms(), networks_of(g=torch.diag(torch.tensor([2.0, 3.0])), d=(torch.eye(2), 4 * torch.eye(3)))
    )
    assert found == {
        "g_spectral_norm": pytest.approx(3), "g_spectral_log_product": pytest.approx(math.log(3)),
        "d_spectral_norm": pytest.approx(4), "d_spectral_log_product": pytest.approx(math.log(4)),
    }  # fmt: skip


# --- D's overfitting ---


def test_the_heuristics_of_ada() -> None:
    """Karras et al. 2020, eq. 1, of means 3, 1 and -1: r_v = (3 - 1) / (3 + 1), r_t = (3 - 1) / 4."""
    judged = DiscriminatorScores(torch.tensor([5.0, 4, 4, -1]), torch.tensor([1.0, 1]), torch.tensor([-2.0, 0]), 0.0)
    assert values(Overfitting(), networks_of(judged=judged)) == {"d_gap": 2.0, "d_r_v": 0.5, "d_r_t": 0.5}
    assert values(Overfitting(), networks_of(judged=judged._replace(boundary=4.5)))["d_r_t"] == -0.5
    assert values(Overfitting(), networks_of(judged=judged._replace(boundary=None))) == {"d_gap": 2.0, "d_r_v": 0.5}
    same = judged._replace(generated=judged.train)
    assert "d_r_v" not in values(Overfitting(), networks_of(judged=same))


# --- gradients ---


def test_the_cosine_is_that_of_the_angle_and_its_mean_is_over_batches() -> None:
    pair = SuccessiveGradients(torch.tensor([3.0, 0]), torch.tensor([[1.0, 3**0.5], [0.0, -2]]))
    still = SuccessiveGradients(torch.zeros(2), torch.ones(2, 2))
    found = values(GradientCosine(), networks_of(pairs={"g": pair, "d": still}))
    assert found == {"g_gradient_cosine": pytest.approx(0.25), "d_gradient_cosine": 0}  # 60 and 90 degrees


# --- the rank of features ---


def rank(x: Tensor) -> float:
    scores = EffectiveRank(features="pixels")(Given(x), Given(x), NONE)
    return scores["effective_rank_pixels"].value


def test_the_effective_rank_of_known_singular_values() -> None:
    """Singular values 3, 1, 1 are the shares 0.6, 0.2, 0.2."""
    u, v = (torch.linalg.qr(normal(n, 3, name=str(n)).double()).Q for n in (9, 4))
    shares = (0.6, 0.2, 0.2)
    entropy = -sum(p * math.log(p) for p in shares)
    assert rank(u @ torch.tensor([3.0, 1, 1]).double().diag() @ v.T) == pytest.approx(math.exp(entropy), rel=1e-9)
    assert rank(torch.eye(5)) == pytest.approx(5)
    assert rank(torch.ones(7, 3)) == pytest.approx(1, abs=1e-6)
    assert EffectiveRank(features="pixels")(Given(torch.zeros(4, 2)), Given(torch.zeros(4, 2)), NONE) == {}


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 12), d=st.integers(1, 300), scale=st.floats(1e-3, 1e3))
def test_the_effective_rank_knows_no_scale_no_order_and_no_rotation(n: int, d: int, scale: float) -> None:
    x = normal(n, d, name=f"{n} {d}").double()
    own, rotation = rank(x), torch.linalg.qr(normal(d, d, name="turn").double()).Q
    assert 1 <= own <= min(n, d) + 1e-9
    assert rank(scale * x.flip(0) @ rotation) == pytest.approx(own, rel=1e-6)


# --- without networks ---


def test_samples_alone_are_refused_with_what_to_do() -> None:
    with pytest.raises(RequestError, match="reads the networks of a run in training") as error:
        Jacobian()(Given(torch.zeros(4, 2)), Given(torch.zeros(4, 2)), NONE)
    assert "evaluate: with" in error.value.todo
