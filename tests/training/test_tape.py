"""The tape: what it repeats is what the function does, and recording changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.func import vmap
from torch.nn import functional

from ganbench.training import tape as taping
from ganbench.training.tape import tape

Step = Callable[[Tensor], object]


def numbers(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def check_repeats(function: Callable[[], Any], *state: Tensor, times: int = 3) -> None:
    """Executing it and repeating its recording leave the same results and the same state, every time."""
    start = [tensor.clone() for tensor in state]
    executed = [[function().clone(), *(tensor.clone() for tensor in state)] for _ in range(times)]
    restore(state, start)
    repeat = tape(function)
    assert all(map(torch.equal, state, start)), "recording changes nothing"
    for expected in executed:
        assert all(map(torch.equal, [repeat(), *state], expected))


def restore(state: tuple[Tensor, ...], values: list[Tensor]) -> None:
    for tensor, value in zip(state, values, strict=True):
        tensor.copy_(value)


IN_PLACE: dict[str, Step] = {
    "whole": lambda x: x.mul_(0.9).add_(1),
    "two rows of one storage": lambda x: (x[0].add_(1), x[1].mul_(2), x[0].sub_(3)),
    "a view that is made before": lambda x: x.t().unsqueeze(0)[0, 1].copy_(x[:, 0]),
    "a result in another shape": lambda x: x.add_((x * 2).t_().t_()),
    "an index": lambda x: x.index_add_(0, torch.argsort(x[:, 0])[:2], x[1:3] * 0.5),
}


@pytest.mark.parametrize("step", IN_PLACE.values(), ids=IN_PLACE)
def test_changes_in_place(step: Step) -> None:
    x = numbers(3, 3)

    def function() -> Tensor:
        step(x)
        return x.sum(0)

    check_repeats(function, x)


def test_several_results_of_an_operation() -> None:
    x = numbers(4, 3)

    def function() -> Tensor:
        x.add_(1)
        values, places = x.sort(0)
        first, second = (values * 2).split(2)
        return first @ second.t() + places[:2, :2] + x.unbind(0)[0].sum()

    check_repeats(function, x)


def test_statistics_of_batch_norm() -> None:
    x, mean, var = numbers(8, 3), torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    check_repeats(lambda: functional.batch_norm(x, mean, var, training=True), mean, var)


def test_derivatives_of_derivatives_over_a_pack() -> None:
    x, w = numbers(3, 4), numbers(3, 4, 4).requires_grad_()

    def slope(x: Tensor, w: Tensor) -> Tensor:
        return torch.tanh(w @ x).square().sum()

    def function() -> Tensor:
        total = vmap(slope)(x, w).sum()
        (first,) = torch.autograd.grad(total, w, create_graph=True)
        (second,) = torch.autograd.grad(first.square().sum(), w)
        w.detach().sub_(second, alpha=0.1)
        return second

    check_repeats(function, x, w.detach())


def test_results_are_new_tensors_every_time() -> None:
    x = numbers(3)
    repeat = tape(lambda: {"same": x, "view": x[:2], "twice": x * 2})
    first, second = repeat(), repeat()
    tensors = [x, *first.values(), *second.values()]
    assert len({tensor.untyped_storage().data_ptr() for tensor in tensors}) == 7
    assert torch.equal(first["view"], x[:2])


SHOWN: dict[str, Callable[[Tensor], Tensor]] = {
    "a chain": lambda y: y.t()[1:].unsqueeze(0).expand(2, 2, 3),
    "another shape in place": lambda y: (shown := y.detach()).sum(0) + shown.t_() + shown.sum(0),
    "the first shape of one that got another in place": lambda y: (y.detach().unsqueeze_(0), y)[1],
    "one that is changed": lambda y: y[0].detach().view(3, 1).mul_(2),
    "one of a sum's shape": lambda y: y.view(9)[::2].as_strided((2,), (3,), 1),
    "other numbers": lambda y: torch.view_as_complex(y[:, :2].contiguous()).conj().imag,
    "the conjugates of results": lambda y: torch.complex(y, y).conj().resolve_conj().imag,
    "choices": lambda y: torch.ops.aten.threshold_backward(y.t(), y, 0).as_strided((9,), (1,))[1:4],
    "choices the other way": lambda y: torch.ops.aten.leaky_relu_backward(y, y.t(), 0.2, False).as_strided((3,), (1,)),
    "nothing": lambda y: y[3:].sum() + y[:, 1:1].t().sum(),
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_views_of_results(show: Callable[[Tensor], Tensor]) -> None:
    x = numbers(3, 3)

    def function() -> Tensor:
        y = x.add_(1) * 2
        return y.sum() + show(y)

    check_repeats(function, x)


ON_ZEROS: dict[str, Callable[[Tensor, Tensor], object]] = {
    "copied onto": lambda zeros, x: zeros[1].copy_(x[0]),
    "copied onto in turns": lambda zeros, x: (zeros.t()[0].copy_(x[0]), zeros[0].copy_(x[1])),
    "read first": lambda zeros, x: (zeros[1].copy_(x[0]), zeros[2].copy_(zeros[1] + zeros[2])),
    "copied onto by itself": lambda zeros, x: (zeros[2].copy_(zeros[1]), zeros[1].copy_(x[0])),
    "added to": lambda zeros, x: zeros[0].add_(x[0]),
    "only read": lambda zeros, x: x.sub_(zeros),
}


@pytest.mark.parametrize("write", ON_ZEROS.values(), ids=ON_ZEROS)
def test_zeros_that_are_written_on(write: Callable[[Tensor, Tensor], object]) -> None:
    x = numbers(3, 3)

    def function() -> Tensor:
        zeros, returned = x.new_zeros(3, 3), torch.zeros_like(x)
        write(zeros, x)
        returned[0].copy_(x[1])
        x.mul_(0.9).add_(zeros.t() @ zeros)
        return returned

    check_repeats(function, x)
    repeat = tape(function)
    assert not torch.equal(repeat(), repeat()), "what was returned is not written on again"


REFUSED: dict[str, Step] = {
    "a value": lambda x: float(x[0]),
    "a condition": lambda x: x[0] if x[0] > 0 else x[1],
    "a tensor of Python's numbers": lambda x: x + torch.tensor(1.0),
    "an array": lambda x: x + torch.from_numpy(x.numpy() + 1),
    "a mask": lambda x: x[x > 0].mean(),
    "places that are not 0": lambda x: torch.nonzero(x),
    "distinct values": lambda x: x.unique().sum(),
}


@pytest.mark.parametrize("step", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_changes_nothing(step: Step) -> None:
    x = numbers(3)
    before = x.clone()

    def function() -> object:
        x[1:].add_(1)
        return step(x)

    with pytest.raises(RuntimeError, match="operation not permitted in a recording: aten::"):
        tape(function)
    assert torch.equal(x, before)


def test_what_is_not_the_same_each_time_is_refused() -> None:
    x, counts, pair = numbers(3), iter(range(10)), iter([numbers(3), numbers(3)])
    changing: list[Callable[[], Tensor]] = [
        lambda: x * next(counts),
        lambda: x + x if next(counts) % 2 else x - x,
        lambda: x + next(pair),
    ]
    for function in changing:
        with pytest.raises(RuntimeError, match="change from one to the next"):
            tape(function)


def test_what_takes_much_memory_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taping, "MOST_BYTES", 2**20)
    x, calls = numbers(3), iter(range(10**6))
    with pytest.raises(RuntimeError, match="makes more than 1 MiB of tensors"):
        tape(lambda: [x.add_(1).repeat(2**10) for _ in calls])
    assert next(calls) == 2**20 // (3 * 8 * 2**10) + 1, "it ends as soon as the limit is passed"
    assert torch.equal(x, numbers(3))


STEPS: list[Step] = [
    lambda x: x.add_(x.mean()),
    lambda x: x[0].mul_(0.5),
    lambda x: x[:, 1:].copy_(x[:, :-1] * 1),
    lambda x: x.t().sub_(x.sum(1)),
    lambda x: x.copy_(torch.softmax(x, 1)),
    lambda x: torch.sin_(x.reshape(-1)),
    lambda x: x.clamp_(-1, 1),
    lambda x: x.copy_(x.flip(0)),
]


@given(order=st.lists(st.sampled_from(range(len(STEPS))), min_size=1, max_size=12))
def test_any_order_of_changes(order: list[int]) -> None:
    x = numbers(3, 3)

    def function() -> Tensor:
        for place in order:
            STEPS[place](x)
        return x @ x

    check_repeats(function, x, times=2)
