"""Augmentations: their transformations, derived again in NumPy from the papers, in float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import scipy.fft
import torch
from torch import Tensor

from ganbench import testing
from ganbench.augmentations.ada import ADA
from ganbench.augmentations.apa import APA
from ganbench.augmentations.base import Augmentation, whole_shifts
from ganbench.augmentations.diffaugment import DiffAugment
from ganbench.augmentations.flip import Flip
from ganbench.augmentations.parts.pipeline import NORMAL, STEPS, UNIFORM
from ganbench.datasets.base import Space
from ganbench.networks.maxout_mlp import MaxoutMLP
from ganbench.training.augmented import augmented
from ganbench.training.players import LossInputs
from ganbench.variants.base import Batch, Player, Players

pytestmark = pytest.mark.golden

IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 3, 6, 8))
X = torch.tensor(IMAGES)
Array = np.ndarray[Any, np.dtype[np.float64]]


def seen(augment: Augmentation, x: Tensor, noise: Mapping[str, Any], carry: Mapping[str, Any] | None = None) -> Array:
    """Images as D sees them."""
    drawn = {name: torch.as_tensor(np.asarray(value, dtype=float)) for name, value in noise.items()}
    carried = {name: torch.tensor(value, dtype=torch.float64) for name, value in (carry or {}).items()}
    return augment.transformed(x, Batch(x, x, drawn, carried)).numpy()


def test_flip_mirrors_images_whose_draw_is_below_p() -> None:
    found = seen(Flip(p=0.25), X, {"flip": [0.2, 0.3]})
    assert np.array_equal(found[0], IMAGES[0, :, :, ::-1]) and np.array_equal(found[1], IMAGES[1])


# --- DiffAugment ---

STILL = {"colour": np.full((2, 3), 0.5), "translation": np.full((2, 2), 0.5), "cutout": np.full((2, 2), 0.5)}


@pytest.mark.parametrize("colour", [1.0, 0.5])
def test_colours_change_in_the_order_of_the_paper(colour: float) -> None:
    u = np.array([[0.1, 0.9, 0.3], [1.0, 0.0, 0.75]])
    found = seen(DiffAugment(colour=colour, cutout=0), X, {**STILL, "colour": u})
    for image, (brightness, saturation, contrast), result in zip(IMAGES, u, found, strict=True):
        bright = image + colour * (brightness - 0.5)
        grey = bright.mean(0)
        vivid = grey + (bright - grey) * (1 + colour * (2 * saturation - 1))
        expected = vivid.mean() + (vivid - vivid.mean()) * (1 + colour * (contrast - 0.5))
        np.testing.assert_allclose(result, expected, atol=1e-14)


@pytest.mark.parametrize(("draw", "by"), [((0.0, 0.99), (-1, 2)), ((0.99, 0.0), (1, -2)), ((0.5, 0.5), (0, 0))])
def test_translations_bring_in_zeros(draw: tuple[float, float], by: tuple[int, int]) -> None:
    framed = np.pad(IMAGES, ((0, 0), (0, 0), (2, 2), (2, 2)))
    expected = framed[:, :, 2 + by[0] : 8 + by[0], 2 + by[1] : 10 + by[1]]
    found = seen(DiffAugment(colour=0, cutout=0, translation=0.25), X, {**STILL, "translation": [draw, draw]})
    assert np.array_equal(found, expected)


def test_a_translation_keeps_the_sum_of_what_stays_inside() -> None:
    framed = torch.zeros(2, 3, 10, 12, dtype=torch.float64)
    framed[:, :, 2:8, 2:10] = X
    for draw in (0.0, 0.3, 0.99):
        found = seen(
            DiffAugment(colour=0, cutout=0, translation=0.2), framed, {**STILL, "translation": [[draw] * 2] * 2}
        )
        np.testing.assert_allclose(found.sum(), IMAGES.sum(), rtol=1e-12)


@pytest.mark.parametrize(
    ("draw", "rows", "columns"),
    [
        ((0.0, 0.0), range(2), range(2)),
        ((0.5, 0.5), range(2, 5), range(2, 6)),
        ((0.99, 0.99), range(4, 6), range(6, 8)),
    ],
)
def test_cutout_covers_a_rectangle_around_a_centre(draw: tuple[float, float], rows: range, columns: range) -> None:
    """3 of 6 rows around one of 6 centres, and 4 of 8 columns around one of 9."""
    expected = IMAGES.copy()
    expected[:, :, rows.start : rows.stop, columns.start : columns.stop] = 0
    found = seen(DiffAugment(colour=0, translation=0), X, {**STILL, "cutout": [draw, draw]})
    assert np.array_equal(found, expected)


def test_whole_shifts_are_as_likely_as_each_other() -> None:
    draws = torch.arange(0, 1, 1e-3, dtype=torch.float64)
    assert torch.bincount(whole_shifts(draws, 2) + 2).tolist() == [200] * 5


# --- ADA ---

MIDDLE = {"uniform": np.full((2, len(UNIFORM)), 0.5), "normal": np.zeros((2, len(NORMAL)))}


def pipeline(x: Tensor, step: str, **numbers: float) -> Array:
    """The images after one step of the pipeline alone, with these draws by name."""
    on = np.ones((2, len(STEPS)))
    on[:, STEPS.index(step)] = 0.0
    uniform, normal = MIDDLE["uniform"].copy(), MIDDLE["normal"].copy()
    for name, number in numbers.items():
        law = uniform if name in UNIFORM else normal
        law[:, (UNIFORM if name in UNIFORM else NORMAL).index(name)] = number
    return seen(ADA(), x, {"on": on, "uniform": uniform, "normal": normal}, {"p": 0.5})


def mirrored(image: Array, row: float, column: float) -> Array:
    """A pixel (c,) at a place between pixels, bilinearly; the image is mirrored beyond its border."""
    height, width = image.shape[1:]

    def at(i: int, size: int) -> int:
        i = abs(i) % (2 * size - 2)
        return i if i < size else 2 * size - 2 - i

    value = np.zeros(len(image))
    top, left = int(np.floor(row)), int(np.floor(column))
    for i, share in ((top, top + 1 - row), (top + 1, row - top)):
        for j, part in ((left, left + 1 - column), (left + 1, column - left)):
            value += share * part * image[:, at(i, height), at(j, width)]
    return value


def warped(images: Array, inverse: Array) -> Array:
    """Images whose pixels are read at `inverse` (2, 3) of their places from the centre, (x, y, 1)."""
    result = np.empty_like(images)
    height, width = images.shape[2:]
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    for n, image in enumerate(images):
        for i in range(height):
            for j in range(width):
                x, y = inverse @ np.array([j - middle[0], i - middle[1], 1]) + middle
                result[n, :, i, j] = mirrored(image, y, x)
    return result


def turn(angle: float) -> Array:
    return np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0]])


@pytest.mark.parametrize(
    ("step", "numbers", "inverse"),
    [
        ("scale", {"scale": 1.5}, np.diag([2**-0.3, 2**-0.3, 1])[:2]),
        ("aspect", {"aspect": -1.0}, np.diag([2**0.2, 2**-0.2, 1])[:2]),
        ("before", {"before": 0.6}, turn(0.2 * np.pi)),
        ("after", {"after": 0.1}, turn(-0.8 * np.pi)),
        ("drift", {"drift_x": 1.0, "drift_y": -0.5}, np.array([[1, 0, -1.0], [0, 1, 0.375]])),
        ("shift", {"shift_x": 1.0, "shift_y": 0.0}, np.array([[1, 0, -1.0], [0, 1, 1.0]])),
        ("quarter", {"quarter": 0.8}, turn(1.5 * np.pi)),
        ("flip", {"flip": 0.7}, np.diag([-1.0, 1, 1])[:2]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_geometric_step_reads_images_at_its_places(step: str, numbers: dict[str, float], inverse: Array) -> None:
    np.testing.assert_allclose(pipeline(X, step, **numbers), warped(IMAGES, inverse), atol=1e-12)


def test_quarter_turns_mirrors_and_shifts_are_those_of_whole_pixels() -> None:
    square = X[:, :, :, 1:7]
    np.testing.assert_allclose(pipeline(square, "quarter", quarter=0.3), np.rot90(square, -1, (2, 3)), atol=1e-12)
    np.testing.assert_allclose(pipeline(square, "quarter", quarter=0.6), square.numpy()[:, :, ::-1, ::-1], atol=1e-12)
    np.testing.assert_allclose(pipeline(X, "flip", flip=0.7), IMAGES[:, :, :, ::-1], atol=1e-12)
    assert np.array_equal(pipeline(X, "flip", flip=0.3), IMAGES), "half of the images with the step stay"
    right = pipeline(X, "shift", shift_x=1.0)
    np.testing.assert_allclose(right[:, :, :, 1:], IMAGES[:, :, :, :-1], atol=1e-12)


def test_steps_are_composed_before_the_image_is_resampled_once() -> None:
    on = np.where(np.isin(STEPS, ["flip", "scale", "before", "aspect", "after", "drift"]), 0.0, 1.0)[None].repeat(2, 0)
    uniform, normal = MIDDLE["uniform"].copy(), MIDDLE["normal"].copy()
    uniform[:, [UNIFORM.index(name) for name in ("flip", "before", "after")]] = 0.7, 0.55, 0.4
    normal[:, [NORMAL.index(name) for name in ("scale", "aspect", "drift_x", "drift_y")]] = 0.5, 1.0, -0.25, 0.125
    whole = np.eye(3)
    for inverse in (
        np.diag([-1.0, 1, 1])[:2],
        np.diag([2**-0.1, 2**-0.1, 1])[:2],
        turn(0.1 * np.pi),
        np.diag([2**-0.2, 2**0.2, 1])[:2],
        turn(-0.2 * np.pi),
        np.array([[1, 0, 0.25], [0, 1, -0.09375]]),
    ):
        whole = whole @ np.vstack([inverse, [0, 0, 1]])
    found = seen(ADA(), X, {"on": on, "uniform": uniform, "normal": normal}, {"p": 0.5})
    np.testing.assert_allclose(found, warped(IMAGES, whole[:2]), atol=1e-12)


def test_colour_steps() -> None:
    flat, axis = IMAGES.reshape(2, 3, -1), np.ones(3) / np.sqrt(3)
    grey = np.outer(axis, axis)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = 0.4 * np.pi
    hue = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * grey
    expected = {
        "contrast": ({"contrast": 1.0}, np.sqrt(2) * np.eye(3)),
        "luma": ({"luma": 0.5}, np.eye(3) - 2 * grey),
        "hue": ({"hue": 0.7}, hue),
        "saturation": ({"saturation": -1.0}, grey + 0.5 * (np.eye(3) - grey)),
    }
    for step, (numbers, matrix) in expected.items():
        found = pipeline(X, step, **numbers).reshape(2, 3, -1)
        np.testing.assert_allclose(found, matrix @ flat, atol=1e-12, err_msg=step)
    np.testing.assert_allclose(pipeline(X, "brightness", brightness=-1.5), IMAGES - 0.3, atol=1e-15)
    one = X[:, :1]
    assert np.array_equal(pipeline(one, "hue", hue=0.7), one) and np.array_equal(pipeline(one, "luma", luma=0.5), -one)


def corrupt(group: str, x: Tensor, **numbers: Any) -> Array:
    """The images after one of the last groups alone, whose steps are on where a draw is below 0.5."""
    augment = ADA(blit=0, geometry=0, colour=0, **{group: 1.0})
    noise = {"on": np.ones((2, len(STEPS))), **MIDDLE}
    return seen(augment, x, noise | {f"{group}_{name}": value for name, value in numbers.items()}, {"p": 0.5})


def response(frequency: Array) -> Array:
    """(4, ...): what the bands pass of a wave, from products of the half-band filter and its mirror at each octave."""

    def low(w: Array) -> Array:
        return (1 + 9 / 8 * np.cos(w) - np.cos(3 * w) / 8) / 2

    first, second, third = (low(2**octave * frequency) for octave in range(3))
    return np.stack([first * second * third, first * second * (1 - third), first * (1 - second), 1 - first])


@pytest.mark.parametrize(("height", "width"), [(6, 8), (40, 9)])
def test_bands_are_those_of_the_filters_frequency_response(height: int, width: int) -> None:
    """A row that is mirrored at its ends is a sum of cosines, each of which a symmetric filter only scales."""
    images = np.random.default_rng(1).uniform(-1, 1, (2, 3, height, width))
    on, gain = np.array([[0.1, 0.9, 0.2, 0.9], [0.9] * 4]), np.array([[1.5, 3.0, -1.0, 2.0], [1.0] * 4])
    power, gains = np.array([10, 1, 1, 1]) / 13, np.ones(4)
    for band in (0, 2):
        alone = np.where(np.arange(4) == band, 2 ** gain[0], 1.0)
        gains = gains * alone / np.sqrt(power @ alone**2)
    expected = images[0]
    for axis, size in ((1, height), (2, width)):
        waves = scipy.fft.dct(expected, type=1, axis=axis)
        scale = np.tensordot(gains, response(np.pi * np.arange(size) / (size - 1)), 1)
        shape = (1, size, 1) if axis == 1 else (1, 1, size)
        expected = scipy.fft.idct(waves * scale.reshape(shape), type=1, axis=axis)
    found = corrupt("filter", torch.tensor(images), on=on, gain=gain)
    np.testing.assert_allclose(found[0], expected, atol=1e-12)
    assert np.array_equal(found[1], images[1]), "an image without a gain keeps every bit"


def test_the_power_of_the_expected_spectrum_stays_when_a_band_is_amplified() -> None:
    """A grey image has the lowest band only: its gain is 2 over the root of (10 * 2^2 + 3) / 13, for each axis."""
    grey = torch.full((2, 1, 5, 5), 0.3, dtype=torch.float64)
    found = corrupt("filter", grey, on=[[0.0, 1, 1, 1]] * 2, gain=np.ones((2, 4)))
    np.testing.assert_allclose(found, 0.3 * 4 * 13 / 43, atol=1e-14)


def test_noise_has_a_strength_of_its_own_in_each_image() -> None:
    values = np.random.default_rng(2).normal(size=IMAGES.shape)
    found = corrupt("rgb_noise", X, on=[0.4, 0.6], strength=[-1.5, 1.0], values=values)
    np.testing.assert_allclose(found[0], IMAGES[0] + 0.15 * values[0], atol=1e-15)
    assert np.array_equal(found[1], IMAGES[1])


def test_the_cutout_of_the_pipeline_covers_half_of_each_side_around_any_place() -> None:
    """Of 8 columns with middles at 1/16, 3/16 ... those within 1/4 of 0.35; of 6 rows those within it of 0.95."""
    expected = IMAGES.copy()
    expected[0, :, 4:6, 1:5] = 0
    assert np.array_equal(corrupt("cutout", X, on=[0.4, 0.6], centre=[[0.35, 0.95], [0.5, 0.5]]), expected)


def test_without_the_last_groups_there_are_no_draws_for_them() -> None:
    space = Space((3, 6, 8))
    assert list(ADA().draws(2, space)) == ["on", "uniform", "normal"]
    assert len(ADA(filter=1, rgb_noise=0.5, cutout=1).draws(2, space)) == 10


def test_each_step_has_the_probability_p_and_the_two_rotations_together() -> None:
    chances = dict(zip(STEPS, ADA(blit=0.5, colour=2)._chances(torch.tensor(0.36)).tolist(), strict=True))
    assert chances["flip"] == pytest.approx(0.18) and chances["scale"] == pytest.approx(0.36)
    assert chances["hue"] == pytest.approx(0.72)
    assert 1 - (1 - chances["before"]) * (1 - chances["after"]) == pytest.approx(0.36)


# --- p ---


@pytest.mark.parametrize("augment", [ADA(images=48, interval=2), APA(images=48, interval=2)], ids=str)
def test_p_moves_after_each_interval_by_the_sign_of_the_heuristic(augment: ADA | APA) -> None:
    """4 reals and an interval of 2: steps of 8/48. r_t = (1 + 0.5)/2 is above 0.6, then (1 + 0)/2 below it."""
    carry = {name: tensor.double() for name, tensor in augment.carry().items()}
    verdicts = ([1, 2, 3, 4], [1, 1, 1, -2], [3, 1, 1, 1], [1, 1, -1, -1])
    found = []
    for margins in verdicts:
        batch = Batch(X, X, carry=carry)
        carry = augment.next_carry(batch, torch.tensor(margins, dtype=torch.float64))
        found.append(carry["p"].item())
    assert found == pytest.approx([0, 1 / 6, 1 / 6, 0])
    assert carry["sign"] == carry["updates"] == 0 and augment.report(carry) == {f"{augment.kind()}_p": carry["p"]}
    assert not APA(target=None).follows_scores and augment.follows_scores


def test_p_stays_between_0_and_1() -> None:
    augment = ADA(images=2, interval=1)
    for start, margin, end in ((0.5, 1.0, 1.0), (0.5, -1.0, 0.0)):
        carry = {"p": torch.tensor(start), "sign": torch.tensor(0.0), "updates": torch.tensor(0.0)}
        assert augment.next_carry(Batch(X, X, carry=carry), torch.full((4,), margin))["p"] == end


# --- what the losses are given ---


def given(augment: Augmentation, noise: Mapping[str, Tensor], **parts: Any) -> LossInputs:
    """The losses' arguments, of G(z) = w z on images; w is a parameter."""
    g = Player(lambda params, z, part="forward": params["w"] * z, {"w": torch.ones((), dtype=torch.float64)})
    g.params["w"].requires_grad_()
    carry = {f"augment/{name}": tensor.double() for name, tensor in augment.carry().items()}
    d = Player(lambda params, x, part="forward": x.flatten(1).sum(1), {})
    batch = Batch(X, -X, carry=carry, added={"augment": noise})
    spec = testing.small_run(augment=augment, **parts)
    return augmented(spec, LossInputs(Players(g, d), batch))


def test_reals_and_fakes_have_draws_of_their_own() -> None:
    draws = torch.tensor([[0.1, 0.9], [0.9, 0.1]], dtype=torch.float64)
    net, batch = given(Flip(), {"real_flip": draws[0], "fake_flip": draws[1]})
    fake = net.g(batch.z)
    assert torch.equal(batch.x[0], X[0].flip(2)) and torch.equal(batch.x[1], X[1])
    assert torch.equal(fake[0], -X[0]) and torch.equal(fake[1], -X[1].flip(2))
    assert torch.equal(net.g.part("features", batch.z), -X), "only what D scores is transformed"


def test_apa_takes_fakes_of_further_latents_for_reals_and_gives_g_no_gradient_through_them() -> None:
    share = torch.tensor([0.2, 0.8], dtype=torch.float64)
    net, batch = given(APA(p=0.5), {"real_share": share, "real_latents": 3 * X})
    assert torch.equal(batch.x[0], 3 * X[0]) and torch.equal(batch.x[1], X[1])
    assert not batch.x.requires_grad and torch.equal(net.g(batch.z), -X)


def test_images_of_another_range_are_transformed_as_in_the_standard_one() -> None:
    noise = {f"{side}_{name}": torch.as_tensor(draw) for side in ("real", "fake") for name, draw in STILL.items()}
    _, batch = given(DiffAugment(colour=0, translation=0), noise, network=MaxoutMLP())
    covered = batch.x[:, :, 2:5, 2:6]
    assert torch.allclose(covered, torch.full_like(covered, 0.5), atol=1e-15), "grey is the middle of the range"
    assert torch.equal(batch.x[:, :, 0], X[:, :, 0])


@pytest.mark.parametrize(
    "augment", [Flip(), DiffAugment(), ADA(p=0.9), ADA(p=0.9, filter=1, rgb_noise=1, cutout=1)], ids=str
)
def test_a_gradient_reaches_g_through_it(augment: Augmentation) -> None:
    space, generator = Space((3, 6, 8)), torch.Generator().manual_seed(0)
    laws = {"uniform": torch.rand, "normal": torch.randn}
    noise = {
        name: laws[draw.law](draw.shape, generator=generator, dtype=torch.float64)
        for name, draw in augment.noise(2, space).items()
    }
    net, batch = given(augment, noise)
    (slope,) = torch.autograd.grad(net.d(net.g(batch.z).square()).sum(), [net.g.params["w"]])
    assert slope.isfinite() and slope != 0
