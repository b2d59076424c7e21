"""ALI and VEEGAN against NumPy transcriptions of their algorithms, and their networks by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ganbench.datasets.base import Space
from ganbench.networks.base import Network
from ganbench.networks.joint_dcgan import JointDCGAN
from ganbench.networks.joint_mlp import JointMLP
from ganbench.networks.mlp import MLP
from ganbench.suite.rules import conflict
from ganbench.testing import small_run
from ganbench.training.draws import noise
from ganbench.variants.ali import ALI
from ganbench.variants.base import Batch, Params, Player, Players, Variant
from ganbench.variants.veegan import VEEGAN
from tests.support.scores import vector
from tests.support.transcription import arrays, inputs, mixed, normalised, relu, size

pytestmark = pytest.mark.golden

AT = {"g": 0.7, "mean": -0.4, "std": 0.2, "x": 1.1, "z": -0.6, "xz": 0.5}


def draws(seed: int) -> Tensor:
    return torch.randn(5, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


X, Z, NOISE = draws(0), draws(1), draws(2)
BATCH = Batch(X, Z, {"encoder": NOISE})


def encode(params: Params, x: Tensor, noise: Tensor | None = None, part: str = "forward") -> Tensor:
    return params["mean"] * x if noise is None else params["mean"] * x + (params["std"] * x).exp() * noise


def judge(params: Params, x: Tensor, z: Tensor, part: str = "forward") -> Tensor:
    assert part == "joint"
    return (params["x"] * x + params["z"] * z + params["xz"] * x * z).sum(1)


def players() -> tuple[Players, Params]:
    """G and E are linear with one weight each, and a pair's score is a bilinear form of it."""
    weights = {name: vector([value]).requires_grad_() for name, value in AT.items()}
    g = Player(lambda params, z: params["g"] * z, {"g": weights["g"]})
    e = Player(encode, {name: weights[name] for name in ("mean", "std")})
    return Players(g, Player(judge, {name: weights[name] for name in ("x", "z", "xz")}), {"e": e}), weights


def sigmoid(t: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-t)))


def np_scores(at: dict[str, float], noise: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """D on (x, E(x)) and on (G(z), z), sample by sample."""
    x, z = X.numpy(), Z.numpy()
    inferred = at["mean"] * x + (0 if noise is None else np.exp(at["std"] * x) * noise)

    def d(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        pairs = zip(x, z, strict=True)
        return np.array([at["x"] * a.sum() + at["z"] * b.sum() + at["xz"] * (a @ b) for a, b in pairs])

    return d(x, inferred), d(at["g"] * z, z)


def np_ali(at: dict[str, float], player: str, deterministic: bool = False) -> dict[str, float]:
    """Algorithm 1, with rho the probability of the encoder."""
    encoder, generator = map(sigmoid, np_scores(at, None if deterministic else NOISE.numpy()))
    if player == "d":
        return {"real": -np.log(encoder).mean(), "fake": -np.log(1 - generator).mean()}
    return {"real": -np.log(1 - encoder).mean(), "fake": -np.log(generator).mean()}


def np_veegan(at: dict[str, float], player: str, weight: float = 1.0, adversarial: bool = False) -> dict[str, float]:
    """Algorithm 1, with sigma(D) the probability of the generator."""
    reconstructor, generator = np_scores(at, None)
    if player == "d":
        return {"real": -np.log(1 - sigmoid(reconstructor)).mean(), "fake": -np.log(sigmoid(generator)).mean()}
    errors = [((z - at["mean"] * at["g"] * z) ** 2).sum() for z in Z.numpy()]
    terms = {"fake": generator.mean(), "latent": weight * float(np.mean(errors))}
    return terms | ({"real": -reconstructor.mean()} if adversarial else {})


Formula = Callable[[dict[str, float], str], dict[str, float]]
CASES: dict[str, tuple[Variant, Formula]] = {
    "ali": (ALI(), lambda at, player: np_ali(at, player)),
    "bigan": (ALI(encoder="deterministic"), lambda at, player: np_ali(at, player, deterministic=True)),
    "veegan": (VEEGAN(), lambda at, player: np_veegan(at, player)),
    "veegan weighted": (VEEGAN(weight=0.3), lambda at, player: np_veegan(at, player, weight=0.3)),
    "veegan adversarial": (
        VEEGAN(adversarial_reconstructor=True),
        lambda at, player: np_veegan(at, player, adversarial=True),
    ),
}
MOVERS = {"d": ("x", "z", "xz"), "g": ("g", "mean", "std")}


@pytest.mark.parametrize("player", ["d", "g"])
@pytest.mark.parametrize("case", CASES)
def test_joint_objectives_version_1(case: str, player: str) -> None:
    """Values by term, and the slope of the sum along every weight that moves."""
    variant, formula = CASES[case]
    net, weights = players()
    terms = {"d": variant.d_loss, "g": variant.g_loss}[player](net, BATCH)
    assert variant.version == 1
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(formula(AT, player), rel=1e-12)
    moving = [weights[name] for name in MOVERS[player]]
    slopes = torch.autograd.grad(torch.stack(list(terms.values())).sum(), moving, materialize_grads=True)
    for name, slope in zip(MOVERS[player], slopes, strict=True):
        ahead, behind = (sum(formula(AT | {name: AT[name] + s}, player).values()) for s in (1e-6, -1e-6))
        assert slope.item() == pytest.approx((ahead - behind) / 2e-6, rel=1e-6, abs=1e-8)


def test_the_reconstructor_learns_from_the_latent_error_alone() -> None:
    """d/dw of |z - w g z|^2 is -2 g (1 - w g) |z|^2; nothing of D reaches it, unless it is asked for."""
    for variant, alone in ((VEEGAN(), True), (VEEGAN(adversarial_reconstructor=True), False)):
        net, weights = players()
        total = torch.stack(list(variant.g_loss(net, BATCH).values())).sum()
        (slope,) = torch.autograd.grad(total, weights["mean"])
        own = -2 * 0.7 * (1 + 0.4 * 0.7) * Z.square().sum(1).mean().item()
        assert (slope.item() == pytest.approx(own, rel=1e-12)) == alone


@pytest.mark.parametrize("variant", [ALI(), VEEGAN()], ids=["ali", "veegan"])
def test_scores_are_of_pairs_and_higher_for_the_real(variant: Variant) -> None:
    """D's loss is the cross-entropy of these scores, whichever label the paper gives the real."""
    net, _ = players()
    real, fake = (scores.detach().numpy() for scores in variant.scores(net, BATCH))
    expected = {"real": np.log1p(np.exp(-real)).mean(), "fake": np.log1p(np.exp(fake)).mean()}
    assert {name: term.item() for name, term in variant.d_loss(net, BATCH).items()} == pytest.approx(expected)


def test_measures() -> None:
    net, _ = players()
    reconstruction = ((X - 0.7 * -0.4 * X) ** 2).mean(1)
    torch.testing.assert_close(ALI().measure(net, BATCH), {"reconstruction_error": reconstruction})
    torch.testing.assert_close(VEEGAN().measure(net, BATCH), {"latent_error": ((Z + 0.4 * 0.7 * Z) ** 2).sum(1)})


@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_the_encoders_noise_is_of_the_latents_law_and_no_latent(prior: str) -> None:
    spec = small_run(variant=ALI(), network=JointMLP(z=40, prior=prior), batch=100)  # type: ignore[arg-type]
    drawn = noise([spec], spec.variant, 100, Space((2,)), [torch.Generator().manual_seed(0)])["encoder"][0]
    assert drawn.shape == (100, 40)
    assert drawn.var().item() == pytest.approx(1 if prior == "normal" else 1 / 3, rel=0.1)
    encoder = ALI(encoder="deterministic")
    assert noise([small_run(variant=encoder)], encoder, 100, Space((2,)), [torch.Generator()]) == {}


# --- networks ---


def linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def test_the_networks_of_alis_grid() -> None:
    """Decoder 2 - 4x400 - 2, encoder 2 - 2x400 - 4, D 4 - 3 x maxout 200x5 - 1; batch norm has an offset and a gain."""
    network, space = JointMLP(), Space((2,))
    g = linear(2, 400) + 3 * linear(400, 400) + linear(400, 2)
    e = linear(2, 400) + linear(400, 400) + linear(400, 4)
    d = linear(4, 1000) + 2 * linear(200, 1000) + linear(200, 1)
    assert [size(net) for net in nets(network, space)] == [g, d, e]
    normed = JointMLP(batchnorm="generator")
    assert [size(net) for net in nets(normed, space)] == [g + 4 * 400, d, e + 2 * 400]


def test_the_encoder_of_alis_experiment_takes_noise_as_input() -> None:
    """MLP 4 -> 400 -> 400 -> 2 of the point and the noise, batch norm before ReLU, a bias at its output only."""
    network = JointMLP(batchnorm="generator", e_noise="input")
    assert size(network.other("e", Space((2,)))) == 4 * 400 + 2 * 400 + 400 * 400 + 2 * 400 + 400 * 2 + 2 == 164_002
    small = replace(network, e_widths=(6, 5))
    e = mixed(small.other("e", Space((2,))))
    x, noise = inputs(7, 4)[:, :2], inputs(7, 4)[:, 2:]
    for given, added in ((noise, noise.numpy()), (None, np.zeros((7, 2)))):
        p, h = arrays(e), np.concatenate([x.numpy(), added], 1)
        for _ in range(2):
            h = relu(normalised(h @ next(p).T, next(p), next(p), 0))
        h = h @ next(p).T + next(p)
        np.testing.assert_allclose(e(x, given).detach().numpy(), h, rtol=1e-9, atol=1e-12)


def test_the_convolutional_networks() -> None:
    """28x28: 25 1 64, 25 64 128 to maps of 7x7; D has 100 - 1024 for z, and 7 7 128 + 1024 - 1024 - 1."""
    network, space = JointDCGAN(), Space((1, 28, 28))
    trunk, flat = 25 * 64 + 64 + 25 * 64 * 128 + 128, 7 * 7 * 128
    g = linear(100, flat) + 25 * 128 * 64 + 64 + 25 * 64 + 1
    d = trunk + linear(100, 1024) + linear(flat + 1024, 1024) + linear(1024, 1)
    assert [size(net) for net in nets(network, space)] == [g, d, trunk + linear(flat, 200)]
    normed = JointDCGAN(batchnorm="both")
    added = [g + 2 * 128 + 64, d + 128 + 2 * 1024, trunk + linear(flat, 200) + 128]
    assert [size(net) for net in nets(normed, space)] == added


def nets(network: Network, space: Space) -> list[torch.nn.Module]:
    return [network.generator(space), network.discriminator(space), network.other("e", space)]


@pytest.mark.parametrize(
    ("network", "space"),
    [
        (JointMLP(z=3, g_widths=(8,), e_widths=(8,), d_widths=(8,)), Space((2,))),
        (JointMLP(z=3, g_widths=(8,), e_widths=(8,), d_widths=(8,)), Space((1, 8, 8))),
        (JointDCGAN(z=3, width=4, units=8), Space((3, 16, 16))),
    ],
    ids=["points", "flat images", "images"],
)
def test_pairs_and_encoders(network: Network, space: Space) -> None:
    """The score hangs on both of a pair; alone, x is judged with the latent 0. Noise spreads what is encoded."""
    _, d, e = (net.double() for net in nets(network, space))
    x = torch.rand(4, *space.shape, dtype=torch.float64)
    z = torch.rand(4, 3, dtype=torch.float64)
    torch.testing.assert_close(d(x), d.joint(x, 0 * z))  # type: ignore[operator]
    scores = [d.joint(*pair) for pair in ((x, z), (x, z + 1), (x + 1, z))]  # type: ignore[operator]
    assert scores[0].shape == (4,) and not any(torch.allclose(scores[0], other, atol=1e-12) for other in scores[1:])
    mean, std = e(x), e(x, torch.ones(4, 3).double()) - e(x)
    torch.testing.assert_close(e(x, z), mean + std * z)
    torch.testing.assert_close(std.log(), e.net(x)[:, 3:])  # type: ignore[operator]
    torch.testing.assert_close(mean, e.net(x)[:, :3])  # type: ignore[operator]


@pytest.mark.parametrize("variant", [ALI(), VEEGAN()], ids=["ali", "veegan"])
def test_objections(variant: Variant) -> None:
    assert conflict(small_run(variant=variant, network=JointMLP()), Space((2,))) is None
    packs = conflict(small_run(variant=variant, network=JointMLP(pac=2)), Space((2,)))
    assert "set pac to 1" in str(packs)
    plain = conflict(small_run(variant=variant, network=MLP()), Space((2,)))
    assert "needs a network with e, joint; mlp has none" in str(plain)
