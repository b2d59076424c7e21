"""Samples of a generator at a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.func import functional_call

from ganbench.datasets.base import Data, Split, to_rest
from ganbench.rng import stream
from ganbench.training.inputs import latents
from ganbench.variants.base import Params

if TYPE_CHECKING:
    from ganbench.spec import RunSpec

CHUNK = 512  # samples generated at once


def sample(spec: RunSpec, data: Data, weights: Params, n: int, step: int) -> Split:
    """n samples at rest (uint8 images, float points) of a generator at a step, on the device of its weights.

    Batch norm uses its running statistics. The latents come from the run's `eval` stream of that step alone, so the
    samples depend neither on what was sampled before nor on the device. A conditional generator is asked for labels
    drawn from those of the training data.
    """
    generator = stream(spec.seed, "eval", step)
    z = latents(spec, data.space, n, generator)
    y = None
    if spec.network.conditional and data.train.y is not None:
        y = data.train.y[torch.randint(len(data.train.y), (n,), generator=generator)]
    own = {name: tensor for name, tensor in weights.items() if not name.startswith("carry/")}
    carry = {name.removeprefix("carry/"): tensor for name, tensor in weights.items() if name not in own}
    like = next(iter(own.values()))
    with torch.device("meta"):  # the program alone: its parameters are given
        module = spec.network.generator(data.space).eval()
    chunks = []
    for part in torch.split(torch.arange(n), CHUNK):
        given = () if y is None else (y[part].to(like.device),)
        fed = spec.variant.g_input(z[part].to(like), carry)
        with torch.no_grad():
            chunks.append(functional_call(module, own, (fed, *given)))
    return Split(to_rest(torch.cat(chunks), *spec.network.pixel_range), y)
