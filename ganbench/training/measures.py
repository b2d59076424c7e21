"""What a variant measures of its own networks, on data held out from training."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Split
from ganbench.rng import stream
from ganbench.spec import RunSpec
from ganbench.training.draws import assembled
from ganbench.training.players import blueprints, packed_generator, sight
from ganbench.training.sampling import CHUNK
from ganbench.training.snapshot import Measured
from ganbench.training.state import program
from ganbench.variants.base import Params, Player

MOST = 10_000  # test samples that enter


def measure(spec: RunSpec, data: Data, weights: Mapping[str, Params], carry: Params, step: int) -> dict[str, Measured]:
    """The means of `Variant.measure` over the test split; empty for a variant that measures nothing.

    `weights`: each network's parameters and buffers. Networks are in evaluation mode; latents and further draws come
    from a stream of this step alone, so that measuring changes no training.
    """
    if not spec.variant.measures:
        return {}
    nets = {name: _player(spec, data, name, tensors) for name, tensors in weights.items()}
    nets["g"] = packed_generator(spec, nets["g"], carry)
    streams = dict.fromkeys(("latent", "penalty"), stream(spec.seed, "measure", step))
    pac = spec.network.pac
    n = min(len(data.test), MOST) // pac * pac
    found: dict[str, list[Tensor]] = {name: [] for name in spec.variant.measures}
    like = next(iter(weights["g"].values()))
    for part in torch.split(torch.arange(n), CHUNK * pac):
        held_out = Split(data.test.x[part], None if data.test.y is None else data.test.y[part])
        draws = assembled(spec, data.space, held_out, streams, step)
        moved = {name: t.to(like) if t.is_floating_point() else t.to(like.device) for name, t in draws.items()}
        with torch.no_grad():
            for name, values in spec.variant.measure(*sight(spec, nets, carry, moved)).items():
                found[name].append(values.double().cpu())
    return {name: _mean(torch.cat(parts)) for name, parts in found.items() if parts}


def _player(spec: RunSpec, data: Data, name: str, tensors: Params) -> Player:
    with torch.device("meta"):  # the program alone: its parameters are given
        module = blueprints(spec, data.space)[name]().eval()
    return Player(program(module), tensors)


def _mean(values: Tensor) -> Measured:
    n = len(values)
    return Measured(values.mean().item(), (values.std() / n**0.5).item() if n > 1 else None, n)
