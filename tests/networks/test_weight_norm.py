"""Weight norm: its formula and its first pass in NumPy, and the authors' pair for MNIST."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from ganbench.datasets.base import Space
from ganbench.networks.classifier_mlp import ClassifierMLP
from ganbench.networks.parts.weight_norm import EPS, WeightNorm
from tests.support.transcription import inputs, size

pytestmark = pytest.mark.golden


def layer(train_scale: bool = True, from_data: bool = True) -> WeightNorm:
    torch.manual_seed(0)
    return WeightNorm(nn.Linear(4, 3).double(), train_scale=train_scale, from_data=from_data).double()


def directed(net: WeightNorm, x: np.ndarray) -> np.ndarray:
    """x . w / |w|, with the authors' 1e-6 below the root."""
    w = net.weight.detach().numpy()
    return x @ (w / np.sqrt((w**2).sum(1, keepdims=True) + 1e-6)).T


def test_the_first_pass_normalises_its_batch_and_decides_the_next() -> None:
    net, first, other = layer(), inputs(50, 4), inputs(9, 4) * 2 + 1
    nn.init.zeros_(net.bias)
    out, later = directed(net, first.numpy()), directed(net, other.numpy())
    mean, std = out.mean(0), np.sqrt(out.var(0) + EPS)
    np.testing.assert_allclose(net(first).detach().numpy(), (out - mean) / std, rtol=1e-10, atol=1e-12)
    assert net(first).mean(0).abs().max().item() < 1e-12
    for mode in (net.train(), net.eval()):
        np.testing.assert_allclose(mode(other).detach().numpy(), (later - mean) / std, rtol=1e-10, atol=1e-12)


def test_the_trained_scale_and_offset_are_added_to_those_of_the_data() -> None:
    net, x = layer(), inputs(50, 4)
    net(x)
    scale, offset = net.scale.numpy().copy(), net.offset.numpy().copy()
    assert net.change is not None
    with torch.no_grad():
        net.change.fill_(0.5)
        net.bias.fill_(-2.0)
    expected = directed(net, x.numpy()) * (scale + 0.5) + offset - 2
    np.testing.assert_allclose(net(x).detach().numpy(), expected, rtol=1e-10, atol=1e-12)


def test_without_data_the_scale_is_one() -> None:
    net, x = layer(from_data=False), inputs(6, 4)
    np.testing.assert_allclose(
        net(x).detach().numpy(), directed(net, x.numpy()) + net.bias.detach().numpy(), rtol=1e-10
    )
    assert layer(train_scale=False).change is None


def test_no_gradient_flows_through_what_the_data_decide() -> None:
    """In the first pass scale and offset are constants: the slope of the bias is 1, that of x the scaled direction."""
    net, x = layer(train_scale=False), inputs(5, 4).requires_grad_()
    net(x).sum().backward()
    w = net.weight.detach()
    direction = w / (w.square().sum(1, keepdim=True) + 1e-6).sqrt()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, (net.scale @ direction).expand(5, 4))


def test_parameters_of_the_authors_pair_for_mnist_by_hand() -> None:
    """D: five layers and ten logits, offsets, the last layer's scales. G: offsets of batch norm, no gains."""
    network, space = ClassifierMLP(weight_norm=True, batchnorm="generator"), Space((1, 28, 28), 10)
    widths = (784, 1000, 500, 250, 250, 250, 10)
    d = sum(widths[i] * widths[i + 1] + widths[i + 1] for i in range(6)) + 10
    g = (100 * 500 + 500) + (500 * 500 + 500) + (500 * 784 + 784 + 784)
    assert (g, d) == (694_568, 1_538_770)
    assert (size(network.generator(space)), size(network.discriminator(space))) == (g, d)


def test_the_first_batch_gives_every_layer_of_the_discriminator_unit_variance() -> None:
    network = ClassifierMLP(weight_norm=True, d_widths=(30, 20), pixel_noise=0, unit_noise=0)
    net = network.discriminator(Space((1, 8, 8), 10))
    logits = net.logits(torch.rand(100, 1, 8, 8))
    torch.testing.assert_close(logits.mean(0), torch.zeros(10), rtol=0, atol=1e-4)
    torch.testing.assert_close(logits.var(0, correction=0), torch.ones(10), rtol=0, atol=1e-2)
