"""Spectral normalisation against a NumPy transcription of the power iteration, and against the singular values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

from ganbench.datasets.base import Space
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.mlp import MLP
from ganbench.networks.parts.spectral import Spectral, spectral
from ganbench.networks.parts.weights import initialise, normal
from tests.support.transcription import inputs

pytestmark = pytest.mark.golden

LAYERS = {
    "linear": lambda: nn.Linear(7, 5),
    "wide": lambda: nn.Linear(3, 8, bias=False),
    "convolution": lambda: nn.Conv2d(3, 4, 3, padding=1),
    "strided": lambda: nn.Conv2d(2, 6, 5, stride=2, padding=2, bias=False),
}
SHAPES = {"linear": (4, 7), "wide": (4, 3), "convolution": (4, 3, 6, 6), "strided": (4, 2, 6, 6)}
every_layer = pytest.mark.parametrize("kind", LAYERS)


@pytest.fixture
def layer(kind):
    torch.manual_seed(0)
    return Spectral(LAYERS[kind]()).double()


def matrix(layer):
    weight = layer.layer.weight.detach().numpy()
    return weight.reshape(len(weight), -1)


def iterated(w, u):
    """One step of the power iteration: v = W^T u, u = W v, each of length 1."""
    v = w.T @ u / np.linalg.norm(w.T @ u)
    return w @ v / np.linalg.norm(w @ v), v


def plain(layer, x, weight):
    """The layer's own operation with another weight."""
    return functional_call(layer.layer, {"weight": torch.as_tensor(weight).reshape(layer.layer.weight.shape)}, (x,))


@every_layer
def test_a_pass_takes_one_step_of_the_power_iteration(layer, kind):
    x, w = inputs(*SHAPES[kind]), matrix(layer)
    for _ in range(3):
        u, v = iterated(w, layer.u.numpy())
        torch.testing.assert_close(layer(x), plain(layer, x, w / (u @ w @ v)))
        np.testing.assert_allclose(layer.u.numpy(), u, rtol=1e-12)


@every_layer
def test_in_evaluation_the_step_is_taken_and_not_stored(layer, kind):
    x, w, before = inputs(*SHAPES[kind]), matrix(layer), layer.u.clone()
    u, v = iterated(w, before.numpy())
    torch.testing.assert_close(layer.eval()(x), plain(layer, x, w / (u @ w @ v)))
    assert torch.equal(layer.u, before)


@every_layer
def test_sigma_converges_to_the_largest_singular_value(layer, kind):
    x = inputs(*SHAPES[kind])
    for _ in range(500):
        layer(x)
    largest = torch.linalg.svdvals(torch.tensor(matrix(layer)))[0]
    torch.testing.assert_close(layer(x), plain(layer, x, matrix(layer) / largest.item()), rtol=1e-9, atol=1e-9)


@every_layer
def test_the_gradient_goes_through_sigma_at_fixed_vectors(layer, kind):
    """d/dW of sum(c * W / sigma) is (c - (sum(c * W) / sigma) u v^T) / sigma: eq. 11 of the paper."""
    w, (u, v) = matrix(layer), iterated(matrix(layer), layer.u.numpy())
    sigma = u @ w @ v
    x = inputs(*SHAPES[kind])
    layer(x).square().sum().backward()
    free = torch.tensor(w / sigma, requires_grad=True)
    plain(layer, x, free).square().sum().backward()
    c = free.grad.numpy()
    expected = (c - np.sum(c * w) / sigma * np.outer(u, v)) / sigma
    np.testing.assert_allclose(layer.layer.weight.grad.numpy().reshape(w.shape), expected, rtol=1e-8, atol=1e-10)


@every_layer
def test_torchs_own_agrees_once_converged(layer, kind):
    theirs = nn.utils.parametrizations.spectral_norm(LAYERS[kind]().double(), n_power_iterations=500)
    theirs.parametrizations.weight.original.data.copy_(layer.layer.weight)
    if layer.layer.bias is not None:
        theirs.bias.data.copy_(layer.layer.bias)
    x = inputs(*SHAPES[kind])
    for _ in range(500):
        layer(x)
    torch.testing.assert_close(layer(x), theirs(x), rtol=1e-8, atol=1e-8)


@every_layer
def test_the_buffer_moves_within_transforms_as_it_does_alone(layer, kind):
    """In a gradient penalty and in an unrolled update, for two runs at once."""
    torch.manual_seed(1)
    runs = [layer, Spectral(LAYERS[kind]()).double()]
    x = inputs(*SHAPES[kind])
    expected = []
    for run in runs:
        u = run.u.numpy()
        for _ in range(2):
            u, _ = iterated(matrix(run), u)
        expected.append(u)
    params, buffers = stack_module_state(runs)

    def loss(params, buffers):
        slope = grad(lambda x: functional_call(layer, (params, buffers), (x,)).sum())(x)
        weights = grad(lambda params: functional_call(layer, (params, buffers), (x,)).sum())(params)
        return slope.square().sum() + sum(weight.square().sum() for weight in weights.values())

    slopes = vmap(grad(loss), randomness="error")(params, buffers)
    assert all(torch.isfinite(slope).all() for slope in slopes.values())
    assert slopes["layer.weight"].abs().sum() > 0
    np.testing.assert_allclose(buffers["u"].numpy(), np.stack(expected), rtol=1e-10)


@pytest.mark.parametrize(("network", "shape", "layers"), [(MLP, (2,), 3), (DCGAN, (3, 16, 16), 3)])
def test_every_layer_of_the_discriminator_has_it_and_the_weights_are_the_same(network, shape, layers):
    nets = []
    for wanted in (False, True):
        torch.manual_seed(0)
        nets.append(network(spectral=wanted).discriminator(Space(shape)))
    plain, normed = nets
    parts = [part for part in normed.modules() if isinstance(part, Spectral)]
    assert len(parts) == layers
    weights = [part.layer.weight for part in parts]
    for own, normed_weight in zip([p for p in plain.parameters() if p.dim() > 1], weights, strict=True):
        assert torch.equal(own, normed_weight)
    assert sum(p.numel() for p in plain.parameters()) == sum(p.numel() for p in normed.parameters())
    torch.manual_seed(0)
    assert not any(isinstance(part, Spectral) for part in network(spectral=True).generator(Space(shape)).modules())


def test_a_network_with_it_is_lipschitz():
    """With every sigma converged and activations of slope 1 at most, no two scores differ by more than their points."""
    torch.manual_seed(0)
    net = MLP(spectral=True, d_widths=(16, 16)).discriminator(Space((2,))).double()
    x, y = inputs(300, 2) * 3, inputs(300, 2).flip(0)
    for _ in range(500):
        net(x)
    with torch.no_grad():
        assert ((net(x) - net(y)).abs() <= (x - y).norm(dim=1) * (1 + 1e-6)).all()
        assert F.l1_loss(net(x), net(y)) > 0.01


def test_the_seed_decides_the_vectors():
    def drawn(seed):
        torch.manual_seed(seed)
        return spectral(initialise(nn.Sequential(nn.Linear(4, 200)), normal(0.02)))[0].u

    first, same, other = drawn(0), drawn(0), drawn(1)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert first.std().item() == pytest.approx(1, rel=0.2)
