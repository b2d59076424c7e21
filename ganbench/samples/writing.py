"""Samples as files: an array, a picture, or a folder of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.datasets.base import Split
from ganbench.errors import RequestError
from ganbench.results import pictures

if TYPE_CHECKING:
    from torch import Tensor

ENDINGS = "FILE.npz, FILE.png, or a folder, whose name has no ending"
MOST_PICTURED = 4096  # images in one picture


def write_samples(samples: Split, out: Path, columns: int | None = None, centres: Tensor | None = None) -> None:
    """Write samples at rest.

    .npz: `x`, uint8 images (n, h, w, c) or float32 points (n, d), and labels `y` (n,) where there are any, as
    `ganbench evaluate` reads them. .png: images in a grid of so many `columns` (None: as many as rows), or the density
    of points, with a circle around each of the `centres` (k, d) of the true modes. A folder: one PNG for each image,
    `00000.png` and so on. Raises `RequestError` for another ending, and `OSError` where nothing can be written.
    """
    if out.suffix not in (".npz", ".png", ""):
        raise RequestError("--out", f"samples can't be written as {out.suffix}", ENDINGS)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".npz":
        np.savez(out, **_arrays(samples))
    elif out.suffix == ".png":
        out.write_bytes(pictures.png(_pictured(samples, out), columns, centres))
    else:
        _write_images(samples, out)


def _arrays(samples: Split) -> dict[str, Any]:
    x = samples.x.permute(0, 2, 3, 1) if samples.x.dim() == 4 else samples.x
    labels = {} if samples.y is None else {"y": samples.y.numpy()}
    return {"x": np.ascontiguousarray(x.numpy()), **labels}


def _pictured(samples: Split, out: Path) -> Any:
    if len(samples) > MOST_PICTURED and samples.x.dim() == 4:
        given = f"{len(samples)} images in one picture"
        raise RequestError("--out", given, f"at most {MOST_PICTURED}", f"write them as {out.with_suffix('.npz')}")
    return samples.x


def _write_images(samples: Split, folder: Path) -> None:
    if samples.x.dim() != 4:
        raise RequestError("--out", "the samples are points, not images", "FILE.npz or FILE.png")
    folder.mkdir(exist_ok=True)
    if any(folder.iterdir()):
        raise RequestError("--out", f"the folder {folder} is not empty", todo="name a new folder")
    for place, image in enumerate(samples.x):
        (folder / f"{place:05}.png").write_bytes(pictures.single(image))
