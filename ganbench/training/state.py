"""The networks of a pack of runs: stacked parameters, optimizers, and one checkpoint for each run.

A pack is S runs that differ only in their seed and are trained as one program. Every tensor has the run as its first
dimension; an element-wise optimizer over stacked parameters is S separate optimizers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap

from ganbench.optimizers.base import Optimizer, PlayerName
from ganbench.rng import global_stream
from ganbench.variants.base import Params, Player

Checkpoint = dict[str, Any]  # plain dicts, numbers and tensors: loaded with weights_only=True


@dataclass(frozen=True)
class Net:
    """One player of every run of a pack. `program(tensors, *inputs)` is the network of one run."""

    program: Callable[..., Tensor]
    params: Params  # (S, ...), leaves that require grad
    frozen: Params  # the same storage without grad, for when the other player moves
    buffers: Params  # (S, ...), changed in place by batch norm
    optimizer: torch.optim.Optimizer

    def player(self, params: Params, buffers: Params) -> Player:
        """This network of one run as a pure function."""
        return Player(lambda weights, *inputs, **part: self.program(weights | buffers, *inputs, **part), params)

    def slots(self) -> dict[str, Params]:
        """What the optimizer keeps of each parameter, (S, ...); a count that all runs share, once for each."""
        return {name: _stacked(self.optimizer.state.get(param, {}), param) for name, param in self.params.items()}

    def weights(self, run: int) -> Params:
        """Copies of one run's parameters and buffers."""
        return {name: tensor[run].clone() for name, tensor in (self.frozen | self.buffers).items()}


@dataclass(frozen=True)
class Build:
    """What it takes to make a net: `make` builds a fresh module from torch's global generator.

    `name` is the player's own stream of `init`; `player` says whose learning rate it has.
    """

    make: Callable[[], nn.Module]
    optimizer: Optimizer
    name: str
    player: PlayerName
    device: torch.device
    dtype: torch.dtype


def build(how: Build, seeds: Sequence[int]) -> Net:
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
    return Net(program(modules[0].train()), params, frozen, buffers, optimizer)


def program(module: nn.Module) -> Callable[..., Tensor]:
    """A module as a function of its tensors by name, of which none may be missing; tied ones have one name.

    `part` is the method that is called; by default the forward pass.

    It is `torch.func.functional_call` for a module whose own tensors nobody needs: the places are found once, not at
    every call, and keep the tensors of the last one.
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


def mapped(function: Callable[..., Params], size: int) -> Callable[..., Params]:
    """`function` of one run as a function of a pack. A pack of one is called directly: `vmap` would only cost.

    Its arguments are dictionaries of tensors, or of such dictionaries.
    """
    if size > 1:
        return vmap(function, randomness="error")

    def alone(*stacks: dict[str, Any]) -> Params:
        return {name: tensor.unsqueeze(0) for name, tensor in function(*map(_first, stacks)).items()}

    return alone


def _first(stack: dict[str, Any]) -> dict[str, Any]:
    return {name: _first(value) if isinstance(value, dict) else value.squeeze(0) for name, value in stack.items()}


def _stacked(kept: Mapping[str, Any], param: Tensor) -> Params:
    tensors = {name: value for name, value in kept.items() if isinstance(value, Tensor)}
    return {name: t if t.shape == param.shape else t.expand(len(param)) for name, t in tensors.items()}


def save(net: Net, run: int) -> Checkpoint:
    """One run's share of a net: weights and optimizer state."""
    state = net.optimizer.state_dict()
    rows = {i: {k: _row(v, p, run) for k, v in s.items()} for (i, s), p in _pairs(state, net)}
    return {"weights": net.weights(run), "optimizer": {"state": rows, "param_groups": state["param_groups"]}}


def load(net: Net, checkpoints: Sequence[Checkpoint]) -> None:
    """Put the runs' shares back, one checkpoint a run, in order."""
    for name, tensor in (net.frozen | net.buffers).items():
        tensor.copy_(torch.stack([checkpoint["weights"][name] for checkpoint in checkpoints]))
    states = [checkpoint["optimizer"] for checkpoint in checkpoints]
    merged = {i: {k: _merge([s["state"][i][k] for s in states]) for k in row} for i, row in states[0]["state"].items()}
    net.optimizer.load_state_dict({"state": merged, "param_groups": states[0]["param_groups"]})


def _pairs(state: dict[str, Any], net: Net) -> list[tuple[tuple[int, dict[str, Any]], Tensor]]:
    params = list(net.params.values())
    return [((i, row), params[i]) for i, row in state["state"].items()]


def _row(value: Any, param: Tensor, run: int) -> Any:
    """One run's slice of an optimizer's per-parameter tensor; a step count is shared by all runs."""
    if isinstance(value, Tensor):
        return value[run : run + 1].clone() if value.shape == param.shape else value.clone()
    return value


def _merge(values: list[Any]) -> Any:
    stacked = isinstance(values[0], Tensor) and values[0].dim() > 0
    return torch.cat(values) if stacked else values[0]
