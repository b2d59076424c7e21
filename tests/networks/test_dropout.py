"""Dropout: the published numbers of its generator, the distribution of its masks, and what decides a run's masks."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from ganbench.datasets.base import Space
from ganbench.networks.maxout_mlp import MaxoutMLP
from ganbench.networks.parts.dropout import Dropout, splitmix64
from ganbench.rng import global_stream

pytestmark = pytest.mark.golden

N, FEATURES = 500, 200
SIX_SIGMA = 6 / math.sqrt(N * FEATURES)


def layer(include: float, seed: int = 0) -> Dropout:
    with global_stream(seed, "dropout"):
        return Dropout(include)


def masks(drop: Dropout, times: int) -> Tensor:
    """Which of N x FEATURES ones are kept, (times, N, FEATURES)."""
    return torch.stack([drop(torch.ones(N, FEATURES)) for _ in range(times)]) > 0


def test_numbers_are_those_that_the_generators_authors_publish() -> None:
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431,
                 16408922859458223821]  # fmt: skip
    assert [number % 2**64 for number in splitmix64(torch.tensor(1234567), 5).tolist()] == published


@pytest.mark.parametrize("include", [0.8, 0.5, 0.05])
def test_a_value_is_kept_with_its_probability_and_scaled_so_that_its_mean_stays(include: float) -> None:
    x = torch.full((N, FEATURES), 3.0, dtype=torch.float64)
    made = layer(include)(x)
    kept = made != 0
    assert set(made[kept].tolist()) == {3 / include}
    deviation = math.sqrt(include * (1 - include))
    assert kept.double().mean().item() == pytest.approx(include, abs=SIX_SIGMA * deviation)
    for dim, size in ((0, N), (1, FEATURES)):  # features and samples alike: binomial spreads
        assert kept.double().mean(dim).std().item() == pytest.approx(deviation / math.sqrt(size), rel=0.25)


def independent(a: Tensor, b: Tensor) -> bool:
    """Whether two masks keep the same places as often as independent ones."""
    rates = a.double().mean().item(), b.double().mean().item()
    spread = math.sqrt(math.prod(rate * (1 - rate) for rate in rates) / a.numel())
    return abs((a & b).double().mean().item() - math.prod(rates)) < 6 * spread


def test_masks_of_passes_samples_features_layers_and_seeds_are_independent() -> None:
    own, later, third = masks(layer(0.5), 3)
    assert independent(own, later) and independent(own, third) and independent(later, third)
    assert independent(own[1:], own[:-1]) and independent(own[:, 1:], own[:, :-1])
    assert independent(own, masks(layer(0.5, seed=1), 1)[0])
    with global_stream(0, "dropout"):
        first, second = Dropout(0.5), Dropout(0.5)
    assert independent(masks(first, 1)[0], masks(second, 1)[0])
    assert not independent(own, own)


def test_a_key_alone_repeats_the_passes_after_it() -> None:
    drop = layer(0.5)
    saved = {name: tensor.clone() for name, tensor in drop.state_dict().items()}
    expected = masks(drop, 3)
    other = layer(0.5, seed=1)
    other.load_state_dict(saved)
    assert torch.equal(masks(other, 3), expected)


def test_in_evaluation_nothing_is_dropped_and_the_key_stays() -> None:
    drop = layer(0.5).eval()
    x, key = torch.randn(4, 3), drop.key.clone()
    assert torch.equal(drop(x), x) and drop.key == key


def test_each_run_of_a_pack_has_the_masks_that_it_has_alone() -> None:
    """Values, gradients and the next keys, with a gradient by the input inside the loss."""
    nets = [nn.Sequential(layer(0.5, seed), nn.Linear(40, 1)).double() for seed in (0, 1)]
    x = torch.randn(6, 40, dtype=torch.float64)

    def loss(params: dict[str, Tensor], buffers: dict[str, Tensor]) -> Tensor:
        slope: Tensor = grad(lambda x: functional_call(nets[0], (params, buffers), (x,)).sum())(x)
        return slope.square().sum() + functional_call(nets[0], (params, buffers), (x,)).square().sum()

    alone = [copy.deepcopy(net) for net in nets]
    params, buffers = stack_module_state(nets)
    together = vmap(loss, randomness="error")(params, buffers)
    singly = [loss(dict(net.named_parameters()), dict(net.named_buffers())) for net in alone]
    torch.testing.assert_close(together, torch.stack(singly))
    assert buffers["0.key"].tolist() == [net.get_buffer("0.key").item() for net in alone]
    assert len({*buffers["0.key"].tolist(), *(net.get_buffer("0.key").item() for net in nets)}) == 4


def test_the_maxout_discriminator_drops_pixels_and_units_as_the_paper_does() -> None:
    d = MaxoutMLP(d_widths=(4, 4)).discriminator(Space((1, 28, 28)))
    assert [part.include for part in d.modules() if isinstance(part, Dropout)] == [0.8, 0.5, 0.5]
    plain = MaxoutMLP(d_widths=(4, 4), pixel_include=1.0, unit_include=1.0).discriminator(Space((1, 28, 28)))
    x = torch.rand(5, 1, 28, 28)
    assert not torch.equal(d(x), d(x)) and torch.equal(plain(x), plain(x))


def test_the_maxout_discriminator_is_the_transcription_with_the_layers_masks() -> None:
    """The masks from the keys by the documented rule, the rest by hand: dropout, linear, maxout of 2, twice; linear."""
    d = MaxoutMLP(d_widths=(3, 2), pieces=2, d_bound=0.7).discriminator(Space((1, 2, 3))).double()
    h = x = torch.rand(5, 1, 2, 3, dtype=torch.float64)
    h = h.flatten(1)
    drops = [part for part in d.modules() if isinstance(part, Dropout)]
    linears = [part for part in d.modules() if isinstance(part, nn.Linear)]
    for drop, linear, include in zip(drops, linears, (0.8, 0.5, 0.5), strict=True):
        words = [number % 2**64 for number in splitmix64(drop.key, h.numel()).tolist()]
        kept = torch.tensor([(word >> 33) / 2**31 < include for word in words]).reshape(h.shape)
        h = (h * kept / include) @ linear.weight.T + linear.bias
        h = h if linear is linears[-1] else h.reshape(5, -1, 2).amax(2)
    torch.testing.assert_close(d(x), h[:, 0])


def test_a_seed_gives_the_same_weights_with_and_without_dropout() -> None:
    weights = []
    for include in (0.5, 1.0):
        with global_stream(3, "init", "d"):
            d = MaxoutMLP(d_widths=(4,), unit_include=include).discriminator(Space((1, 2, 3)))
        weights.append(torch.cat([param.flatten() for param in d.parameters()]))
    assert torch.equal(*weights)
