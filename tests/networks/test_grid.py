"""The fully connected pairs of EBGAN's grid search: the plain pair's layers, what both share, D's dropout."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganbench.datasets.base import Space
from ganbench.networks.autoencoder_mlp import AutoencoderMLP
from ganbench.networks.grid_mlp import GridMLP
from ganbench.networks.parts.dropout import Dropout, splitmix64
from ganbench.rng import global_stream
from tests.support.transcription import size

pytestmark = pytest.mark.golden

MNIST, TINY = Space((1, 28, 28), 10), Space((1, 2, 3))
Kind = type[AutoencoderMLP] | type[GridMLP]
BOTH: list[Kind] = [AutoencoderMLP, GridMLP]


def linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


@pytest.mark.parametrize("layers", [2, 3, 4, 5])
def test_the_plain_pairs_of_the_grid(layers: int) -> None:
    """nLayer linear layers each, D's last one to the score; batch norm replaces the bias."""
    network = GridMLP(g_layers=layers, d_layers=layers, g_width=400, d_width=128)
    g = linear(100, 400) + (layers - 2) * linear(400, 400) + linear(400, 784)
    d = linear(784, 128) + (layers - 2) * linear(128, 128) + linear(128, 1)
    with torch.device("meta"):
        assert (size(network.generator(MNIST)), size(network.discriminator(MNIST))) == (g, d)
        both = GridMLP(g_layers=layers, d_layers=layers, g_width=400, d_width=128, batchnorm="both")
        sizes = size(both.generator(MNIST)), size(both.discriminator(MNIST))
    assert sizes == (g + (layers - 1) * 400, d + (layers - 1) * 128)


def test_both_pairs_have_the_same_generator() -> None:
    made = []
    for kind in BOTH:
        with global_stream(1, "init", "g"):
            g = kind(z=3, g_layers=3, g_width=4, batchnorm="generator").generator(TINY)
        made.append(g(torch.linspace(-1, 1, 15).reshape(5, 3)))
    assert torch.equal(*made) and made[0].shape == (5, 1, 2, 3)


def test_initial_weights_are_normal_with_the_papers_deviations() -> None:
    g, d = (make(MNIST) for make in (GridMLP(g_width=400).generator, GridMLP().discriminator))
    for net, std in ((g, 0.02), (d, 0.002)):
        weights = torch.cat([layer.weight.flatten() for layer in net.modules() if isinstance(layer, nn.Linear)])
        assert weights.std().item() == pytest.approx(std, rel=0.02)
        assert all(not layer.bias.any() for layer in net.modules() if isinstance(layer, nn.Linear))


# --- dropout ---


def kept(drop: Dropout, like: Tensor) -> Tensor:
    """The mask of the next pass, from the key by the documented rule."""
    words = [number % 2**64 for number in splitmix64(drop.key, like.numel()).tolist()]
    return torch.tensor([(word >> 33) / 2**31 < drop.include for word in words]).reshape(like.shape)


def by_hand(net: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """The last layer's output, and its input before dropout. Every layer but the first drops half of its inputs."""
    linears = [part for part in net.modules() if isinstance(part, nn.Linear)]
    first, *drops = (part for part in net.modules() if isinstance(part, Dropout))
    assert first.include == 1 and {drop.include for drop in drops} == {0.5}
    h = (x.flatten(1) @ linears[0].weight.T + linears[0].bias).relu()
    for drop, layer in zip(drops[:-1], linears[1:-1], strict=True):
        h = ((h * kept(drop, h) / 0.5) @ layer.weight.T + layer.bias).relu()
    last = linears[-1]
    return (h * kept(drops[-1], h) / 0.5) @ last.weight.T + last.bias, h


def test_the_auto_encoder_drops_hidden_units_as_the_transcription_does() -> None:
    """Three layers: two of the encoder, of which the second drops half of its inputs, and the decoder."""
    d = AutoencoderMLP(d_layers=3, d_width=8, d_std=0.7, d_dropout=0.5).discriminator(TINY).double()
    x = torch.rand(5, 1, 2, 3, dtype=torch.float64)
    made, _ = by_hand(d, x)
    torch.testing.assert_close(d.reconstruction(x).flatten(1), made)
    _, code = by_hand(d, x)
    torch.testing.assert_close(d.code(x), code)


def test_the_code_of_a_shallow_auto_encoder_has_no_dropout() -> None:
    d = AutoencoderMLP(d_width=8, d_std=0.7, d_dropout=0.5).discriminator(TINY)
    x = torch.rand(5, 1, 2, 3)
    assert torch.equal(d.code(x), d.code(x)) and not torch.equal(d.reconstruction(x), d.reconstruction(x))


def test_the_plain_discriminator_drops_hidden_units_as_the_transcription_does() -> None:
    d = GridMLP(d_layers=4, d_width=8, d_std=0.7, d_dropout=0.5).discriminator(TINY).double()
    x = torch.rand(5, 1, 2, 3, dtype=torch.float64)
    score, _ = by_hand(d, x)
    torch.testing.assert_close(d(x), score[:, 0])
    _, h = by_hand(d, x)
    torch.testing.assert_close(d.features(x), h)


@pytest.mark.parametrize("kind", BOTH)
def test_a_seed_gives_the_same_weights_with_and_without_dropout(kind: Kind) -> None:
    weights = []
    for dropped in (0.0, 0.5):
        with global_stream(3, "init", "d"):
            d = kind(d_layers=3, d_width=4, batchnorm="both", d_dropout=dropped).discriminator(TINY)
        weights.append(torch.cat([param.flatten() for param in d.parameters()]))
    assert torch.equal(*weights)


@pytest.mark.parametrize("kind", BOTH)
def test_without_dropout_there_is_no_dropout_layer(kind: Kind) -> None:
    d = kind().discriminator(TINY)
    assert not any(isinstance(part, Dropout) for part in d.modules())


@pytest.mark.parametrize("kind", BOTH)
def test_in_evaluation_nothing_is_dropped(kind: Kind) -> None:
    d = kind(d_layers=3, d_width=8, d_dropout=0.5).discriminator(TINY).eval()
    x = torch.rand(5, 1, 2, 3)
    assert torch.equal(d(x), d(x))
