"""All random numbers of one update of one run, drawn before the losses are called."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Space, to_range
from ganbench.spec import RunSpec
from ganbench.training.moment import latents, pack, packed
from ganbench.variants.base import Draw, Params

Streams = dict[str, torch.Generator]


def draw(spec: RunSpec, data: Data, streams: Streams, step: int) -> Params:
    """x, z, labels y where there are any, the step, and what the variant asks for under `noise/`."""
    pac = spec.network.pac
    real = data.draw_labelled(spec.batch * pac, streams["data"])
    return {
        "x": pack(to_range(real.x, *spec.network.pixel_range), pac),
        "z": pack(latents(spec, spec.batch * pac, streams["latent"]), pac),
        "step": torch.tensor(float(step)),
        **({} if real.y is None else {"y": real.y}),
        **noise(spec, spec.batch, data.space, streams["penalty"]),
    }


def noise(spec: RunSpec, n: int, space: Space, generator: torch.Generator) -> Params:
    """What the variant asks for with a batch of n packs, under `noise/`."""
    asked = spec.variant.noise(n, packed(space, spec.network.pac))
    return {f"noise/{name}": _random(one, generator) for name, one in asked.items()}


def _random(asked: Draw, generator: torch.Generator) -> Tensor:
    law = torch.rand if asked.law == "uniform" else torch.randn
    return law(asked.shape, generator=generator)
