"""InfoGAN against a NumPy transcription of its equations, and the bound of eq. 5 where it is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ganbench import testing
from ganbench.datasets.base import Space
from ganbench.networks.base import Network
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.memory_mlp import MemoryMLP
from ganbench.networks.mlp import MLP
from ganbench.suite.rules import conflict
from ganbench.testing import small_run
from ganbench.variants.base import Batch, Params, Player, Players
from ganbench.variants.infogan import InfoGAN
from ganbench.variants.parts import codes as latent_codes
from tests.support.scores import SAME, vector

pytestmark = pytest.mark.golden

TWO = InfoGAN(categories=(3, 2), continuous=2, weight=0.7, std=1.5)
Z = torch.randn(6, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
X = torch.randn(6, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def linear(params: Params, x: Tensor, part: str = "forward") -> Tensor:
    """D: scores are sums, features are squares; Q: features times its one weight."""
    if part == "features":
        return params["w"] * x.square()
    return (params["w"] * x).sum(1) if "q" not in params else params["q"] * x


def net(w: float = 0.3, q: float = -0.8, g: float = 0.6) -> tuple[Players, dict[str, Tensor]]:
    """Networks of one weight each: G multiplies what it is fed."""
    weights = {name: vector([value]).requires_grad_() for name, value in (("w", w), ("q", q), ("g", g))}
    fed = Player(lambda params, z: params["g"] * TWO.g_input(z, {}), {"g": weights["g"]})
    d = Player(linear, {"w": weights["w"]})
    return Players(fed, d, {"q": Player(linear, {"q": weights["q"]})}), weights


def np_codes(z: np.ndarray) -> np.ndarray:
    made = z.copy()
    for row in made:
        for first, last in ((0, 3), (3, 5)):
            place = first + row[first:last].argmax()
            row[first:last] = 0
            row[place] = 1
    return made


def np_terms(w: float, q: float, g: float) -> dict[str, float]:
    """The terms that both losses have, sample by sample, and D's and G's own."""
    codes = np_codes(Z.numpy())
    made = g * codes
    predicted = q * w * made**2
    categorical, continuous = 0.0, 0.0
    for code, answer in zip(codes, predicted, strict=True):
        for first, last in ((0, 3), (3, 5)):
            likely = np.exp(answer[first:last]) / np.exp(answer[first:last]).sum()
            categorical += np.log(likely[code[first:last].argmax()]) - np.log(1 / (last - first))
        for c, mean in zip(code[5:7], answer[5:7], strict=True):
            density = np.exp(-((c - mean) ** 2) / (2 * 1.5**2)) / (1.5 * np.sqrt(2 * np.pi))
            continuous += np.log(density) - np.log(np.exp(-(c**2) / 2) / np.sqrt(2 * np.pi))
    real, fake = w * X.numpy().sum(1), w * made.sum(1)
    return {
        "categorical": -0.7 * categorical / len(codes),
        "continuous": -0.7 * continuous / len(codes),
        "real": -np.log(1 / (1 + np.exp(-real))).mean(),
        "fake": -np.log(1 - 1 / (1 + np.exp(-fake))).mean(),
        "fooled": -np.log(1 / (1 + np.exp(-fake))).mean(),
    }


def test_infogan_version_1_values() -> None:
    assert TWO.version == 1
    players, _ = net()
    expected = np_terms(0.3, -0.8, 0.6)
    fooled = expected.pop("fooled")
    d, g = TWO.d_loss(players, Batch(X, Z)), TWO.g_loss(players, Batch(X, Z))
    assert {name: term.item() for name, term in d.items()} == pytest.approx(expected, rel=1e-12)
    information = {name: expected[name] for name in ("categorical", "continuous")}
    assert {name: term.item() for name, term in g.items()} == pytest.approx({"fake": fooled} | information, rel=1e-12)


@pytest.mark.parametrize(
    ("player", "movers", "terms"),
    [
        ("d", "wq", ("real", "fake", "categorical", "continuous")),
        ("g", "gq", ("fooled", "categorical", "continuous")),
    ],
)
def test_infogan_version_1_slopes(player: str, movers: str, terms: tuple[str, ...]) -> None:
    players, weights = net()
    loss = {"d": TWO.d_loss, "g": TWO.g_loss}[player](players, Batch(X, Z))
    slopes = torch.autograd.grad(torch.stack(list(loss.values())).sum(), [weights[name] for name in movers])
    at = {"w": 0.3, "q": -0.8, "g": 0.6}
    for name, slope in zip(movers, slopes, strict=True):
        ahead, behind = (np_terms(**at | {name: at[name] + step}) for step in (1e-6, -1e-6))
        assert slope.item() == pytest.approx(sum(ahead[t] - behind[t] for t in terms) / 2e-6, rel=1e-6)


# --- the bound ---


def codes(categories: tuple[int, ...], continuous: int = 0, n: int = 4000) -> Tensor:
    z = torch.randn(n, sum(categories) + continuous, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return latent_codes.chosen(z, categories)


@pytest.mark.parametrize("categories", [(2,), (10,), (4, 3)])
def test_the_bound_is_the_entropy_for_a_perfect_reader_and_0_for_an_even_one(categories: tuple[int, ...]) -> None:
    given = latent_codes.split(codes(categories), categories, 0)
    entropy = sum(map(math.log, categories))
    perfect = latent_codes.categorical_information(given, latent_codes.split(1e3 * codes(categories), categories, 0))
    even = latent_codes.categorical_information(given, latent_codes.split(0 * codes(categories), categories, 0))
    assert perfect.tolist() == pytest.approx([entropy] * 4000, rel=1e-12)
    assert even.tolist() == pytest.approx([0] * 4000, abs=1e-12)


def test_the_bound_of_a_gaussian_code_is_the_information_of_its_channel() -> None:
    """Given c + noise of variance s, the posterior is N(predicted / (1 + s), s / (1 + s)): I = log(1 + 1 / s) / 2."""
    c = codes((), 1, n=200_000)
    s, noise = 0.5, torch.randn(200_000, 1, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    predicted = (c + math.sqrt(s) * noise) / (1 + s)
    found = latent_codes.continuous_information(
        latent_codes.split(c, (), 1), latent_codes.split(predicted, (), 1), math.sqrt(s / (1 + s))
    )
    assert found.mean().item() == pytest.approx(math.log(1 + 1 / s) / 2, abs=0.01)
    nothing = latent_codes.continuous_information(latent_codes.split(c, (), 1), latent_codes.split(0 * c, (), 1), 1.0)
    assert nothing.abs().max().item() == 0


# --- codes ---


def test_every_category_is_as_likely_and_the_rest_of_a_latent_stays() -> None:
    z = torch.rand(9000, 8, generator=torch.Generator().manual_seed(4), dtype=torch.float64) * 2 - 1
    fed = InfoGAN(categories=(3,), continuous=2).g_input(z, {})
    assert torch.equal(fed[:, 3:], z[:, 3:])
    assert set(fed[:, :3].flatten().tolist()) == {0.0, 1.0} and torch.equal(
        fed[:, :3].sum(1), torch.ones(9000).double()
    )
    assert (fed[:, :3].mean(0) - 1 / 3).abs().max() < 4 * math.sqrt(2 / 9 / 9000)


def test_measures() -> None:
    """The share of codes predicted correctly, and NumPy's correlation, by the mean over samples."""
    given = codes((3, 2), 2, n=50)
    predicted = given * vector([-1.0] * 3 + [1.0] * 3 + [-0.5]) + 0.3 * torch.sin(torch.arange(350).double()).reshape(
        50, 7
    )
    split = [latent_codes.split(x, (3, 2), 2) for x in (given, predicted)]
    right = [
        np.mean([row[a:b].argmax() == one[a:b].argmax() for a, b in ((0, 3), (3, 5))])
        for row, one in zip(given.numpy(), predicted.numpy(), strict=True)
    ]
    np.testing.assert_allclose(latent_codes.accuracy(*split).numpy(), right)
    expected = np.mean([np.corrcoef(given[:, i].numpy(), predicted[:, i].numpy())[0, 1] for i in (5, 6)])
    assert latent_codes.correlation(*split).mean().item() == pytest.approx(expected, rel=1e-12)
    constant = latent_codes.split(0 * predicted, (3, 2), 2)
    assert latent_codes.correlation(split[0], constant).tolist() == [0.0] * 50


def test_what_has_no_codes_of_a_kind_has_no_term_and_no_measure_of_it() -> None:
    players = Players(SAME, Player(linear, {"w": vector([1.0])}), {"q": Player(linear, {"q": vector([1.0])})})
    only = {InfoGAN(categories=()): "q_correlation", InfoGAN(continuous=0, categories=(4,)): "q_accuracy"}
    for variant, measured in only.items():
        term = "continuous" if measured == "q_correlation" else "categorical"
        assert variant.d_loss(players, Batch(X, Z)).keys() == {"real", "fake", term}
        assert variant.g_loss(players, Batch(X, Z)).keys() == {"fake", term}
        assert variant.measure(players, Batch(X, Z)).keys() == {measured}


# --- networks ---


@pytest.mark.parametrize(
    ("network", "space", "features"),
    [
        (MLP(z=20, d_widths=(64, 32)), Space((2,)), 32),
        (MLP(z=20, d_widths=(30,), d_activation="maxout"), Space((1, 8, 8)), 30),
        (MLP(z=20, d_widths=()), Space((1, 8, 8)), 64),
        (DCGAN(z=20, width=8), Space((1, 8, 8)), 16 * 4),
        (DCGAN(z=20, width=8, activation="gated"), Space((3, 64, 64)), 64 * 16),
    ],
)
def test_the_reader_reads_the_features_of_its_discriminator(network: Network, space: Space, features: int) -> None:
    """A hidden layer of 128 and as many outputs as the latent has numbers."""
    q, d = network.other("q", space), network.discriminator(space)
    assert q(d.features(torch.zeros(3, *space.shape))).shape == (3, 20)  # type: ignore[operator]
    assert sum(param.numel() for param in q.parameters()) == features * 128 + 128 + 128 * 20 + 20


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"network": MLP(z=11)}, "its codes need 12 numbers of a latent: set the network's z to at least 12"),
        ({"network": MLP(pac=2)}, "set pac to 1"),
        ({"network": MemoryMLP()}, "needs a network with features, q; memory_mlp has none"),
        ({"variant": InfoGAN(categories=(), continuous=0)}, "it has no code"),
    ],
    ids=["latent", "packs", "no reader", "no code"],
)
def test_conflicts(parts: dict[str, object], reason: str) -> None:
    own = {"variant": InfoGAN(), "network": MLP(z=12)}
    assert conflict(small_run(**own), Space((2,))) is None
    assert reason in str(conflict(small_run(**own | parts), Space((2,))))


def test_a_run_with_batch_norm_resumes() -> None:
    """Features of fakes pass D's batch norm too."""
    network = MLP(z=6, g_widths=(8,), d_widths=(8,), batchnorm="both")
    testing.check_run(small_run(variant=InfoGAN(categories=(2, 2), continuous=1), network=network))
