"""All random numbers of one update of one run, drawn before the losses are called."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Space, Split, to_range
from ganbench.rng import stream
from ganbench.spec import RunSpec
from ganbench.training.inputs import latents, pack, packed
from ganbench.variants.base import Draw, Params

Streams = dict[str, torch.Generator]


def draw(spec: RunSpec, data: Data, streams: Streams, step: int) -> Params:
    """A batch of training data, with the labels that training may see, and what `assembled` adds to it."""
    real = data.draw_labelled(spec.batch * spec.network.pac, streams["data"])
    seen = real if data.labelled is None else Split(real.x)
    return {
        **assembled(spec, data.space, seen, streams, step),
        **(_told(spec, data, streams["penalty"]) if spec.variant.asks_labels else {}),
    }


def assembled(spec: RunSpec, space: Space, real: Split, streams: Streams, step: int) -> Params:
    """x, z, labels y where there are any, the step, and what the variant asks for under `noise/`."""
    pac = spec.network.pac
    return {
        "x": pack(to_range(real.x, *spec.network.pixel_range), pac),
        "z": pack(latents(spec, space, len(real), streams["latent"]), pac),
        "step": torch.tensor(float(step)),
        **({} if real.y is None else {"y": real.y}),
        **noise(spec, len(real) // pac, space, streams["penalty"]),
    }


def _told(spec: RunSpec, data: Data, generator: torch.Generator) -> Params:
    """As many reals as a batch has whose labels training may see, and the labels, under `labelled/`."""
    real = data.draw_with_labels(spec.batch, generator)
    if real.y is None:
        raise ValueError(f"{spec.variant.kind()} asks for labels, and {spec.dataset.kind()} has none")
    return {"labelled/x": to_range(real.x, *spec.network.pixel_range), "labelled/y": real.y}


def noise(spec: RunSpec, n: int, space: Space, generator: torch.Generator) -> Params:
    """What the variant asks for with a batch of n packs, under `noise/`."""
    asked = spec.variant.noise(n, packed(space, spec.network.pac))
    own = {name: stream(spec.seed, "penalty", name) for name, one in asked.items() if one.once}
    return {f"noise/{name}": _random(spec, space, one, own.get(name, generator)) for name, one in asked.items()}


def _random(spec: RunSpec, space: Space, asked: Draw, generator: torch.Generator) -> Tensor:
    if asked.law == "latent":
        return pack(latents(spec, space, asked.shape[0] * spec.network.pac, generator), spec.network.pac)
    law = torch.rand if asked.law == "uniform" else torch.randn
    return law(asked.shape, generator=generator)
