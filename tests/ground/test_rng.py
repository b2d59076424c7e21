"""Random streams: the seeds of published runs never change."""

from __future__ import annotations

import hashlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganbench.rng import STREAMS, global_stream, seed_of, stream

pytestmark = pytest.mark.golden

NAMES = st.lists(st.text(max_size=6).filter(lambda text: "/" not in text), max_size=3)


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ((0,), 1609362278),
        ((3, "eval", 1000), 1774918394),
        ((0, "init", "g"), 3311370458),
        ((7, "data"), 1973132072),
        ((2**32 - 1, "penalty"), 3422428337),
        ((0, "split"), 1755515551),
    ],
)
def test_seeds_of_names(name: tuple, seed: int) -> None:
    assert seed_of(*name) == seed


def test_the_first_numbers_of_a_stream() -> None:
    assert torch.randint(1000, (5,), generator=stream(3, "latent")).tolist() == [812, 235, 951, 406, 885]


def test_a_seed_is_the_head_of_a_hash() -> None:
    assert seed_of(3, "eval", 1000) == int(hashlib.sha256(b"3/eval/1000").hexdigest()[:8], 16)


def test_streams_of_training_are_named() -> None:
    assert STREAMS == ("data", "latent", "penalty", "augment")


@given(st.integers(0, 2**32 - 1), NAMES, st.integers(0, 2**32 - 1), NAMES)
def test_two_names_have_two_seeds_of_32_bits(one: int, name: list[str], other: int, another: list[str]) -> None:
    seeds = seed_of(one, *name), seed_of(other, *another)
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert (seeds[0] == seeds[1]) == ((one, name) == (other, another))


def test_a_global_stream_leaves_torchs_own_as_it_was() -> None:
    before = torch.random.get_rng_state()
    with global_stream(3, "init", "g"):
        first = torch.rand(4)
    assert torch.equal(torch.random.get_rng_state(), before)
    with pytest.raises(RuntimeError), global_stream(3, "init", "g"):
        assert torch.equal(torch.rand(4), first)
        raise RuntimeError
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.testing.assert_close(first, torch.rand(4, generator=stream(3, "init", "g")), rtol=0, atol=0)
