"""The Vendi score, against its definition with the whole kernel matrix."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.evaluators.vendi import effective_number

pytestmark = pytest.mark.golden


def test_it_counts_what_is_different() -> None:
    axes = torch.eye(6)
    assert effective_number(axes) == pytest.approx(6, rel=1e-12)
    assert effective_number(torch.cat([axes[:2], 5 * axes[:2]])) == pytest.approx(2, rel=1e-12)
    assert effective_number(torch.ones(9, 3)) == pytest.approx(1, rel=1e-12)
    # shares of 1/2, 1/4 and 1/4: an entropy of 3/2 log 2; a vector of no length is a kind of its own
    assert effective_number(torch.cat([axes[:1], axes[:1], axes[3:4], 0 * axes[:1]])) == pytest.approx(2 * math.sqrt(2))


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12))
def test_it_equals_the_definition(seed: int, n: int, d: int) -> None:
    x = np.random.default_rng(seed).normal(size=(n, d))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(unit @ unit.T / n).clip(0)
    wanted = math.exp(-sum(v * math.log(v) for v in values if v > 0))
    assert effective_number(torch.tensor(x)) == pytest.approx(wanted, rel=1e-9)
    order = np.random.default_rng(seed).permutation(n)
    assert effective_number(torch.tensor(x[order])) == pytest.approx(wanted, rel=1e-9)
