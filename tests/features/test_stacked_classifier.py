"""The classifier of stacked images classifies the images in their channels."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganbench import rng
from ganbench.datasets.base import Data, Space, Split
from ganbench.datasets.parts.drawn import stacked
from ganbench.datasets.stacked_digits import StackedDigits
from ganbench.evaluators.class_modes import ClassModes
from ganbench.evaluators.parts import classifier
from ganbench.features.classifier import combined, unstacked
from tests.support.evaluation import real_side, scores_of

SPACE = Space((3, 8, 8), 1000, stacked=3)


def columns(n: int, seed: int) -> Split:
    """Noisy digits whose class is the place of a bright row (0 to 7) or column."""
    generator = rng.stream(seed, "columns")
    x = torch.randint(0, 80, (n, 1, 8, 8), generator=generator, dtype=torch.uint8)
    y = torch.arange(n) % 10
    for image, label in zip(x, y.tolist(), strict=True):
        (image[0, label] if label < 8 else image[0, :, label - 8]).add_(150)
    return Split(x, y)


def stacks(n: int, seed: int) -> Split:
    return stacked(columns(50, seed), n, rng.stream(seed, "stacks"))


def test_the_space_says_that_it_is_stacked() -> None:
    assert StackedDigits().space(None) == SPACE


def test_unstacked_images_are_the_distinct_images_in_the_channels() -> None:
    source = columns(50, 0)
    one, found = unstacked(SPACE, stacked(source, 400, rng.stream(0, "stacks")))
    assert one == Space((1, 8, 8), 10)
    assert found.y is not None and source.y is not None
    labels = {bytes(image.flatten().tolist()): int(y) for image, y in zip(source.x, source.y, strict=True)}
    assert {bytes(i.flatten().tolist()): int(y) for i, y in zip(found.x, found.y, strict=True)} == labels
    assert len(found) == 50


def test_combined_probabilities_are_those_of_independent_parts() -> None:
    logits = torch.randn(6, 10, generator=rng.stream(0, "logits"), dtype=torch.float64)
    embedding = combined(torch.arange(24.0).reshape(6, 4), logits, 3)
    assert embedding.features.tolist() == torch.arange(24.0).reshape(2, 12).tolist()
    assert embedding.logits is not None
    a, b, c = logits[3:].softmax(1)
    wanted = torch.stack([a[i] * b[j] * c[k] for i in range(10) for j in range(10) for k in range(10)])
    torch.testing.assert_close(embedding.logits[1].exp(), wanted, rtol=1e-12, atol=0)


def test_a_thousand_modes_by_the_classifier_of_one_digit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "LEAST", 3000)
    real = real_side(Data(SPACE, stacks(400, 0), stacks(50, 1), stacks(300, 2)), tmp_path)
    made = stacks(500, 3)
    assert made.y is not None
    found = scores_of(ClassModes(), real.view(made.x))
    about = found["class_modes"].fingerprint
    assert about["extractor"] == "classifier conv-1 of each of 3 stacked images"
    assert float(about["test accuracy"]) > 0.9
    assert found["class_modes"].value == pytest.approx(len(set(made.y.tolist())), abs=25)
    assert found["class_kl_uniform"].value > 0.5 * 999 / 1000  # far too few samples, and it shows
    alone = scores_of(ClassModes(), real.view(made.x[:1].expand(30, -1, -1, -1).contiguous()))
    assert (alone["class_modes"].value, alone["class_modes_20"].value) == (1, 1)
