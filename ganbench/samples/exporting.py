"""A run's generator as a program of its own, which needs no ganbench: `torch.export` or ONNX, with a README."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganbench.errors import RequestError
from ganbench.samples.generators import SampleRequest, SavedRun

EXAMPLES = 3  # latents in the call that is traced; not 1, which would be taken for a fixed size


def export_generator(run: SavedRun, out: Path, step: int | None = None) -> Path:
    """Write the generator of a kept mark (None: of the last) as .pt2 or .onnx, and beside it how to feed it.

    The program maps float32 latents (n, z), and int64 labels (n,) of a conditional generator, to samples in the range
    of the network, for every n. Returns the path of the README. Raises `RequestError` for another ending, a mark that
    was not kept, or ONNX where its package is not installed, and `OSError` where nothing can be written.
    """
    if out.suffix not in WRITERS:
        raise RequestError(
            "--out", f"a generator can't be written as {out.suffix or 'a folder'}", "FILE.pt2, FILE.onnx"
        )
    mark = run.mark(step)
    generator = run.generator(mark)
    inputs = run.inputs(SampleRequest(n=EXAMPLES), mark)
    given = (inputs.z,) if inputs.y is None else (inputs.z, inputs.y)
    out.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about its own files
        WRITERS[out.suffix](generator, given, out)
    readme = out.with_name(f"{out.stem}.README.md")
    readme.write_text(_readme(run, out, mark, given), encoding="utf-8")
    return readme


def _write_program(generator: torch.nn.Module, given: tuple[Tensor, ...], out: Path) -> None:
    torch.export.save(torch.export.export(generator, given, dynamic_shapes=_any_number(given)), str(out))


def _write_onnx(generator: torch.nn.Module, given: tuple[Tensor, ...], out: Path) -> None:
    if find_spec("onnx") is None or find_spec("onnxscript") is None:
        raise RequestError("--out", "ONNX needs the packages onnx and onnxscript", todo="pip install 'ganbench[onnx]'")
    names = ["z", "y"][: len(given)]
    torch.onnx.export(
        generator, given, str(out), input_names=names, output_names=["x"], dynamic_shapes=_any_number(given),
        external_data=False, dynamo=True, verbose=False,
    )  # fmt: skip


def _any_number(given: tuple[Tensor, ...]) -> dict[str, dict[int, Any]]:
    """The first dimension of every input is free, and the same for all."""
    count = torch.export.Dim("n")
    return {name: {0: count} for name in ("z", "y")[: len(given)]}


WRITERS: dict[str, Callable[[torch.nn.Module, tuple[Tensor, ...], Path], None]] = {
    ".pt2": _write_program,
    ".onnx": _write_onnx,
}


def _readme(run: SavedRun, out: Path, mark: int, given: tuple[Tensor, ...]) -> str:
    network, space = run.spec.network, run.space
    low, high = network.pixel_range
    z = f"torch.randn(n, {given[0].shape[1]})"
    prior, draw = ("N(0, 1)", z) if network.prior == "normal" else ("U(-1, 1)", f"{z.replace('randn', 'rand')} * 2 - 1")
    labels = f"- `y`: int64 (n,), labels from 0 to {space.classes - 1}\n" if len(given) > 1 else ""
    shape = ", ".join(map(str, ("n", *space.shape)))
    rest = f"((x - {low:g}) * {255 / (high - low):g}).round().clamp(0, 255).to(torch.uint8)"
    range_text = f" in {low:g} .. {high:g}; as uint8 in 0 .. 255: `{rest}`" if space.is_image else ""
    return f"""\
# {out.name}

The generator of the run `{run.folder.run_id}` after {mark} steps.

- `z`: float32 (n, {given[0].shape[1]}), draws from {prior}
{labels}- result `x`: float32 ({shape}){range_text}

```python
{_usage(out, draw, len(given) > 1)}
```
"""


def _usage(out: Path, draw: str, labelled: bool) -> str:
    n = "n = 16\n"
    y = "y = torch.zeros(n, dtype=torch.int64)\n" if labelled else ""
    if out.suffix == ".pt2":
        call = "generator(z, y)" if labelled else "generator(z)"
        return f'import torch\n\ngenerator = torch.export.load("{out.name}").module()\n{n}z = {draw}\n{y}x = {call}'
    feed = '{"z": z.numpy(), "y": y.numpy()}' if labelled else '{"z": z.numpy()}'
    head = f'import onnxruntime\nimport torch\n\nsession = onnxruntime.InferenceSession("{out.name}")\n'
    return f"{head}{n}z = {draw}\n{y}x = torch.from_numpy(session.run(None, {feed})[0])"
