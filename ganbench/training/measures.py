"""What a variant measures of its own networks, on the test split."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Space, Split
from ganbench.guard.process_state import unchanged_by
from ganbench.rng import STREAMS, stream
from ganbench.spec import RunSpec
from ganbench.training.draws import batches_of
from ganbench.training.packs import moved, program, row, stack
from ganbench.training.players import blueprints, loss_inputs, packed_generator
from ganbench.training.sampling import CHUNK, blank
from ganbench.training.snapshot import Measured
from ganbench.variants.base import Params, Player

MOST = 10_000  # test samples used, at most


def measure(spec: RunSpec, data: Data, weights: Mapping[str, Params], carry: Params, step: int) -> dict[str, Measured]:
    """The means of `Variant.measure` over the test split; empty for a variant that measures nothing.

    `weights`: each network's parameters and buffers. Networks are in evaluation mode; latents and further draws come
    from a stream of this step alone, so that measuring leaves training as it is.
    """
    if not spec.variant.measures:
        return {}
    nets = evaluated(spec, data.space, weights, carry)
    streams = dict.fromkeys(STREAMS, stream(spec.seed, "measure", step))
    pac = spec.network.pac
    n = min(len(data.test), MOST) // pac * pac
    measured: dict[str, list[Tensor]] = {name: [] for name in spec.variant.measures}
    like = next(iter(weights["g"].values()))
    for part in torch.split(torch.arange(n), CHUNK * pac):
        held_out = Split(data.test.x[part], None if data.test.y is None else data.test.y[part])
        batch = row(batches_of([spec], data.space, stack([held_out]), [streams], step), 0)
        batch = moved(batch, like.device, like.dtype)
        with unchanged_by(*spec.components().values()), torch.no_grad():
            for name, values in spec.variant.measure(*loss_inputs(spec, nets, carry, batch)).items():
                measured[name].append(values.double().cpu())
    return {name: _mean(torch.cat(parts)) for name, parts in measured.items() if parts}


def evaluated(spec: RunSpec, space: Space, weights: Mapping[str, Params], carry: Params) -> dict[str, Player]:
    """The networks of a run in evaluation mode, as its losses see them."""
    made = {name: program(blank(make)) for name, make in blueprints(spec, space).items()}
    nets = {name: Player(made[name], tensors) for name, tensors in weights.items()}
    return {**nets, "g": packed_generator(spec, nets["g"], carry)}


def _mean(values: Tensor) -> Measured:
    n = len(values)
    return Measured(values.mean().item(), (values.std() / n**0.5).item() if n > 1 else None, n)
