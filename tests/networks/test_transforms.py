"""Networks under `torch.func` transforms: a pack equals its runs, and gradients pass through gradients."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call, grad, stack_module_state, vmap

from ganbench.datasets.base import Space
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.lsgan28 import LSGAN28
from ganbench.networks.lsgan112 import LSGAN112
from ganbench.networks.maxout_mlp import MaxoutMLP
from ganbench.networks.mlp import MLP
from ganbench.networks.resnet import ResNet
from ganbench.networks.sngan_resnet import SNGANResNet

RING, DIGITS = Space((2,)), Space((1, 8, 8))

PACKED = {
    "mlp": (MLP(z=3, g_widths=(5, 4), d_widths=(4, 3), batchnorm="both"), RING),
    "mlp_maxout": (MLP(z=3, g_widths=(5,), d_widths=(4, 3), d_activation="maxout", g_activation="softplus"), RING),
    "mlp_spectral": (MLP(z=3, g_widths=(5, 4), d_widths=(4, 3), batchnorm="both", spectral=True), RING),
    "dcgan": (DCGAN(z=3, width=2, kernel=4, batchnorm="both"), DIGITS),
    "dcgan_tf_same": (DCGAN(z=3, width=2, kernel=5, padding="tf_same", batchnorm="both"), DIGITS),
    "dcgan_gated": (DCGAN(z=3, width=2, activation="gated", batchnorm="both"), DIGITS),
    "dcgan_layer_norm": (DCGAN(z=3, width=2, layer_norm=True, spectral=True, batchnorm="generator"), DIGITS),
    "maxout_mlp": (MaxoutMLP(z=3, g_widths=(5,), d_widths=(4,), batchnorm="both", g_bound=0.5, d_bound=0.5), DIGITS),
    "lsgan28": (LSGAN28(z=3, width=2, units=4, batchnorm="both"), Space((1, 12, 12))),
    "lsgan112": (LSGAN112(z=3, width=2, batchnorm="both"), Space((1, 16, 16))),
    "sngan_resnet": (SNGANResNet(z=3, g_width=3, d_width=2, batchnorm="both"), DIGITS),
    "resnet": (ResNet(z=3, width=2, blocks=2, batchnorm="generator", layer_norm=True), DIGITS),
}
packed = pytest.mark.parametrize(("network", "space"), PACKED.values(), ids=PACKED)


def pair(network, space, seed=0):
    torch.manual_seed(seed)
    return network.generator(space), network.discriminator(space)


def penalised(g, d):
    """A loss with a gradient penalty on D's input, of one run, as a function of its parameters and buffers."""

    def loss(g_state, d_state, z, x):
        fake = functional_call(g, g_state, (z,))

        def score(sample):
            return functional_call(d, d_state, (sample,))

        slope = grad(lambda sample: score(sample).sum())(x + fake)
        return score(x).mean() - score(fake).mean() + slope.square().sum()

    return loss


@packed
def test_a_pack_equals_its_runs(network, space):
    nets = [[net.double() for net in pair(network, space, seed)] for seed in range(3)]
    z = torch.randn(3, 6, network.z, dtype=torch.float64)
    x = torch.randn(3, 6, *space.shape, dtype=torch.float64)
    stacks = [stack_module_state([pair[i] for pair in nets]) for i in (0, 1)]
    losses = vmap(penalised(*nets[0]))(*stacks, z, x)
    losses.sum().backward()
    for run, (g, d) in enumerate(nets):
        own = [(dict(net.named_parameters()), dict(net.named_buffers())) for net in (g, d)]
        alone = penalised(g, d)(*own, z[run], x[run])
        alone.backward()
        torch.testing.assert_close(losses[run], alone, rtol=1e-9, atol=1e-9)
        for (params, buffers), net in zip(stacks, (g, d), strict=True):
            for name, param in net.named_parameters():
                torch.testing.assert_close(params[name].grad[run], param.grad, rtol=1e-8, atol=1e-9)
            for name, buffer in net.named_buffers():
                torch.testing.assert_close(buffers[name][run], buffer, rtol=1e-9, atol=1e-12)


@packed
def test_an_update_can_be_differentiated_through(network, space):
    """One unrolled discriminator step, as Unrolled GAN takes it, with batch norm in training mode."""
    g, d = pair(network, space)
    (g_params, g_buffers), (d_params, d_buffers) = [stack_module_state([net]) for net in (g, d)]
    z, x = torch.randn(1, 6, network.z), torch.randn(1, 6, *space.shape)

    def loss(d_params, g_params, g_buffers, d_buffers, z, x):
        fake = functional_call(g, (g_params, g_buffers), (z,))
        scores = [functional_call(d, (d_params, d_buffers), (sample,)) for sample in (x, fake)]
        return (scores[0] - 1).square().mean() + scores[1].square().mean()

    def unrolled(g_params, d_params, *rest):
        slopes = grad(loss)(d_params, g_params, *rest)
        moved = {name: param - 0.1 * slopes[name] for name, param in d_params.items()}
        return -loss(moved, g_params, *rest)

    vmap(unrolled)(g_params, d_params, g_buffers, d_buffers, z, x).sum().backward()
    assert all(param.grad is not None and torch.isfinite(param.grad).all() for param in g_params.values())
    means = [buffer for name, buffer in g_buffers.items() if name.endswith("running_mean")]
    assert all((mean != 0).any() for mean in means)
