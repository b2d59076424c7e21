"""All random numbers of one update of every run of a pack, drawn before the losses are called.

Each run draws from its own streams; what is computed of the draws is computed for all runs at once, (S, ...).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Space, Split, to_range
from ganbench.rng import stream
from ganbench.spec import ADDED_AXES, RunSpec
from ganbench.training.inputs import latents_of_each, packed_samples, packed_space
from ganbench.variants.base import Batch, Draw, Params, Variant

if TYPE_CHECKING:
    from ganbench.augmentations.base import Augmentation
    from ganbench.optimizers.base import PlayerName
    from ganbench.penalties.base import Penalty

Streams = Mapping[str, torch.Generator]


def draw(
    specs: Sequence[RunSpec], data: Data, streams: Sequence[Streams], step: int, player: PlayerName = "d"
) -> Batch:
    """The batches of a player's update, without what runs carry; only with labels that training may see."""
    spec = specs[0]
    size = spec.batch_of(player)
    real = data.draw_each(size * spec.network.pac, _of(streams, "data"))
    visible = real if data.labelled is None else Split(real.x)
    batch = batches_of(specs, data.space, visible, streams, step)
    if not spec.variant.asks_labels:
        return batch
    return replace(batch, labelled=_labelled(spec, data, size, _of(streams, "penalty")))


def batches_of(specs: Sequence[RunSpec], space: Space, real: Split, streams: Sequence[Streams], step: int) -> Batch:
    """Batches of these reals (S, n, ...): with their labels if they have any, latents, the step, and draws of parts."""
    spec, pac, many = specs[0], specs[0].network.pac, real.x.shape[1]
    added = {axis: part for axis in ADDED_AXES if (part := getattr(spec, axis))}
    n = many // pac
    return Batch(
        x=_packed(to_range(real.x, *spec.network.pixel_range), pac),
        z=_packed(latents_of_each(spec, space, many, _of(streams, "latent")), pac),
        noise=noise(specs, spec.variant, n, space, _of(streams, "penalty")),
        y=real.y,
        step=torch.full((len(specs),), float(step)),
        added={axis: noise(specs, part, n, space, _of(streams, axis)) for axis, part in added.items()},
    )


def noise(
    specs: Sequence[RunSpec],
    owner: Variant | Penalty | Augmentation,
    n: int,
    space: Space,
    generators: Sequence[torch.Generator],
) -> Params:
    """The draws that a component declares, for a batch of n (packed) samples."""
    declared = owner.noise(n, packed_space(space, specs[0].network.pac))
    fixed = {name: [stream(spec.seed, "penalty", name) for spec in specs] for name, law in declared.items() if law.once}
    return {name: _random(specs[0], space, law, fixed.get(name, generators)) for name, law in declared.items()}


def _labelled(spec: RunSpec, data: Data, size: int, generators: Sequence[torch.Generator]) -> tuple[Tensor, Tensor]:
    """As many further reals as a batch has, whose labels training may see, and their labels."""
    real = data.draw_with_labels(size, generators)
    if real.y is None:
        raise ValueError(f"{spec.variant.kind()} needs labels, and {spec.dataset.kind()} has none: use labelled data")
    return to_range(real.x, *spec.network.pixel_range), real.y


def _random(spec: RunSpec, space: Space, declared: Draw, generators: Sequence[torch.Generator]) -> Tensor:
    pac = spec.network.pac
    if declared.law == "latent":
        return _packed(latents_of_each(spec, space, declared.shape[0] * pac, generators), pac)
    law = torch.rand if declared.law == "uniform" else torch.randn
    return torch.stack([law(declared.shape, generator=generator) for generator in generators])


def _packed(x: Tensor, pac: int) -> Tensor:
    """(S, n * pac, c, ...) -> (S, n, pac * c, ...)."""
    side_by_side: Tensor = packed_samples(x.flatten(0, 1), pac).unflatten(0, (len(x), -1))
    return side_by_side


def _of(streams: Sequence[Streams], name: str) -> list[torch.Generator]:
    """A stream of each run."""
    return [own[name] for own in streams]
