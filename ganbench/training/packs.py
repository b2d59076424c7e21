"""Packs: runs that differ only in their seed, trained as one program over stacked tensors.

Every tensor of a pack of S runs has the run as its first dimension. An element-wise optimizer over stacked parameters
is S separate optimizers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, TypedDict, TypeVar

import torch
from torch import Tensor, nn
from torch.func import vmap

from ganbench.optimizers.base import Optimizer, PlayerName, Slots
from ganbench.rng import global_stream
from ganbench.training.packed_layers import by_products
from ganbench.training.products import is_wide
from ganbench.variants.base import Params, Player

IMPLEMENTATION = ("fused", "foreach", "capturable")  # how an optimizer computes depends on the device, not on the run

Tree = TypeVar("Tree")  # nested dicts, tuples and dataclasses whose leaves are tensors


class SavedNetwork(TypedDict):
    """One run's share of a stacked network, as a checkpoint keeps it."""

    weights: Params  # parameters and buffers
    optimizer: dict[str, Any]  # torch's own form: {"state": ..., "param_groups": ...}


class Checkpoint(TypedDict):
    """Everything that a run needs to resume: plain dicts, numbers and tensors, loaded with weights_only=True."""

    step: int
    nets: dict[str, SavedNetwork]
    carry: Params
    average: Params
    streams: dict[str, Tensor]


@dataclass(frozen=True)
class StackedNetwork:
    """One network of every run of a pack, with its optimizer. `program(tensors, *inputs)` is the network of one run."""

    program: Callable[..., Tensor]
    params: Params  # (S, ...), leaves that require grad
    frozen: Params  # the same storage without grad, for when another network moves
    buffers: Params  # (S, ...), changed in place by batch norm
    optimizer: torch.optim.Optimizer

    def player(self, params: Params, buffers: Params) -> Player:
        """This network of one run as a pure function."""
        return Player(lambda weights, *inputs, **part: self.program(weights | buffers, *inputs, **part), params)

    def slots(self) -> dict[str, Slots]:
        """What the optimizer keeps for each parameter, (S, ...); a count that all runs share is repeated for each."""
        return {name: _stacked(self.optimizer.state.get(param, {}), param) for name, param in self.params.items()}

    def weights(self, run: int) -> Params:
        """Copies of one run's parameters and buffers."""
        return row(self.frozen | self.buffers, run)


@dataclass(frozen=True)
class Build:
    """How to build a stacked network: `make` builds a fresh module from torch's global generator.

    `name` is the network's own stream of `init`; `player` decides which learning rate it has.
    """

    make: Callable[[], nn.Module]
    optimizer: Optimizer
    name: str
    player: PlayerName
    device: torch.device
    dtype: torch.dtype


def build(how: Build, seeds: Sequence[int]) -> StackedNetwork:
    """One network for each seed, initialised from that seed's `init` stream, stacked."""
    modules = []
    for seed in seeds:
        with global_stream(seed, "init", how.name):
            modules.append(how.make().to(how.device, how.dtype))
    stacked = {n: torch.stack([m.get_parameter(n).detach() for m in modules]) for n, _ in modules[0].named_parameters()}
    buffers = {n: torch.stack([m.get_buffer(n) for m in modules]) for n, _ in modules[0].named_buffers()}
    params = {name: tensor.requires_grad_() for name, tensor in stacked.items()}
    frozen = {name: tensor.detach() for name, tensor in params.items()}
    optimizer = how.optimizer.rule(list(params.values()), how.player)
    module, alone = modules[0].train(), len(seeds) == 1
    if not alone or is_wide(how.device, how.dtype):
        module = by_products(module, alone)
    return StackedNetwork(program(module), params, frozen, buffers, optimizer)


def program(module: nn.Module) -> Callable[..., Tensor]:
    """A module as a function of its tensors by name, all of which must be given; tied tensors share one name.

    `part` is the method that is called; by default the forward pass.

    It does what `torch.func.functional_call` does, faster: it looks up once where each tensor belongs, and leaves the
    tensors of the last call in the module, whose own are not needed.
    """
    names = {id(tensor): name for name, tensor in (*module.named_parameters(), *module.named_buffers())}
    places: list[tuple[dict[str, Any], str, str]] = [
        (table, key, names[id(tensor)])
        for part in module.modules()
        for table in (part._parameters, part._buffers)
        for key, tensor in table.items()
        if tensor is not None
    ]

    def call(tensors: Params, *inputs: Tensor, part: str = "forward") -> Tensor:
        for table, key, name in places:
            table[key] = tensors[name]
        output: Tensor = getattr(module, part)(*inputs)
        return output

    return call


def map_tensors(function: Callable[[Tensor], Tensor], tree: Tree) -> Tree:
    """The same structure with `function` of its tensors in their places."""
    mapped: Any = tree  # None, where an optional tensor is absent
    if isinstance(tree, Tensor):
        mapped = function(tree)
    elif names := _field_names(tree):
        mapped = type(tree)(**{name: map_tensors(function, getattr(tree, name)) for name in names})
    elif isinstance(tree, Mapping):
        mapped = {key: map_tensors(function, value) for key, value in tree.items()}
    elif isinstance(tree, tuple):
        mapped = tuple(map_tensors(function, value) for value in tree)
    result: Tree = mapped
    return result


def tensors_of(tree: object) -> list[Tensor]:
    """The tensors of a structure, in its order."""
    found: list[Tensor] = []
    _collect(tree, found)
    return found


def _collect(tree: object, found: list[Tensor]) -> None:
    if isinstance(tree, Tensor):
        found.append(tree)
    elif names := _field_names(tree):
        for name in names:
            _collect(getattr(tree, name), found)
    elif isinstance(tree, dict | Mapping):  # the first is what most of them are, and quick to see
        for part in tree.values():
            _collect(part, found)
    elif isinstance(tree, tuple):
        for part in tree:
            _collect(part, found)


def _field_names(tree: object) -> tuple[str, ...]:
    """Of a dataclass; none for another object."""
    kind: Any = type(tree)
    return _names_by_kind(kind)


@cache
def _names_by_kind(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def stack(trees: Sequence[Tree]) -> Tree:
    """The structures of several runs as one, (S, ...)."""
    stacked = map(torch.stack, zip(*map(tensors_of, trees), strict=True))
    return map_tensors(lambda _: next(stacked), trees[0])


def row(tree: Tree, run: int) -> Tree:
    """Copies of one run's tensors."""
    return map_tensors(lambda tensor: tensor[run].clone(), tree)


def moved(tree: Tree, device: torch.device | str, dtype: torch.dtype) -> Tree:
    """The tensors on a device, floats in a precision."""
    return map_tensors(lambda t: t.to(device, dtype if t.is_floating_point() else t.dtype), tree)


def over_pack(function: Callable[..., Tree], size: int) -> Callable[..., Tree]:
    """`function` of the tensors of one run as a function of those of a pack, (S, ...); its result is nested dicts.

    A tensor that several arguments share is one tensor inside too, so that `memoised` networks recognise it. A pack of
    one is called directly, because `vmap` would only cost time.
    """

    def alone(*stacked: Any) -> Tree:
        rows: dict[int, Tensor] = {}
        own = map_tensors(lambda tensor: rows.setdefault(id(tensor), tensor.squeeze(0)), stacked)
        return map_tensors(lambda tensor: tensor.unsqueeze(0), function(*own))

    def together(*stacked: Any) -> Tree:
        tensors = {id(tensor): tensor for tensor in tensors_of(stacked)}

        def of_run(*rows: Tensor) -> Tree:
            by_id = dict(zip(tensors, rows, strict=True))
            return function(*map_tensors(lambda tensor: by_id[id(tensor)], stacked))

        result: Tree = vmap(of_run, randomness="error")(*tensors.values())
        return result

    return alone if size == 1 else together


def save(net: StackedNetwork, run: int) -> SavedNetwork:
    """One run's weights and optimizer state."""
    state, params = net.optimizer.state_dict(), list(net.params.values())
    rows = {
        i: {name: _row(value, params[i], run) for name, value in kept.items()} for i, kept in state["state"].items()
    }
    groups = [{name: _number(value) for name, value in group.items()} for group in state["param_groups"]]
    return {"weights": net.weights(run), "optimizer": {"state": rows, "param_groups": groups}}


def load(net: StackedNetwork, saved: Sequence[SavedNetwork]) -> None:
    """Restore the weights and optimizer states of all runs, given in order."""
    for name, tensor in (net.frozen | net.buffers).items():
        tensor.copy_(torch.stack([each["weights"][name] for each in saved]))
    states = [each["optimizer"]["state"] for each in saved]
    merged = {i: {k: _merge([state[i][k] for state in states]) for k in kept} for i, kept in states[0].items()}
    own = net.optimizer.state_dict()["param_groups"]
    groups = [
        {**kept, **{name: here[name] for name in IMPLEMENTATION if name in here}}
        for kept, here in zip(saved[0]["optimizer"]["param_groups"], own, strict=True)
    ]
    net.optimizer.load_state_dict({"state": merged, "param_groups": groups})


def _stacked(kept: Mapping[str, Any], param: Tensor) -> Params:
    tensors = {name: value for name, value in kept.items() if isinstance(value, Tensor)}
    return {name: t if t.shape == param.shape else t.expand(len(param)) for name, t in tensors.items()}


def _row(value: Any, param: Tensor, run: int) -> Any:
    """One run's slice of an optimizer's per-parameter tensor; all runs share a step count."""
    if isinstance(value, Tensor):
        return value[run : run + 1].clone() if value.shape == param.shape else value.clone()
    return value


def _number(value: Any) -> Any:
    """An option of an optimizer's group; a rate that changes may be a tensor."""
    return float(value) if isinstance(value, Tensor) else value


def _merge(values: list[Any]) -> Any:
    stacked = isinstance(values[0], Tensor) and values[0].dim() > 0
    return torch.cat(values) if stacked else values[0]
