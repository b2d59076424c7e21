"""The part `features` of discriminators: the input of their last linear layer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.datasets.base import Space
from ganbench.networks.base import Network
from ganbench.plugins import Registry
from tests.support.small import small

SPACES = [Space((1, 8, 8), 10), Space((1, 28, 28), 10), Space((3, 64, 64), 10), Space((3, 112, 112), 10)]
CASES = [kind for kind in Registry().names("network") if "features" in small(kind).parts]
every = pytest.mark.parametrize("kind", CASES)


def discriminator(network: Network) -> tuple[Any, tuple[Tensor, ...]]:
    """A network's D in float64 on the first space that it serves, and inputs for it."""
    space = next(space for space in SPACES if network.unsupported(space) is None)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((5, *space.shape), generator=generator, dtype=torch.float64)
    given = (x, torch.arange(5)) if network.conditional else (x,)
    return network.discriminator(space).double(), given


def test_the_plain_and_the_conditional_pairs_have_them() -> None:
    assert {"mlp", "dcgan", "lsgan28", "sngan_resnet", "conditional_mlp", "conditional_dcgan"} <= set(CASES)


@pytest.mark.parametrize("kind", [kind for kind in CASES if "logits" not in small(kind).parts])
def test_the_score_is_linear_in_the_features(kind: str) -> None:
    network: Any = small(kind)
    plain = {name: False for name in ("spectral",) if name in vars(network)}
    d, given = discriminator(replace(network, **plain))
    d.eval()  # dropout differs from pass to pass
    features = d.features(*given)
    if hasattr(d, "projection"):  # each class adds a vector of its own to the weights, whose norm is spectral
        vectors = d.projection(torch.eye(d.classes, dtype=torch.float64)[given[1]])
        torch.testing.assert_close(d(*given), d.score(features).squeeze(1) + (vectors * features).sum(1))
        torch.testing.assert_close(d.score(2 * features) - d.score(features), d.score(features) - d.score(0 * features))
        return
    last = [part for part in d.modules() if isinstance(part, nn.Linear)][-1]
    own = last.weight[:, : features.shape[1]]  # in a conditional D there are columns for the label too
    score, label_weight = features @ own.T, last.weight[:, features.shape[1] :]
    score = score + (0 if last.bias is None else last.bias)
    if label_weight.numel():
        code = d.code(torch.eye(d.classes, dtype=torch.float64)[given[1]])
        score = score + code @ label_weight.T
    scale = 5 if kind == "resnet" else 1
    assert features.dim() == 2 and len(features) == 5
    torch.testing.assert_close(d(*given), score.flatten() / scale)


@every
def test_features_in_evaluation_depend_on_one_sample_only(kind: str) -> None:
    """In evaluation no sample of a batch depends on the others, with batch norm too."""
    d, given = discriminator(replace(small(kind), batchnorm="both"))
    together = d.eval().features(*given)
    torch.testing.assert_close(d.features(*(part[:1] for part in given)), together[:1])
