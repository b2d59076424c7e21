"""Virtual batch norm: the anchor, a transcription of its definition, and a generator that has it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ganbench.datasets.base import Space
from ganbench.datasets.digits import Digits
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.parts.normalisation import VirtualBatchNorm
from ganbench.rng import global_stream
from ganbench.testing import check_run, small_run
from tests.support.transcription import arrays, inputs, mixed, relu, size, transposed

pytestmark = pytest.mark.golden

SMALL = DCGAN(width=2, z=4, virtual_norm=3)
SPACE = Space((1, 8, 8))


def test_anchor() -> None:
    """Reference {1, 2, 3} and x = 5: mean (5 + 6) / 4 = 2.75, mean square (25 + 14) / 4 = 9.75, variance 2.1875."""
    made = VirtualBatchNorm(1, reference=3).double()(torch.tensor([[1.0], [2.0], [3.0], [5.0]], dtype=torch.float64))
    assert made[3].item() == pytest.approx(1.521274, abs=5e-7)
    own = np.array([-1, 0, 1]) / np.sqrt(2 / 3 + 1e-5)
    assert made[:3, 0].tolist() == pytest.approx(own.tolist()), "the reference is normalised by its own statistics"


def by_hand(x: np.ndarray, r: int, gain: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """(r + n, c, h, w), sample by sample and channel by channel."""
    made = np.zeros_like(x)
    for i, c in np.ndindex(x.shape[:2]):
        weights = [1.0] * r if i < r else [*[1.0] * r, 1.0]
        members = [*range(r)] if i < r else [*range(r), i]
        mean = np.average([x[j, c].mean() for j in members], weights=weights)
        square = np.average([(x[j, c] ** 2).mean() for j in members], weights=weights)
        made[i, c] = gain[c] * (x[i, c] - mean) / np.sqrt(square - mean**2 + 1e-5) + offset[c]
    return made


def test_maps_transcribed() -> None:
    norm = mixed(VirtualBatchNorm(3, reference=4))
    x = inputs(6, 3, 2, 5)
    expected = by_hand(x.numpy(), 4, *arrays(norm))
    np.testing.assert_allclose(norm(x).detach().numpy(), expected, rtol=1e-10)


def test_a_constant_feature_has_finite_values_and_gradients() -> None:
    x = torch.full((5, 2), 3.0, requires_grad=True)
    made = VirtualBatchNorm(2, reference=4)(x)
    made.sum().backward()
    assert not made.any() and x.grad is not None and x.grad.isfinite().all()


def test_dcgan_transcribed() -> None:
    """Linear to 4 channels of 2x2, norm, ReLU; 2 of 4x4 without bias, norm, ReLU; the image, tanh."""
    g = mixed(SMALL.generator(SPACE))
    z, given = inputs(2, 4), arrays(g)
    x = np.concatenate([g.reference.numpy(), z.numpy()]) @ next(given).T + next(given)
    x = relu(by_hand(x.reshape(5, 4, 2, 2), 3, next(given), next(given)))
    x = transposed(x, next(given), 2)
    x = relu(by_hand(x, 3, next(given), next(given)))
    x = np.tanh(transposed(x, next(given), 2) + next(given))
    np.testing.assert_allclose(g(z).detach().numpy(), x[3:], rtol=1e-10)


def test_it_has_the_parameters_of_batch_norm() -> None:
    with_batch_norm = replace(SMALL, virtual_norm=0, batchnorm="generator").generator(SPACE)
    assert size(SMALL.generator(SPACE)) == size(with_batch_norm)


def built(network: DCGAN, seed: int = 0) -> nn.Module:
    with global_stream(seed, "init", "g"):
        return network.generator(SPACE)


def test_seed_and_prior_decide_the_reference() -> None:
    g, again, other = built(SMALL), built(SMALL), built(SMALL, seed=1)
    reference = g.get_buffer("reference")
    assert reference.shape == (3, 4) and reference.abs().max() <= 1
    assert torch.equal(reference, again.get_buffer("reference"))
    assert not torch.equal(reference, other.get_buffer("reference"))
    normal = built(replace(SMALL, virtual_norm=1000, prior="normal")).get_buffer("reference")
    assert abs(normal.std() - 1) < 0.05 and normal.abs().max() > 2
    plain = dict(built(replace(SMALL, virtual_norm=0, batchnorm="generator")).named_parameters())
    for name, weight in g.named_parameters():
        assert torch.equal(weight, plain[name.removeprefix("net.")]), "weights don't depend on the norm"


def test_no_sample_depends_on_another() -> None:
    """In training too, unlike with batch norm."""
    g, z = mixed(SMALL.generator(SPACE)), inputs(5, 4)
    torch.testing.assert_close(g(z)[:2], g(z[:2]))


def test_runs_train_pack_resume_and_sample() -> None:
    check_run(small_run(network=SMALL, dataset=Digits(), batch=6))


def test_it_replaces_batch_norm() -> None:
    both = replace(SMALL, batchnorm="generator")
    assert "replaces G's batch norm" in (both.conflict(small_run(network=both)) or "")
    judged = replace(SMALL, batchnorm="discriminator")
    assert judged.conflict(small_run(network=judged)) is None
