"""Pictures of samples."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganbench.results.pictures import AROUND, INK, MODE, SIDE, density, grid, png

DARK = 160  # what ink takes from white, at least, in red


def opened(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture)


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (5, 1, 28, 28), (64, 3, 32, 32), (9, 3, 64, 40), (2, 1, 600, 600)])
def test_a_grid_is_square_and_large_enough(shape: tuple[int, ...]) -> None:
    picture = opened(png(torch.zeros(shape, dtype=torch.uint8)))
    rows = int(np.ceil(shape[0] ** 0.5))
    factor = max(1, 512 // (rows * max(shape[2:])))
    sides = (rows * (shape[2] * factor + 1), rows * (shape[3] * factor + 1))
    assert picture.shape == (sides if shape[1] == 1 else (*sides, 3))


def test_tiles_stand_in_reading_order_and_hold_their_pixels() -> None:
    images = np.arange(5 * 3 * 2 * 2, dtype=np.uint8).reshape(5, 3, 2, 2)
    picture = grid(images)
    side = len(picture) // 3
    factor = (side - 1) // 2
    for n, image in enumerate(images):
        tile = picture[n // 3 * side :, n % 3 * side :][: side - 1, : side - 1]
        assert (tile[::factor, ::factor].transpose(2, 0, 1) == image).all()
        assert (picture[n // 3 * side + side - 1] == 255).all(), "a white line between two rows"
    assert (picture[side : 2 * side, 2 * side :] == 255).all(), "no sixth image"


def test_grey_images_are_grey() -> None:
    picture = grid(np.full((1, 1, 4, 4), 77, np.uint8))
    assert (picture[:-1, :-1] == 77).all()


@pytest.mark.parametrize(
    ("point", "corner"), [((1, 1), (0, -1)), ((-1, 1), (0, 0)), ((1, -1), (-1, -1)), ((-1, -1), (-1, 0))]
)
def test_points_lie_as_in_the_plane(point: tuple[float, float], corner: tuple[int, int]) -> None:
    """The first coordinate runs to the right and the second one up."""
    picture = density(np.array([point]) * 1.4)
    side = len(picture)
    row, column = (np.argwhere(picture[..., 0] < 255 - DARK).mean(0) / side * 2).astype(int)
    assert (row, column) == (corner[0] % 2, corner[1] % 2)


def test_denser_places_are_darker() -> None:
    picture = density(np.array([[1.0, 0.0]] * 9 + [[-1.0, 0.0]]))
    left, right = picture[:, : len(picture) // 2], picture[:, len(picture) // 2 :]
    assert right.min() < left[..., 0].min() < 255


@pytest.mark.parametrize(
    "points",
    [np.zeros((0, 2)), np.full((3, 2), np.nan), np.array([[np.inf, 0], [1, 1]]), np.ones((4, 1)), np.ones((4, 7))],
)
def test_points_of_any_kind_are_drawn(points: np.ndarray) -> None:
    assert opened(png(torch.from_numpy(points))).shape == (512, 512, 3)


@given(st.lists(st.tuples(*[st.floats(width=32)] * 2), max_size=20))
@settings(max_examples=50)
def test_any_numbers_are_drawn(points: list[tuple[float, float]]) -> None:
    picture = density(np.array(points, dtype=np.float32).reshape(-1, 2))
    finite = [point for point in points if np.isfinite(point).all()]
    assert ((picture < 255).any()) == bool(finite)


@pytest.mark.parametrize("reach", [1.0, 4.0])
def test_true_modes_are_circled_where_they_are(reach: float) -> None:
    """Also those far from all samples; what lies at a mode stays visible inside its circle."""
    centres = reach * torch.tensor([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]])
    picture = opened(png(centres[:1].repeat(50, 1), centres=centres)).astype(int)
    orange = (picture == MODE).all(2)
    scale = max(1.5, 1.1 * reach)
    for x, y in (centres / scale).tolist():
        row, column = round((1 - y) / 2 * SIDE), round((1 + x) / 2 * SIDE)
        near = orange[row - AROUND - 1 : row + AROUND + 2, column - AROUND - 1 : column + AROUND + 2]
        rows, columns = np.nonzero(near)
        assert near.sum() > 40 and max(abs(rows.mean() - AROUND - 1), abs(columns.mean() - AROUND - 1)) <= 1
        assert not orange[row, column]
    assert orange[: SIDE // 2].sum() > orange[SIDE // 2 :].sum() > 0, "two modes above, one below"
    assert not orange[SIDE // 2 :, : SIDE // 2].any()
    inked = (picture == INK).all(2)
    assert inked.any() and not inked[SIDE // 2 :].any()


def test_without_known_modes_nothing_is_circled() -> None:
    points = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert not (opened(png(points)) == MODE).all(2).any()


def test_modes_on_a_line_are_circled_too() -> None:
    assert (opened(png(torch.ones(3, 1), centres=torch.tensor([[0.0], [1.0]]))) == MODE).all(2).any()
