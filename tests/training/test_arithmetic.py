"""Training in bfloat16 and with channels last: what is computed, in packs and alone, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import grad, vmap

from ganbench import testing
from ganbench.datasets.digits import Digits
from ganbench.networks.dcgan import DCGAN
from ganbench.spec import Arithmetic, ExtendedRunSpec, RunSpec, run_spec
from ganbench.testing.claim import same
from ganbench.training.arithmetic import BFloat16Products
from ganbench.training.snapshot import RunSnapshot
from ganbench.training.state import Place
from ganbench.training.trainer import train
from ganbench.variants.wgan_gp import WGANGP
from tests.support.noise import Noise

BF16 = Arithmetic(precision="bf16")
LAST = Arithmetic(memory_format="channels_last")
DCGAN4 = DCGAN(z=4, width=4)


def run(arithmetic: Arithmetic, **parts: Any) -> RunSpec:
    """A short run of a DCGAN on digits."""
    plain = testing.small_run(dataset=Digits(), network=DCGAN4, **parts)
    return run_spec(arithmetic=arithmetic, **vars(plain))


def end(*specs: RunSpec, place: Place | None = None) -> tuple[RunSnapshot, ...]:
    (snapshot,) = train(specs, specs[0].dataset.load(None), (specs[0].steps,), place)
    return snapshot.runs


def gap(one: RunSnapshot, other: RunSnapshot) -> float:
    """The largest difference of G's weights, of which the largest is about 0.1."""
    pairs = zip(one.generator().values(), other.generator().values(), strict=True)
    return max(float((a - b).abs().max()) for a, b in pairs)


def rounded(x: Tensor) -> Tensor:
    return x.to(torch.bfloat16).double()


@pytest.mark.parametrize("transform", ["none", "vmap"])
@pytest.mark.parametrize("product", [F.linear, F.conv2d, torch.matmul], ids=["linear", "conv2d", "matmul"])
def test_products_are_of_rounded_numbers(product: Callable[..., Tensor], transform: str) -> None:
    """Checked in float64; the result is rounded to bfloat16 once more, by one part in 256 at most."""
    shapes = {F.linear: ((3, 5, 8), (3, 4, 8)), F.conv2d: ((3, 5, 2, 6, 6), (3, 4, 2, 3, 3))}
    (a, b) = (torch.randn(shape, generator=torch.Generator().manual_seed(0)) for shape in
              shapes.get(product, ((3, 5, 8), (3, 8, 4))))  # fmt: skip

    def reduced(x: Tensor, y: Tensor) -> Tensor:
        with BFloat16Products():
            return product(x, y)

    made = (
        vmap(reduced)(a, b) if transform == "vmap" else torch.stack([reduced(*one) for one in zip(a, b, strict=True)])
    )
    exact = torch.stack([product(*one) for one in zip(rounded(a), rounded(b), strict=True)])
    unrounded = torch.stack([product(*one) for one in zip(a.double(), b.double(), strict=True)])
    assert made.dtype == torch.float32
    assert torch.allclose(made.double(), exact, rtol=2**-8, atol=1e-5)
    assert not torch.allclose(made.double(), unrounded, rtol=1e-5, atol=1e-6)


def test_a_gradient_of_a_gradient_is_that_of_the_rounded_function() -> None:
    """(w.x)^2 has the gradient 2 w (w.x) in x, whose squared norm has a gradient in w."""
    w, x = torch.tensor([1.0, 2.0, -0.5]), torch.tensor([0.5, 1.0, 4.0])  # exact in bfloat16

    def norm(w: Tensor) -> Tensor:
        def f(x: Tensor) -> Tensor:
            with BFloat16Products():
                return F.linear(x, w[None]).square().sum()

        return grad(f)(x).square().sum()

    dot, size = float(w @ x), float(w @ w)
    expected = 8 * w * dot**2 + 8 * x * dot * size
    assert torch.allclose(grad(norm)(w), expected, rtol=2**-7)


@pytest.mark.parametrize("parts", [{}, {"variant": WGANGP()}], ids=["ns", "wgan_gp"])
def test_bf16_trains_close_to_float32_and_not_equal(parts: Any) -> None:
    one, other = (end(run(arithmetic, **parts))[0] for arithmetic in (Arithmetic(), BF16))
    assert 0 < gap(one, other) < 0.01
    weights = other.checkpoint()["nets"]["d"]["weights"]
    assert all(tensor.dtype == torch.float32 for tensor in weights.values())


def test_a_bf16_pack_equals_its_runs() -> None:
    """Up to the order of sums: rounding to bfloat16 hides most of it, and shows the rest as one part in 256."""
    spec = run(BF16)
    pack = [spec, replace(spec, seed=1)]
    for alone, in_pack in zip(pack, end(*pack), strict=True):
        assert gap(end(alone)[0], in_pack) < 1e-3


def test_bf16_resumes_exactly() -> None:
    testing.check_resume(run(BF16), Digits().load(None))
    testing.check_resume(run(LAST), Digits().load(None))


def test_channels_last_changes_the_layout_and_hardly_a_number() -> None:
    one, other = (end(run(arithmetic))[0] for arithmetic in (Arithmetic(), LAST))
    assert gap(one, other) < 1e-5
    weights = other.checkpoint()["nets"]["g"]["weights"]
    assert all(tensor.is_contiguous() for tensor in weights.values()), "checkpoints keep the usual layout"


def test_networks_see_channels_last(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def conv2d(x: Tensor, weight: Tensor, *others: Any) -> Tensor:
        seen.append(all(t.is_contiguous(memory_format=torch.channels_last) for t in (x, weight)))
        return torch.conv2d(x, weight, *others)

    monkeypatch.setattr(F, "conv2d", conv2d)
    plain = testing.small_run(dataset=Noise(shape=(3, 16, 16)), network=DCGAN4, steps=1)
    end(run_spec(arithmetic=LAST, **vars(plain)))
    assert seen and all(seen)


def test_places_that_contradict_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the place has torch\.float64"):
        end(run(BF16), place=testing.runs.DOUBLE)
    with pytest.raises(ValueError, match="one at a time"):
        end(run(LAST), run(LAST, seed=1))
    assert not run(LAST).stackable and run(BF16).stackable


def test_the_default_is_the_run_that_it_always_was() -> None:
    plain = testing.small_run()
    assert type(run_spec(arithmetic=Arithmetic(), **vars(plain))) is RunSpec
    assert run_spec(arithmetic=Arithmetic(), **vars(plain)) == plain
    others = [
        run_spec(arithmetic=arithmetic, **vars(plain)) for arithmetic in (BF16, LAST, replace(LAST, precision="bf16"))
    ]
    assert all(type(other) is ExtendedRunSpec for other in others)
    assert len({spec.run_id() for spec in (plain, *others)}) == 4
    assert others[0].canonical() == plain.canonical() | {
        "arithmetic": {"precision": "bf16", "memory_format": "contiguous"}
    }
    assert replace(others[0], seed=3) == run_spec(arithmetic=BF16, **{**vars(plain), "seed": 3})
    assert same(end(plain)[0].generator(), end(run_spec(arithmetic=Arithmetic(), **vars(plain)))[0].generator())
