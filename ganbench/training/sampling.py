"""Samples of a generator at a step, and the tensors that they are made from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ganbench.datasets.base import Data, Space, Split, to_rest
from ganbench.guard.process_state import unchanged_by
from ganbench.rng import global_stream, stream
from ganbench.training.inputs import latents
from ganbench.training.packed_layers import convolutions_by_products
from ganbench.training.snapshot import flat_name
from ganbench.variants.base import Params

if TYPE_CHECKING:
    from ganbench.spec import RunSpec

CHUNK = 512  # samples generated at once
PAIRS = 32  # pairs of samples from close latents that are compared at once

_CARRIED = flat_name("carry", "")


def saved_generator(weights: Params, carry: Mapping[str, Tensor]) -> Params:
    """The tensors that a mark keeps for sampling: G's by their names, and what the variant carries as `carry/NAME`."""
    return {**weights, **{f"{_CARRIED}{name}": tensor for name, tensor in carry.items()}}


def weights_and_carry(saved: Mapping[str, Tensor]) -> tuple[Params, Params]:
    """The two parts of a `saved_generator`."""
    weights = {name: tensor for name, tensor in saved.items() if not name.startswith(_CARRIED)}
    carry = {name.removeprefix(_CARRIED): tensor for name, tensor in saved.items() if name.startswith(_CARRIED)}
    return weights, carry


def blank(make: Callable[[], nn.Module]) -> nn.Module:
    """A network in evaluation mode for its program alone: its parameters are to be given.

    Not on torch's `meta` device, where filling in weights loads torch's compiler, which takes seconds of each process.
    """
    with global_stream(0, "blank"):
        return make().eval()


class GeneratorInputs(NamedTuple):
    """Latents (n, z), float32 on the CPU, and the labels (n,) of a conditional generator."""

    z: Tensor
    y: Tensor | None


class TrainedGenerator(nn.Module):
    """A generator with its trained weights, in evaluation mode: latents (n, z) -> samples in the network's range.

    Images are floats (n, c, h, w) in the `pixel_range` of the network, points floats (n, d). A conditional one takes
    labels (n,) as its second input. Batch norm uses its running statistics.
    """

    def __init__(self, spec: RunSpec, space: Space, weights: Params, carry: Params) -> None:
        super().__init__()
        self.network = blank(partial(spec.network.generator, space))
        self.network.load_state_dict(weights)
        self._spec, self._carried = spec, tuple(carry)
        for place, tensor in enumerate(carry.values()):
            self.register_buffer(f"carry_{place}", tensor)
        self.requires_grad_(False)
        self.eval()

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        carry = {name: self.get_buffer(f"carry_{place}") for place, name in enumerate(self._carried)}
        fed = self._spec.variant.g_input(z, carry)
        samples: Tensor = self.network(fed) if y is None else self.network(fed, y)
        return samples


def sample(spec: RunSpec, data: Data, saved: Mapping[str, Tensor], n: int, step: int) -> Split:
    """n samples at rest of a `saved_generator` of a step, on the device of its tensors, by which the run is scored.

    The latents come from the run's `eval` stream of that step alone, so the samples depend neither on what was sampled
    before nor on the device. A conditional generator is given labels drawn from those of the training data.
    """
    inputs = drawn_inputs(spec, data.space, n, stream(spec.seed, "eval", step), data.train.y)
    return generate(spec, data.space, saved, inputs)


def drawn_inputs(
    spec: RunSpec, space: Space, n: int, generator: torch.Generator, labels: Tensor | None
) -> GeneratorInputs:
    """n latents, and for a conditional generator as many of the `labels`, drawn with replacement."""
    z = latents(spec, space, n, generator)
    if not spec.network.conditional or labels is None:
        return GeneratorInputs(z, None)
    return GeneratorInputs(z, labels[torch.randint(len(labels), (n,), generator=generator)])


def interpolated(inputs: GeneratorInputs, steps: int) -> GeneratorInputs:
    """`steps` latents from each latent of the first half to its partner in the second, row by row, ends included.

    The way is spherical (White 2016, Sampling Generative Networks, section 2.1): for a normal prior in many dimensions
    its latents have the usual norm, which those on a straight line do not have. Labels are those of the first half.
    """
    return _between(inputs, torch.linspace(0, 1, steps, dtype=torch.float64))


def latent_steps(
    spec: RunSpec, data: Data, saved: Mapping[str, Tensor], step: int
) -> Callable[[int, float], Iterator[tuple[Tensor, Tensor]]]:
    """How a `saved_generator` of a step makes samples of latents that are close to each other.

    It is called with a number of pairs and with the share of the way from each latent to another one, and gives batches
    of two tensors: images as floats in 0..255, not rounded, or points. Labels are the same on both sides.
    """

    def batches(count: int, epsilon: float) -> Iterator[tuple[Tensor, Tensor]]:
        inputs = drawn_inputs(spec, data.space, 2 * count, stream(spec.seed, "eval", step, "steps"), data.train.y)
        pairs = _between(inputs, torch.tensor([0.0, epsilon], dtype=torch.float64))
        for rows in torch.split(torch.arange(2 * count), 2 * PAIRS):
            part = GeneratorInputs(pairs.z[rows], None if pairs.y is None else pairs.y[rows])
            made = torch.cat(_outputs(spec, data.space, saved, part))
            low, high = spec.network.pixel_range
            made = made.sub(low).mul(255 / (high - low)) if data.space.is_image else made
            yield made[0::2], made[1::2]

    return batches


def _between(inputs: GeneratorInputs, shares: Tensor) -> GeneratorInputs:
    """Latents at each of the `shares` of the ways from those of the first half to those of the second."""
    first, second = inputs.z.double().chunk(2)
    cosine = torch.nn.functional.cosine_similarity(first, second).clamp(-1, 1)
    angle = cosine.acos().clamp(1e-6, math.pi - 1e-6)[:, None, None]
    share = shares[None, :, None]
    weights = [torch.sin((1 - share) * angle), torch.sin(share * angle)]
    path = (weights[0] * first[:, None] + weights[1] * second[:, None]) / torch.sin(angle)
    y = None if inputs.y is None else inputs.y[: len(first)].repeat_interleave(len(shares))
    return GeneratorInputs(path.flatten(0, 1).to(inputs.z.dtype), y)


def generate(spec: RunSpec, space: Space, saved: Mapping[str, Tensor], inputs: GeneratorInputs) -> Split:
    """Samples at rest (uint8 images, float points) of a `saved_generator`, on the device of its tensors."""
    made = torch.cat(_outputs(spec, space, saved, inputs))
    return Split(to_rest(made, *spec.network.pixel_range), inputs.y)


def _outputs(spec: RunSpec, space: Space, saved: Mapping[str, Tensor], inputs: GeneratorInputs) -> list[Tensor]:
    """What the network of a `saved_generator` gives, in its own range, `CHUNK` samples at a time.

    Transposed convolutions of small maps are products, in a quarter of the time. What a `TrainedGenerator` gives may
    differ in the last digits, and so by one grey level in very few pixels.
    """
    weights, carry = weights_and_carry(saved)
    like, chunks = next(iter(weights.values())), []
    with unchanged_by(spec.network, spec.variant), torch.no_grad():
        module = convolutions_by_products(blank(partial(spec.network.generator, space)))
        for part in torch.split(torch.arange(len(inputs.z)), CHUNK):
            labels = () if inputs.y is None else (inputs.y[part].to(like.device),)
            fed = spec.variant.g_input(inputs.z[part].to(like), carry)
            chunks.append(functional_call(module, weights, (fed, *labels)))
    return chunks
