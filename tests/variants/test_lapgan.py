"""LAPGAN: its pyramid, its sum of losses over the levels, and its networks, by hand and in NumPy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganbench import testing
from ganbench.datasets.base import Space
from ganbench.networks import lapgan as networks
from ganbench.networks.base import Network
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.mlp import MLP
from ganbench.networks.parts.dropout import Dropout
from ganbench.networks.parts.laplacian import PyramidGenerator, doubled, flat, pyramid, sides
from ganbench.suite.rules import conflict
from ganbench.training.inputs import latents
from ganbench.variants.base import Batch, Player, Players
from ganbench.variants.lapgan import LAPGAN
from tests.support.scores import vector
from tests.support.transcription import channels, convolved, inputs, mixed, relu, size

pytestmark = pytest.mark.golden


def test_halving_is_the_mean_of_four_and_doubling_is_bilinear() -> None:
    x = inputs(2, 3, 6, 6)
    blocks = x.numpy().reshape(2, 3, 3, 2, 3, 2).mean((3, 5))
    np.testing.assert_allclose(pyramid(x, 2)[1].numpy(), blocks, rtol=1e-12)
    torch.testing.assert_close(doubled(x), F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False))
    row = doubled(vector([0.0, 4.0]).reshape(1, 1, 1, 2).expand(1, 1, 2, 2))[0, 0, 0]
    assert row.tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize(
    ("side", "coarsest", "expected"),
    [(8, 8, (8, 4)), (8, 2, (8, 4, 2)), (16, 8, (16, 8)), (28, 8, (28, 14, 7)), (32, 8, (32, 16, 8)), (30, 8, ()),
     (7, 8, ()), (2, 8, (2, 1)), (1, 8, ())],
)  # fmt: skip
def test_sides(side: int, coarsest: int, expected: tuple[int, ...]) -> None:
    assert sides(Space((3, side, side)), coarsest) == expected
    said = networks.LAPGANPyramid(coarsest=coarsest, d_padding=2).unsupported(Space((3, side, side)))
    assert (said is None) == bool(expected)


class Constant(nn.Module):
    """The same images whatever the input."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.images = images

    def forward(self, x: Tensor) -> Tensor:
        return self.images


@pytest.mark.parametrize("levels", [2, 3])
def test_true_details_restore_the_image(levels: int) -> None:
    """Decomposed into details and the coarsest image, and made again from coarse to fine, it is the same image."""
    x = inputs(3, 2, 8, 8).clamp(-1, 1)
    images = pyramid(x, levels)
    details = [fine - doubled(coarse) for fine, coarse in pairwise(images)]
    shape = [image.shape[-1] for image in images]
    g = PyramidGenerator(5, Constant(images[-1]), [Constant(detail) for detail in details], shape)
    z = torch.zeros(3, 5 + sum(s * s for s in shape[:-1]), dtype=torch.float64)
    torch.testing.assert_close(g(z), x, rtol=0, atol=1e-15)
    torch.testing.assert_close(g.pyramid(z, x), flat(images), rtol=0, atol=1e-15)


def small(**options: object) -> networks.LAPGANPyramid:
    sizes = {"z": 3, "width": 2, "g_units": 5, "d_units": 4, "coarsest": 4, "d_padding": 2}
    return networks.LAPGANPyramid(**{**sizes, **options})  # type: ignore[arg-type]


def blocks(x: np.ndarray) -> np.ndarray:
    n, c, s, _ = x.shape
    return x.reshape(n, c, s // 2, 2, s // 2, 2).mean((3, 5))


def smooth(x: np.ndarray) -> np.ndarray:
    """Doubled, bilinear, by the matrix of one axis."""
    s = x.shape[2]
    matrix = np.zeros((2 * s, s))
    for i in range(2 * s):
        at = np.clip((i + 0.5) / 2 - 0.5, 0, s - 1)
        low = int(at)
        matrix[i, low] += 1 - (at - low)
        matrix[i, min(low + 1, s - 1)] += at - low
    return matrix @ x @ matrix.T


def detail(weights: list[np.ndarray], low: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """Kernels 7x7, 7x7, 5x5, the first two with ReLU, of the doubled image and a plane of latents."""
    x = np.concatenate([low, plane.reshape(len(low), 1, *low.shape[2:])], 1)
    for weight, bias, before in zip(weights[::2], weights[1::2], (3, 3, 2), strict=True):
        x = convolved(x, weight, before, stride=1) + channels(bias)
        x = relu(x) if before == 3 else x
    return low + x


def dense(weights: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = relu(x @ weight.T + bias)
    return x @ weights[-2].T + weights[-1]


def judge(weights: list[np.ndarray], x: np.ndarray, padding: int = 2) -> np.ndarray:
    """5x5, 5x5 of stride 2, each with ReLU, and a linear layer."""
    x = relu(windowed(x, weights[0], padding, 1) + channels(weights[1]))
    x = relu(windowed(x, weights[2], padding, 2) + channels(weights[3]))
    return x.reshape(len(x), -1) @ weights[4].T + weights[5]


def windowed(x: np.ndarray, weight: np.ndarray, padding: int, stride: int) -> np.ndarray:
    """Every window of the padded image that fits, times the kernel."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], (2, 3))[:, :, ::stride, ::stride]
    return np.einsum("nchwij,ocij->nohw", windows, weight)


def base_of_g(weights: list[np.ndarray], z: np.ndarray) -> np.ndarray:
    """ReLU, then sigmoid units, then a linear layer without tanh."""
    units = 1 / (1 + np.exp(-(relu(z @ weights[0].T + weights[1]) @ weights[2].T + weights[3])))
    return units @ weights[4].T + weights[5]


def test_the_losses_are_sums_over_the_levels() -> None:
    """16 -> 8 -> 4: each level's fake is made given the real coarser image; D's and G's losses level by level.

    Of five images D sees three as they are and two fakes, in one mean over all; G makes five fakes.
    """
    space, n = Space((1, 16, 16)), 5
    g, d = mixed(small().generator(space)), mixed(small(include=1.0).discriminator(space))
    x, z = inputs(n, 1, 16, 16), inputs(n, 3 + 64 + 256) / 2
    own = {net: [p.detach().numpy() / 4 for p in net.parameters()] for net in (g, d)}
    with torch.no_grad():
        for net in (g, d):
            for param in net.parameters():
                param.div_(4)
    base, finer = own[g][:6], [own[g][6:12], own[g][12:18]]
    real = [x.numpy(), blocks(x.numpy()), blocks(blocks(x.numpy()))]
    planes = [z[:, 67:].numpy(), z[:, 3:67].numpy()]
    fake = [detail(finer[i], smooth(real[i + 1]), planes[i]) for i in range(2)]
    fake.append(base_of_g(base, z[:, :3].numpy()).reshape(n, 1, 4, 4))

    def scores(images: list[np.ndarray]) -> list[np.ndarray]:
        found = [judge(own[d][6 * i : 6 * i + 6], images[i])[:, 0] for i in range(2)]
        return [*found, dense(own[d][12:], images[2].reshape(n, -1))[:, 0]]

    def cost(score: np.ndarray) -> float:
        return float(np.log1p(np.exp(score)).sum() / n)

    net, batch = Players(player(g), player(d)), Batch(x, z)
    terms = LAPGAN().d_loss(net, batch)
    expected = {f"real{i}": cost(-s[:3]) for i, s in enumerate(scores(real))}
    expected |= {f"fake{i}": cost(s[3:]) for i, s in enumerate(scores(fake))}
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-9)
    made = {name: term.item() for name, term in LAPGAN().g_loss(net, batch).items()}
    assert made == pytest.approx({f"fake{i}": cost(-s) for i, s in enumerate(scores(fake))}, rel=1e-9)
    image = real[2] * 0 + fake[2]
    for i in (1, 0):
        image = detail(finer[i], smooth(image), planes[i])
    np.testing.assert_allclose(g(z).detach().numpy(), image.clip(-1, 1), rtol=1e-9, atol=1e-12)
    score = d(x).detach().numpy()
    np.testing.assert_allclose(score, np.mean(scores(real), 0), rtol=1e-9)


def player(net: nn.Module) -> Player:
    """A module as it stands."""
    return Player(lambda params, *given, part="forward": getattr(net, part)(*given), {})


def test_the_authors_batch_is_one_cross_entropy_of_128() -> None:
    """128 = 64 real and 64 fake: the mean over all is half of the sum of the two means."""
    g, d = small().generator(Space((1, 16, 16))), small(include=1.0).discriminator(Space((1, 16, 16)))
    x, z = inputs(128, 1, 16, 16).float(), inputs(128, 323).float()
    terms = LAPGAN().d_loss(Players(player(g), player(d)), Batch(x, z))
    assert LAPGAN.version == networks.LAPGANPyramid.version == 2, "their numbers changed: derive the values anew"
    real, fake = d.levels(d.pyramid(x[:64])), d.levels(g.pyramid(z[64:], x[64:]))
    scores, targets = torch.cat([real, fake]), torch.cat([torch.ones(64, 3), torch.zeros(64, 3)])
    joined = 3 * F.binary_cross_entropy(scores.sigmoid(), targets)
    torch.testing.assert_close(torch.stack(list(terms.values())).sum(), joined, rtol=1e-5, atol=0)


def test_the_finer_discriminator_has_no_padding() -> None:
    """16 -> 12 -> 4: the kernels stay within the image."""
    net = mixed(small(coarsest=8, include=1.0, d_padding=0).discriminator(Space((1, 16, 16))))
    own, x = [p.detach().numpy() for p in net.judges[0].parameters()], inputs(2, 1, 16, 16)
    np.testing.assert_allclose(net.judges[0](x).detach().numpy(), judge(own, x.numpy(), 0)[:, 0], rtol=1e-9)
    assert own[4].shape == (1, 2 * 4 * 4)
    said = networks.LAPGANPyramid().unsupported(Space((1, 8, 8)))
    assert said is not None and "8x8: set its d_padding to 2" in said


def test_parameters_and_dropouts_of_the_authors_networks_by_hand() -> None:
    """32x32x3: 32 -> 16 -> 8, with 2 networks of details and 3 of D, width 64, 8000 and 1600 units."""
    space, net = Space((3, 32, 32)), networks.LAPGANPyramid(g_units=8000, d_units=1600)
    level = (49 * 4 * 64 + 64) + (49 * 64 * 64 + 64) + (25 * 64 * 3 + 3)
    base = (100 * 8000 + 8000) + (8000 * 8000 + 8000) + (8000 * 192 + 192)
    with torch.device("meta"):
        g, d = net.generator(space), net.discriminator(space)
    assert size(g) == 2 * level + base
    seen = (25 * 3 * 64 + 64) + (25 * 64 * 64 + 64)
    assert [size(judge) for judge in d.judges[:2]] == [seen + 12 * 12 * 64 + 1, seen + 4 * 4 * 64 + 1]
    assert size(d.judges[0]) == 116_545, "as the released script prints it"
    assert size(d.judges[2]) == (192 * 1600 + 1600) + (1600 * 1600 + 1600) + (1600 + 1)
    assert [sum(isinstance(part, Dropout) for part in judge) for judge in d.judges] == [1, 1, 2]
    assert net.latent(space) == 100 + 16 * 16 + 32 * 32


def test_the_coarsest_level_has_the_authors_initial_weights() -> None:
    """N(0, 0.05) in G and N(0, 0.005) in D, biases 0; the finer levels are torch's, with biases."""
    space, net = Space((3, 16, 16)), networks.LAPGANPyramid(g_units=400, d_units=300)
    for module, std in ((net.generator(space).base, 0.05), (net.discriminator(space).judges[-1], 0.005)):
        weights, biases = ([p for p in module.parameters() if (p.dim() > 1) == matrix] for matrix in (True, False))
        assert all(w.std().item() == pytest.approx(std, rel=0.15) for w in weights)
        assert all(b.abs().max().item() == 0 for b in biases)
    first = net.discriminator(space).judges[0][0]
    assert 0.9 / 75**0.5 < first.weight.abs().max().item() <= 1 / 75**0.5 and first.bias.abs().max().item() > 0


@pytest.mark.parametrize("network", [small(), MLP(z=7), DCGAN()], ids=["lapgan", "mlp", "dcgan"])
def test_latents_are_as_many_as_g_takes(network: Network) -> None:
    spec, space = testing.small_run(network=network), Space((1, 8, 8))
    drawn = latents(spec, space, 2, torch.Generator().manual_seed(0))
    assert drawn.shape == (2, 3 + 64 if isinstance(network, networks.LAPGANPyramid) else network.z)
    assert network.generator(space)(drawn).shape == (2, 1, 8, 8)


def test_conflicts() -> None:
    space = Space((1, 8, 8))
    plain = conflict(testing.small_run(variant=LAPGAN(), network=DCGAN()), space)
    assert plain is not None and "needs a network with levels, pyramid" in plain
    packs = conflict(testing.small_run(variant=LAPGAN(), network=small(pac=2)), space)
    assert packs is not None and "set the network's pac to 1" in packs
    assert conflict(testing.small_run(variant=LAPGAN(), network=small()), space) is None
