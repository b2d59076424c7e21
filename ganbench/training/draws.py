"""All random numbers of one update of one run, drawn before the losses are called."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Space, Split, to_range
from ganbench.rng import stream
from ganbench.spec import ADDED_AXES, RunSpec
from ganbench.training.inputs import latents, packed_samples, packed_space
from ganbench.variants.base import Batch, Draw, Params, Variant

if TYPE_CHECKING:
    from ganbench.augmentations.base import Augmentation
    from ganbench.optimizers.base import PlayerName
    from ganbench.penalties.base import Penalty

Streams = dict[str, torch.Generator]


def draw(spec: RunSpec, data: Data, streams: Streams, step: int, player: PlayerName = "d") -> Batch:
    """The batch of a player's update, without what the run carries; only with labels that training may see."""
    size = spec.batch_of(player)
    real = data.draw_labelled(size * spec.network.pac, streams["data"])
    visible = real if data.labelled is None else Split(real.x)
    batch = batch_of(spec, data.space, visible, streams, step)
    return (
        replace(batch, labelled=_labelled(spec, data, size, streams["penalty"])) if spec.variant.asks_labels else batch
    )


def batch_of(spec: RunSpec, space: Space, real: Split, streams: Streams, step: int) -> Batch:
    """A batch of these reals: with their labels if they have any, latents, the step, and the draws of each part."""
    pac = spec.network.pac
    n = len(real) // pac
    added = {axis: part for axis in ADDED_AXES if (part := getattr(spec, axis))}
    return Batch(
        x=packed_samples(to_range(real.x, *spec.network.pixel_range), pac),
        z=packed_samples(latents(spec, space, len(real), streams["latent"]), pac),
        noise=noise(spec, spec.variant, n, space, streams["penalty"]),
        y=real.y,
        step=torch.tensor(float(step)),
        added={axis: noise(spec, part, n, space, streams[axis]) for axis, part in added.items()},
    )


def _labelled(spec: RunSpec, data: Data, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """As many further reals as a batch has, whose labels training may see, and their labels."""
    real = data.draw_with_labels(size, generator)
    if real.y is None:
        raise ValueError(f"{spec.variant.kind()} needs labels, and {spec.dataset.kind()} has none: use labelled data")
    return to_range(real.x, *spec.network.pixel_range), real.y


def noise(
    spec: RunSpec, owner: Variant | Penalty | Augmentation, n: int, space: Space, generator: torch.Generator
) -> Params:
    """The draws that a component declares, for a batch of n (packed) samples."""
    declared = owner.noise(n, packed_space(space, spec.network.pac))
    fixed = {name: stream(spec.seed, "penalty", name) for name, law in declared.items() if law.once}
    return {name: _random(spec, space, law, fixed.get(name, generator)) for name, law in declared.items()}


def _random(spec: RunSpec, space: Space, declared: Draw, generator: torch.Generator) -> Tensor:
    pac = spec.network.pac
    if declared.law == "latent":
        return packed_samples(latents(spec, space, declared.shape[0] * pac, generator), pac)
    law = torch.rand if declared.law == "uniform" else torch.randn
    return law(declared.shape, generator=generator)
