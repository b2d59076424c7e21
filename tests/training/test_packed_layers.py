"""Layers as matrix products equal torch's own, with their derivatives."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import grad, vmap

from ganbench.networks.parts.normalisation import BatchNorm
from ganbench.training import products
from ganbench.training.packed_layers import MANY, by_products
from ganbench.training.packs import program

Make = Callable[[], nn.Module]

PRODUCTS: dict[str, tuple[Make, tuple[int, ...]]] = {
    "halves 8 to 4": (lambda: nn.Conv2d(1, 3, 4, stride=2, padding=1), (1, 8, 8)),
    "kernel 5, odd side": (lambda: nn.Conv2d(2, 3, 5, stride=2, padding=2, bias=False), (2, 7, 7)),
    "stride 1, not square": (lambda: nn.Conv2d(3, 2, (3, 2), stride=(1, 2), padding=(1, 0)), (3, 4, 6)),
    "a kernel on the padding alone": (lambda: nn.Conv2d(2, 2, 3, stride=2, padding=4), (2, 3, 3)),
    "doubles 2 to 4": (lambda: nn.ConvTranspose2d(3, 2, 4, stride=2, padding=1), (3, 2, 2)),
    "kernel 5 with output padding": (lambda: nn.ConvTranspose2d(3, 1, 5, 2, 2, output_padding=1), (3, 4, 4)),
    "linear": (lambda: nn.Linear(4, 3), (4,)),
    "linear without bias": (lambda: nn.Linear(4, 1, bias=False), (4,)),
    "linear of several dimensions": (lambda: nn.Linear(4, 2), (3, 4)),
    "one row that the padding clips": (lambda: nn.Conv2d(2, 3, 3, padding=1), (2, 1, 5)),
    "rows that no kernel reaches": (lambda: nn.Conv2d(1, 2, 1, stride=3), (1, 8, 8)),
    "kernel 3, to an odd side": (lambda: nn.ConvTranspose2d(2, 2, 3, stride=2, padding=1, bias=False), (2, 4, 4)),
}
LEFT_ALONE: dict[str, tuple[Make, tuple[int, ...]]] = {
    "large": (lambda: nn.Conv2d(1, 2, 4, stride=2, padding=1), (1, 28, 28)),
    "groups": (lambda: nn.Conv2d(2, 2, 3, groups=2), (2, 4, 4)),
    "dilated": (lambda: nn.Conv2d(2, 2, 3, dilation=2), (2, 6, 6)),
    "padded by name": (lambda: nn.Conv2d(2, 2, 3, padding="same"), (2, 4, 4)),
    "padded by reflection": (lambda: nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), (2, 4, 4)),
}
RUNS, BATCH = 3, 5


@pytest.fixture(params=["numpy", "torch"], autouse=True)
def _library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Products by each library."""
    monkeypatch.setattr(products, "kernels", lambda: "SkylakeX" if request.param == "numpy" else None)


Case = tuple[Callable[..., Tensor], dict[str, Tensor], Tensor]


def pair(make: Make, shape: tuple[int, ...]) -> tuple[Case, Callable[..., Tensor]]:
    """Matrix products with the weights (RUNS, ...) and inputs of a pack, and torch's own program of the same layer."""
    torch.manual_seed(0)
    layers = [make().double() for _ in range(RUNS)]
    weights = {
        n: torch.stack([layer.get_parameter(n).detach() for layer in layers]) for n, _ in layers[0].named_parameters()
    }
    x = torch.randn(RUNS, BATCH, *shape, dtype=torch.float64)
    return (program(by_products(make().double())), weights, x), program(layers[0])


def penalty(call: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A loss of one run with the gradient of the layer's output by its input, as gradient penalties have it."""

    def loss(weights: dict[str, Tensor], x: Tensor) -> Tensor:
        score = grad(lambda x: call(weights, x).square().sum())
        return call(weights, x).sin().sum() + score(x).square().sum()

    return loss


@pytest.mark.parametrize("name", [*PRODUCTS, *LEFT_ALONE])
def test_outputs_are_those_of_torch(name: str) -> None:
    (ours, weights, x), theirs = pair(*(PRODUCTS | LEFT_ALONE)[name])
    packed = vmap(ours)(weights, x)
    for run in range(RUNS):
        alone = theirs({n: weight[run] for n, weight in weights.items()}, x[run])
        torch.testing.assert_close(packed[run], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", PRODUCTS)
def test_second_derivatives_are_those_of_torch(name: str) -> None:
    (ours, weights, x), theirs = pair(*PRODUCTS[name])
    leaves = {n: weight.clone().requires_grad_() for n, weight in weights.items()}
    packed = torch.autograd.grad(vmap(penalty(ours))(leaves, x).sum(), list(leaves.values()))
    for run in range(RUNS):
        own = {n: weight[run].clone().requires_grad_() for n, weight in weights.items()}
        alone = torch.autograd.grad(penalty(theirs)(own, x[run]), list(own.values()))
        for ours_of, theirs_of in zip(packed, alone, strict=True):
            torch.testing.assert_close(ours_of[run], theirs_of, rtol=1e-10, atol=1e-10)


def test_a_weight_that_has_changed_has_a_new_matrix() -> None:
    (ours, weights, x), theirs = pair(*PRODUCTS["halves 8 to 4"])
    for scale in (1.0, 2.0):
        scaled = {n: weight * scale for n, weight in weights.items()}
        alone = theirs({n: weight[0] for n, weight in scaled.items()}, x[0])
        torch.testing.assert_close(vmap(ours)(scaled, x)[0], alone, rtol=0, atol=1e-12)


def test_a_layer_with_a_forward_pass_of_its_own_is_left_alone() -> None:
    class Doubled(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    layer = Doubled(1, 2, 3)
    x = torch.randn(2, 1, 4, 4)
    before = layer(x)
    assert torch.equal(by_products(layer)(x), before)


def test_a_run_alone_has_products_for_large_linear_layers_only() -> None:
    net = nn.Sequential(nn.Linear(MANY // 64, 64), nn.Linear(64, 4), nn.Conv1d(1, 1, 3)).double()
    plain = [layer.forward for layer in net]
    by_products(net, alone=True)
    assert [layer.forward == before for layer, before in zip(net, plain, strict=True)] == [False, True, True]
    x = torch.randn(5, MANY // 64, dtype=torch.float64)
    torch.testing.assert_close(net[0](x), plain[0](x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(2, 4, 4), (2, 1, 1)])
def test_batch_norm_of_maps_in_a_pack(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    layers = [BatchNorm(shape[0]).double() for _ in range(RUNS)]
    together = program(by_products(BatchNorm(shape[0]).double()))
    x = torch.randn(RUNS, BATCH, *shape, dtype=torch.float64).requires_grad_()
    tensors = [dict(layer.named_parameters()) | dict(layer.named_buffers()) for layer in layers]
    stacked = {name: torch.stack([own[name].detach().clone() for own in tensors]) for name in tensors[0]}
    packed = vmap(together)(stacked, x)
    (gradient,) = torch.autograd.grad(packed.sin().sum(), x)
    for run, layer in enumerate(layers):
        own = x[run].detach().requires_grad_()
        alone = layer(own)
        torch.testing.assert_close(packed[run], alone, rtol=0, atol=1e-12)
        torch.testing.assert_close(gradient[run], *torch.autograd.grad(alone.sin().sum(), own), rtol=0, atol=1e-12)
        for name, buffer in layer.named_buffers():
            torch.testing.assert_close(stacked[name][run], buffer, rtol=0, atol=1e-12)
