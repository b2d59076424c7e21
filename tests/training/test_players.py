"""A run's networks as pure functions: the program of a module, one evaluation for several losses, labels, draws."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from ganbench.training.packs import over_pack, program, stack, tensors_of
from ganbench.training.players import memoised, with_labels
from ganbench.variants.base import Batch, Params, Player


class Tied(nn.Module):
    """Two layers that share a weight, with a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(3, 3), nn.Linear(3, 3)
        self.two.weight = self.one.weight
        self.register_buffer("offset", torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        return self.two(self.one(x).tanh()) + self.offset

    def features(self, x: Tensor) -> Tensor:
        return self.one(x)


def tensors(module: nn.Module, seed: int) -> Params:
    generator = torch.Generator().manual_seed(seed)
    named = (*module.named_parameters(), *module.named_buffers())
    return {name: torch.randn(tensor.shape, generator=generator) for name, tensor in named}


def test_a_program_is_a_functional_call() -> None:
    module, x = Tied(), torch.randn(5, 3)
    call = program(module)
    for seed in range(3):
        own = tensors(module, seed)
        assert torch.equal(call(own, x), functional_call(module, own, (x,)))
        assert torch.equal(call(own, x, part="features"), nn.functional.linear(x, own["one.weight"], own["one.bias"]))


def test_a_program_under_vmap_is_each_alone() -> None:
    module, x = Tied(), torch.randn(5, 3)
    call, each = program(module), [tensors(module, seed) for seed in range(4)]
    stacked = {name: torch.stack([one[name] for one in each]) for name in each[0]}
    torch.testing.assert_close(vmap(call, (0, None))(stacked, x), torch.stack([call(one, x) for one in each]))


def test_a_program_takes_no_tensor_of_its_own() -> None:
    own = tensors(module := Tied(), 0)
    del own["two.bias"]
    with pytest.raises(KeyError):
        program(module)(own, torch.ones(1, 3))


class Counted:
    """x @ w (or twice that), and how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, params: Params, x: Tensor, part: str = "forward") -> Tensor:
        self.calls += 1
        return x @ params["w"] * (1 if part == "forward" else 2)


def test_a_memoised_network_is_evaluated_once_for_each_input_parameters_and_part() -> None:
    apply = Counted()
    net = memoised(Player(apply, {"w": torch.ones(2, 2)}))
    x = torch.ones(3, 2)
    assert net(x) is net(x) and apply.calls == 1
    assert torch.equal(net.part("code", x), 2 * net(x)) and apply.calls == 2
    assert torch.equal(net(x.clone()), net(x)) and apply.calls == 3
    assert torch.equal(net.at({"w": torch.zeros(2, 2)})(x), torch.zeros(3, 2)) and apply.calls == 4


def test_a_memoised_network_never_takes_a_new_tensor_for_an_old_one() -> None:
    net = memoised(Player(lambda params, x, part="forward": x * params["w"], {"w": torch.ones(1)}))
    for value in range(200):  # tensors that are gone, whose addresses are taken again
        assert net(torch.tensor([float(value)])).item() == value


@pytest.mark.parametrize("runs", [None, 3])
def test_a_memoised_network_has_the_same_gradient_inside_transforms(runs: int | None) -> None:
    """What was evaluated first inside `grad` serves outside of it too."""

    def loss(wrapped: bool, w: Tensor, x: Tensor) -> Tensor:
        plain = Player(lambda params, x, part="forward": (x @ params["w"]).tanh(), {"w": w})
        net = memoised(plain) if wrapped else plain
        inner = grad(lambda scale: (net(x) * scale).square().sum())(torch.ones(2, dtype=torch.float64))
        return inner.sum() + net(x).pow(3).sum()

    w, x = torch.randn(runs or 1, 3, 2, dtype=torch.float64, requires_grad=True), torch.randn(4, 3, dtype=torch.float64)
    found = []
    for wrapped in (False, True):
        values = vmap(lambda w, wrapped=wrapped: loss(wrapped, w, x))(w) if runs else loss(wrapped, w[0], x)
        found.append(torch.autograd.grad(values.sum(), w)[0])
    torch.testing.assert_close(found[1], found[0], rtol=1e-12, atol=1e-12)


def test_labels_follow_every_call() -> None:
    net = Player(lambda params, x, y, part="forward": x + y, {})
    y = torch.arange(3)
    assert torch.equal(with_labels(net, (y,))(torch.ones(3)), 1 + y)
    assert with_labels(net, ()) is net


@pytest.mark.parametrize("runs", [1, 3])
def test_a_tensor_that_two_batches_share_is_one_tensor_inside_a_pack(runs: int) -> None:
    """Else a memoised generator would make the fakes of reused latents twice."""
    z, met = torch.randn(runs, 2), []

    def function(weights: Params, batches: dict[str, Batch]) -> dict[str, dict[str, Tensor]]:
        met.append((batches["d"].z is batches["g"].z, batches["d"].x is batches["g"].x, batches["d"].y))
        return {player: {"sum": (weights["w"] * batch.x * batch.z).sum()} for player, batch in batches.items()}

    batches = {player: Batch(torch.randn(runs, 2), z) for player in ("d", "g")}
    w = torch.randn(runs)
    sums = over_pack(function, runs)({"w": w}, batches)
    assert met == [(True, False, None)]
    for player, batch in batches.items():
        torch.testing.assert_close(sums[player]["sum"], w * (batch.x * z).sum(1))


def test_batches_are_stacked_tensor_by_tensor() -> None:
    """Noise and labelled pairs too; an optional tensor that is absent stays absent."""
    rows = [torch.arange(6.0) + 10 * run for run in range(3)]
    stacked = stack([Batch(r[0], r[1], {"share": r[2]}, step=r[3], labelled=(r[4], r[5])) for r in rows])
    assert [tensor.tolist() for tensor in tensors_of(stacked)] == [[i, i + 10, i + 20] for i in range(6)]
    assert stacked.y is None and stacked.labelled is not None and stacked.noise["share"].tolist() == [2, 12, 22]
