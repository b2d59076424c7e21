"""Stacked, turned and printed digits: what each pixel comes from, found again without ganbench's code."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import rotate
from torch import Tensor

from ganbench.datasets.affine_digits import AffineDigits
from ganbench.datasets.affine_mnist import AffineMNIST
from ganbench.datasets.base import Data, Dataset, Space, Split
from ganbench.datasets.digits import Digits
from ganbench.datasets.glyphs import Glyphs
from ganbench.datasets.mnist import MNIST
from ganbench.datasets.parts.affine import on_canvas, paste, turned
from ganbench.datasets.parts.glyphs import large, printed
from ganbench.datasets.stacked_digits import StackedDigits
from ganbench.datasets.stacked_mnist import StackedMNIST
from ganbench.rng import stream

pytestmark = pytest.mark.golden

DATA = os.environ.get("GANBENCH_DATA")
on_real_data = [pytest.mark.data, pytest.mark.skipif(not DATA, reason="GANBENCH_DATA is not set")]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def loaded(dataset: Dataset) -> Data:
    return dataset.load(Path(DATA) if DATA else None)


def splits(data: Data) -> tuple[Split, Split, Split]:
    return data.train, data.validation, data.test


def labels(split: Split) -> Tensor:
    assert split.y is not None
    return split.y


@pytest.mark.parametrize(
    ("dataset", "wanted"),
    [
        (StackedDigits(), ("4265a2ee", "ab9d7c56", "9596b611")),
        (AffineDigits(), ("0e2ffc3d", "4031db71", "2aa490c8")),
        (Glyphs(), ("a8bccd18", "cdd0a230", "9ac2975a")),
        pytest.param(StackedMNIST(), ("a3bca214", "9d5a6f2d", "bd5b0898"), marks=on_real_data),
        pytest.param(AffineMNIST(), ("15d197ae", "29038be6", "88aaf213"), marks=on_real_data),
    ],
    ids=lambda value: value.kind() if isinstance(value, Dataset) else "",
)
def test_splits_stay_what_they_were(dataset: Dataset, wanted: tuple[str, str, str]) -> None:
    """A changed split changes every number measured on it: raise the version and say so in the changelog."""
    assert dataset.version == 1
    bodies = [split.x.numpy().tobytes() + labels(split).numpy().tobytes() for split in splits(loaded(dataset))]
    assert tuple(hashlib.sha256(body).hexdigest()[:8] for body in bodies) == wanted


class TestStacked:
    @pytest.mark.parametrize(
        ("dataset", "source", "shape", "images"),
        [
            (StackedDigits(), Digits(), (3, 8, 8), 50_000),
            pytest.param(StackedMNIST(), MNIST(), (3, 28, 28), 128_000, marks=on_real_data),
        ],
        ids=["stacked_digits", "stacked_mnist"],
    )
    def test_every_channel_is_a_digit_of_the_same_split(
        self, dataset: Dataset, source: Dataset, shape: tuple[int, ...], images: int
    ) -> None:
        data = loaded(dataset)
        assert data.space == dataset.space(None) == Space(shape, classes=1000, stacked=3)
        assert [len(split) for split in splits(data)] == [images, 10_000, 10_000] and data.fresh is None
        for stacks, digits in zip(splits(data), splits(loaded(source)), strict=True):
            known = {x.numpy().tobytes(): y for x, y in zip(digits.x, labels(digits).tolist(), strict=True)}
            for stack, label in zip(stacks.x[:2000].numpy(), labels(stacks)[:2000].tolist(), strict=True):
                assert [known[channel.tobytes()] for channel in stack] == [int(figure) for figure in f"{label:03}"]

    def test_modes_have_the_digits_independent_shares(self) -> None:
        """A chi-squared test of 1000 counts: its mean is 999 and its standard deviation 44.7."""
        share = labels(loaded(Digits()).train).bincount().double() / len(loaded(Digits()).train)
        wanted = 50_000 * torch.einsum("a,b,c->abc", share, share, share).flatten()
        counts = labels(loaded(StackedDigits()).train).bincount(minlength=1000)
        assert counts.min() > 0
        assert 999 - 5 * 44.7 < ((counts - wanted) ** 2 / wanted).sum() < 999 + 5 * 44.7

    def test_fresh_draws_or_a_chosen_number(self) -> None:
        assert len(StackedDigits(images=7).load(None).train) == 7
        data = StackedDigits(images=None).load(None)
        digits = {x.numpy().tobytes() for x in loaded(Digits()).train.x}
        drawn = data.draw(500, stream(0, "test"))
        assert {channel.tobytes() for stack in drawn.numpy() for channel in stack} <= digits
        fixed = {stack.tobytes() for stack in data.train.x.numpy()}
        assert not any(stack.tobytes() in fixed for stack in drawn.numpy())


class TestAffine:
    def test_turns_are_anticlockwise_about_the_middle(self) -> None:
        x = loaded(Digits()).test.x[:20]
        for degrees, quarters in ((0, 0), (90, 1), (180, 2), (-90, 3)):
            wanted = np.rot90(x.numpy(), quarters, axes=(2, 3))
            np.testing.assert_array_equal(turned(x, torch.full((20,), degrees)).numpy(), wanted)

    @pytest.mark.parametrize("source", [Digits(), pytest.param(MNIST(), marks=on_real_data)], ids=["digits", "mnist"])
    def test_turns_are_near_those_of_the_authors_code(self, source: Dataset) -> None:
        """Theirs is scipy's `rotate(image, degree, reshape=False)`, by cubic splines; here clipped to the range."""
        x, degrees = loaded(source).test.x[:41], torch.arange(-20, 21)
        cut = (slice(None), slice(1, -1), slice(1, -1))  # at the edge scipy takes all or nothing
        theirs = [
            rotate(image[0].double().numpy(), angle, reshape=False)
            for image, angle in zip(x, degrees.tolist(), strict=True)
        ]
        difference = np.abs(np.stack(theirs).clip(0, 255) - turned(x, degrees)[:, 0].double().numpy())[cut]
        other_way = np.abs(np.stack(theirs).clip(0, 255) - turned(x, -degrees)[:, 0].double().numpy())[cut]
        assert difference.mean() < 4 < 12 < other_way.mean()

    def test_pasting_keeps_the_image_and_adds_nothing(self) -> None:
        x, corner = loaded(Digits()).test.x[:3], torch.tensor([[0, 0], [7, 2], [8, 8]])
        canvas = torch.zeros(3, 1, 16, 16, dtype=torch.uint8)
        paste(x, canvas, corner)
        for image, whole, (row, column) in zip(x, canvas, corner.tolist(), strict=True):
            assert torch.equal(whole[:, row : row + 8, column : column + 8], image)
            assert whole.sum() == image.sum()

    @pytest.mark.parametrize(("h", "side"), [(28, 40), (8, 16)])
    def test_all_angles_and_places_of_the_authors_code_are_drawn(self, h: int, side: int) -> None:
        """A soft bar, whose centre and main axis tell where the image was pasted and how far it was turned."""
        place = np.arange(h) - (h - 1) / 2
        bar = 255 * np.exp(-((place[None, :] / (0.16 * h)) ** 2) - (place[:, None] / (0.08 * h)) ** 2)
        split = Split(torch.from_numpy(bar.round().astype(np.uint8))[None, None])
        weights = on_canvas(side, split, 3000, stream(0, "test")).x[:, 0].double().numpy()
        weights /= weights.sum(axis=(1, 2), keepdims=True)
        rows, columns = np.mgrid[:side, :side]
        row, column = (weights * rows).sum(axis=(1, 2)), (weights * columns).sum(axis=(1, 2))
        dy, dx = rows - row[:, None, None], columns - column[:, None, None]
        twist = 2 * (weights * dx * dy).sum(axis=(1, 2))
        angle = -np.degrees(0.5 * np.arctan2(twist, (weights * (dx**2 - dy**2)).sum(axis=(1, 2))))
        for found in (row, column):
            corner = found - (h - 1) / 2
            np.testing.assert_allclose(corner, corner.round(), atol=0.02)
            assert np.unique(corner.round()).tolist() == list(range(side - h))
        angles = np.unique(angle.round(3))
        np.testing.assert_allclose(angles, np.arange(-20, 21), atol=0.5 if h == 28 else 4)  # 8 pixels tell it coarsely

    @pytest.mark.parametrize(
        ("dataset", "side"),
        [(AffineDigits(), 16), pytest.param(AffineMNIST(), 40, marks=on_real_data)],
        ids=["affine_digits", "affine_mnist"],
    )
    def test_splits(self, dataset: Dataset, side: int) -> None:
        data = loaded(dataset)
        assert data.space == dataset.space(None) == Space((1, side, side), classes=10)
        for split in splits(data):
            assert split.x.dtype == torch.uint8 and not split.x[..., -1].any() and not split.x[..., -1, :].any()
            assert (labels(split).bincount() / len(split) - 0.1).abs().max() < 0.03
        drawn = data.draw(64, stream(0, "test"))
        assert drawn.shape == (64, 1, side, side)
        fixed = {image.tobytes() for image in data.train.x.numpy()}
        assert sum(image.tobytes() in fixed for image in drawn.numpy()) < 5

    def test_a_number_fixes_the_images(self) -> None:
        data = AffineDigits(images=100).load(None)
        assert len(data.train) == 100 and data.fresh is None


class TestGlyphs:
    def test_each_digit_is_that_of_the_font_at_its_size(self) -> None:
        """Drawn by PIL at 27 points, without zoom: the same shapes, up to the font's hints."""
        package = find_spec("matplotlib")
        assert package is not None and package.origin is not None
        font = ImageFont.truetype(Path(package.origin).parent / "mpl-data/fonts/ttf/STIXGeneral.ttf", 27)
        theirs = []
        for digit in "0123456789":
            image = Image.new("L", (28, 28))
            left, top, right, bottom = font.getbbox(digit)
            ImageDraw.Draw(image).text(((28 - left - right) // 2, (28 - top - bottom) // 2), digit, fill=255, font=font)
            theirs.append(np.asarray(image, dtype=float).ravel())
        ours = printed(torch.arange(10), torch.zeros(10), torch.zeros(10, 2)).flatten(1).double().numpy()
        alike = np.corrcoef(ours, np.stack(theirs))[:10, 10:]
        assert alike.argmax(axis=1).tolist() == alike.argmax(axis=0).tolist() == list(range(10))
        assert alike.diagonal().min() > 0.65

    def test_pixels_are_the_mean_ink_of_their_square(self) -> None:
        upright = printed(torch.arange(10), torch.zeros(10), torch.zeros(10, 2))[:, 0]
        assert torch.equal(upright, large()[:, 4::9, 4::9].round().to(torch.uint8))

    def test_shifts_go_down_and_right_and_turns_anticlockwise(self) -> None:
        y, none = torch.arange(10), torch.zeros(10)
        upright = printed(y, none, torch.zeros(10, 2))
        moved = printed(y, none, torch.tensor([[2, -3]]).repeat(10, 1))
        assert torch.equal(moved, upright.roll((2, -3), dims=(2, 3)))
        quarter = printed(y, none + 90, torch.zeros(10, 2))
        assert (quarter.int() - upright.rot90(1, dims=(2, 3)).int()).abs().max() <= 1
        both = printed(y, none + 90, torch.tensor([[2, -3]]).repeat(10, 1))
        assert (both.int() - quarter.roll((2, -3), dims=(2, 3)).int()).abs().max() <= 1

    def test_only_the_shift_varies_without_rotation(self) -> None:
        data = Glyphs(rotation=0.0, shift=2, per_class=300).load(None)
        upright = printed(torch.arange(10), torch.zeros(10), torch.zeros(10, 2))
        moves = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]
        for digit in range(10):
            wanted = {upright[digit].roll(move, dims=(1, 2)).numpy().tobytes() for move in moves}
            assert {x.numpy().tobytes() for x in data.train.x[labels(data.train) == digit]} == wanted
        still = Glyphs(rotation=0.0, shift=0, per_class=3).load(None).train
        assert torch.equal(still.x, upright.repeat(3, 1, 1, 1))

    @pytest.mark.parametrize("limit", [15.0, 4.0])
    def test_rotations_fill_their_range(self, limit: float) -> None:
        """The main axis of the digit 1, against that of the upright one: uniform in -limit..limit."""
        train = Glyphs(rotation=limit, shift=0, per_class=500).load(None).train
        x = torch.cat([printed(torch.tensor([1]), torch.zeros(1), torch.zeros(1, 2)), train.x[labels(train) == 1]])
        weights = x[:, 0].double() / x.double().sum(dim=(1, 2, 3)).view(-1, 1, 1)
        rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
        dy = rows - (weights * rows).sum(dim=(1, 2)).view(-1, 1, 1)
        dx = columns - (weights * columns).sum(dim=(1, 2)).view(-1, 1, 1)
        lean = 2 * (weights * dx * dy).sum(dim=(1, 2)), (weights * (dy**2 - dx**2)).sum(dim=(1, 2))
        angle = torch.rad2deg(0.5 * torch.atan2(*lean))
        angle = angle[1:] - angle[0]
        assert limit * 0.97 < angle.abs().max() < limit + 0.3
        assert abs(float(angle.mean())) < 0.1 * limit and float(angle.std()) == pytest.approx(limit / 3**0.5, rel=0.1)

    def test_classes_are_whole_equal_and_easily_told_apart(self) -> None:
        data = loaded(Glyphs())
        assert data.space == Glyphs().space(None) == Space((1, 28, 28), classes=10)
        for split, each in zip(splits(data), (1000, 200, 200), strict=True):
            assert labels(split).bincount().tolist() == [each] * 10
        ink = printed(torch.arange(10), torch.zeros(10), torch.zeros(10, 2)).flatten(1).double().sum(dim=1)
        kept = data.train.x.flatten(1).double().sum(dim=1) / ink[labels(data.train)]
        assert 0.98 < kept.min() <= kept.max() < 1.02  # nothing falls over the edge
        nearest = torch.cdist(data.test.x.flatten(1).float(), data.train.x.flatten(1).float()).argmin(dim=1)
        assert (labels(data.train)[nearest] == labels(data.test)).double().mean() > 0.99

    def test_nothing_but_the_options_decides(self) -> None:
        again = Glyphs(per_class=50).load(None)
        assert torch.equal(again.test.x, loaded(Glyphs()).test.x)
        assert torch.equal(again.train.x, Glyphs(per_class=50).load(None).train.x)
