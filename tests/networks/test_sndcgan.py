"""The pairs of chainer-gan-lib against an independent NumPy transcription, in float64."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from ganbench.datasets.base import Space
from ganbench.networks.parts.normalisation import BatchNorm
from ganbench.networks.sndcgan import SNDCGAN
from ganbench.networks.sndcgan_autoencoder import SNDCGANAutoEncoder
from tests.support.transcription import arrays, channels, convolved, inputs, leaky, mixed, normalised, relu, transposed

pytestmark = pytest.mark.golden

SPACE = Space((3, 8, 8))  # halved to 4 and 2
Array = np.ndarray


def generated(p: Iterator[Array], z: Array, *, norm: bool) -> Array:
    """Linear, 4x4 twice, 3x3; each unit of the linear layer has a batch norm of its own."""
    h = z @ next(p).T
    h = relu(normalised(h, next(p), next(p), (0,)) if norm else h + next(p)).reshape(len(z), 8, 2, 2)
    for _ in range(2):
        h = transposed(h, next(p), 1)
        h = relu(normalised(h, next(p), next(p), (0, 2, 3)) if norm else h + channels(next(p)))
    return np.tanh(transposed(h, next(p), 1, side=8, stride=1) + channels(next(p)))


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("kind", [SNDCGAN, SNDCGANAutoEncoder])
def test_the_generator(kind: type[SNDCGAN] | type[SNDCGANAutoEncoder], norm: bool) -> None:
    assert kind.version == 1, "its numbers changed: derive them anew"
    net = mixed(kind(z=6, width=2, batchnorm="generator" if norm else "none").generator(SPACE))
    z, p = inputs(5, 6), arrays(net)
    np.testing.assert_allclose(net(z).detach().numpy(), generated(p, z.numpy(), norm=norm), rtol=1e-10)
    assert next(p, None) is None


@pytest.mark.parametrize("norm", [False, True])
def test_the_discriminator(norm: bool) -> None:
    """3x3, then 4x4 of stride 2 and 3x3 twice; batch norm without gains after all but the first and the last."""
    net = mixed(SNDCGAN(width=2, batchnorm="discriminator" if norm else "none").discriminator(SPACE))
    x, p = inputs(5, 3, 8, 8), arrays(net)

    def activated(h: Array, *, normed: bool) -> Array:
        if not normed:
            return leaky(h + channels(next(p)))
        offset = next(p)
        return leaky(normalised(h, np.ones_like(offset), offset, (0, 2, 3)))

    h = activated(convolved(x.numpy(), next(p), 1, stride=1), normed=False)
    h = activated(convolved(h, next(p), 1), normed=norm)
    h = activated(convolved(h, next(p), 1, stride=1), normed=norm)
    h = activated(convolved(h, next(p), 1), normed=norm)
    h = activated(convolved(h, next(p), 1, stride=1), normed=False)
    scores = h.reshape(5, -1) @ next(p).T + next(p)
    assert next(p, None) is None
    np.testing.assert_allclose(net(x).detach().numpy(), scores[:, 0], rtol=1e-10)


def test_the_discriminator_of_sn_gan_keeps_the_channels_where_it_halves_the_side() -> None:
    net = mixed(SNDCGAN(width=2, slope=0.1, widen="next").discriminator(SPACE))
    x, p = inputs(5, 3, 8, 8), arrays(net)
    h = x.numpy()
    for stride, outputs in ((1, 2), (2, 2), (1, 4), (2, 4), (1, 8)):
        weight = next(p)
        assert len(weight) == outputs
        h = convolved(h, weight, 1, stride=stride) + channels(next(p))
        h = np.where(h > 0, h, 0.1 * h)
    scores = h.reshape(5, -1) @ next(p).T + next(p)
    assert next(p, None) is None
    np.testing.assert_allclose(net(x).detach().numpy(), scores[:, 0], rtol=1e-10)


def test_the_auto_encoder() -> None:
    """3x3, 4x4 twice, a code; its mirror with tanh at the end."""
    net = mixed(SNDCGANAutoEncoder(width=2, code=4).discriminator(SPACE))
    x, p = inputs(5, 3, 8, 8), arrays(net)
    h = leaky(convolved(x.numpy(), next(p), 1, stride=1) + channels(next(p)))
    for _ in range(2):
        h = leaky(convolved(h, next(p), 1) + channels(next(p)))
    code = leaky(h.reshape(5, -1) @ next(p).T + next(p))
    h = leaky(code @ next(p).T + next(p)).reshape(5, 8, 2, 2)
    for _ in range(2):
        h = leaky(transposed(h, next(p), 1) + channels(next(p)))
    image = np.tanh(transposed(h, next(p), 1, side=8, stride=1) + channels(next(p)))
    assert next(p, None) is None
    np.testing.assert_allclose(net.code(x).detach().numpy(), code, rtol=1e-10)
    np.testing.assert_allclose(net.reconstruction(x).detach().numpy(), image, rtol=1e-10)


def test_initial_weights_are_normal_and_gains_one() -> None:
    torch.manual_seed(0)
    g = SNDCGAN(batchnorm="both").generator(SPACE)
    weights = torch.cat([p.flatten() for p in g.parameters() if p.dim() > 1])
    assert weights.std().item() == pytest.approx(0.02, rel=0.01)
    assert all(norm.weight.eq(1).all() for norm in g.modules() if isinstance(norm, BatchNorm))
