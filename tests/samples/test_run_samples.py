"""Samples from a run's generator: equal to those that were scored, in every format, and from an exported program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ganbench as gb
from ganbench.datasets.base import Split
from ganbench.plugins import Registry
from ganbench.results import pictures
from ganbench.runner.job import read_spec
from ganbench.samples.exporting import export_generator
from ganbench.samples.generators import SampleRequest
from ganbench.samples.writing import write_samples
from ganbench.testing import small_run
from ganbench.training.sampling import GeneratorInputs, interpolated
from tests.e2e.conftest import within

SCORED = 20
KINDS: dict[str, dict[str, Any]] = {  # a network for points, one with batch norm, one with labels, one with an average
    "points": {"dataset": "ring8", "network": {"kind": "mlp", "z": 8, "g_widths": [8], "d_widths": [8]}},
    "images": {"dataset": "digits", "network": {"kind": "dcgan", "z": 8, "width": 4}},
    "labelled": {"dataset": "digits", "network": {"kind": "conditional_mlp", "z": 8}},
    "averaged": {"dataset": "ring8", "network": {"kind": "mlp", "z": 8, "g_widths": [8], "d_widths": [8]}},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, gb.Run]:
    """A run of each kind with two marks, whose scored samples are kept beside it."""
    folder, found = tmp_path_factory.mktemp("runs") / "results", {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "png", _png_and_array(pictures.png))
        for name, kind in KINDS.items():
            bn = "generator" if name == "images" else "none"
            grid = {"variant": "ns", "dataset": kind["dataset"], "batchnorm": bn, "seed": 1}
            train = {"network": kind["network"], "steps": 4, "batch": 8}
            train |= {"schedule": {"ema": 0.5}} if name == "averaged" else {}
            evaluate = {"every": 2, "samples": SCORED, "with": [{"kind": "wasserstein"}]}
            suite = gb.Suite(name, grid=grid, train=train, evaluate=evaluate)
            results = gb.run(suite, folder, executor="inline", tracking_uri="none")
            found[name] = results[results.run_ids()[0]]
    return found


def _png_and_array(png: Any) -> Any:
    """What draws the picture of scored samples, which then ends with their bytes."""
    return lambda samples, *options, **named: png(samples, *options, **named) + samples.numpy().tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [2, 4])
def test_samples_are_those_that_were_scored(runs: Mapping[str, gb.Run], kind: str, step: int, tmp_path: Path) -> None:
    run = runs[kind]
    scored = (run.folder.path / "samples" / f"{step}.png").read_bytes()
    samples = run.sample(SCORED, step=step)
    assert scored.endswith(samples.numpy().tobytes())
    assert torch.equal(samples, run.sample(SCORED, seed=0, step=step))
    words = (
        "sample",
        run.run_id,
        "-n",
        SCORED,
        "--step",
        step,
        "--out",
        "x.npz",
        "--results",
        run.folder.path.parents[1],
    )
    done = within(tmp_path, *map(str, words))
    assert done.returncode == 0 and done.stdout == "x.npz\n", done.stderr
    x = np.load(tmp_path / "x.npz")["x"]
    assert np.array_equal(x if x.ndim == 2 else x.transpose(0, 3, 1, 2), samples.numpy())


def test_another_seed_and_another_mark_are_other_samples(runs: Mapping[str, gb.Run]) -> None:
    run = runs["points"]
    first, *others = run.sample(9), run.sample(9, seed=1), run.sample(9, step=2)
    assert not any(torch.equal(first, other) for other in others)
    assert torch.equal(first, run.sample(9, step=4))


@pytest.mark.parametrize("kind", KINDS)
def test_the_module_makes_the_same_samples(runs: Mapping[str, gb.Run], kind: str) -> None:
    run = runs[kind]
    inputs = run.saved.inputs(SampleRequest(n=5), 4)
    x = run.generator()(inputs.z) if inputs.y is None else run.generator()(inputs.z, inputs.y)
    low, high = run.spec.network.pixel_range
    expected = x if x.dim() == 2 else ((x - low) * 255 / (high - low)).round().clamp(0, 255).to(torch.uint8)
    assert torch.equal(run.sample(5), expected)


def test_chosen_labels_are_repeated(runs: Mapping[str, gb.Run], tmp_path: Path) -> None:
    run = runs["labelled"]
    drawn = run.saved.draw(SampleRequest(n=5, labels=[3, 7]))
    assert drawn.y is not None and drawn.y.tolist() == [3, 7, 3, 7, 3]
    inputs = run.saved.inputs(SampleRequest(n=5), 4)
    made = run.generator()(inputs.z, drawn.y)
    assert run.spec.network.pixel_range == (0, 1)
    assert torch.equal(drawn.x, (made * 255).round().clamp(0, 255).to(torch.uint8))
    results = str(run.folder.path.parents[1])
    words = ("sample", run.run_id, "-n", "5", "--labels", "3,7", "--out", "x.npz", "--results", results)
    assert within(tmp_path, *words).returncode == 0
    assert np.load(tmp_path / "x.npz")["y"].tolist() == [3, 7, 3, 7, 3]


@pytest.mark.parametrize(
    ("kind", "request_", "said"),
    [
        ("points", {"labels": [1]}, "the generator of mlp takes no labels"),
        ("labelled", {"labels": [10]}, "there is no label 10. 0 to 9"),
        ("points", {"step": 3}, "no generator of step 3 was kept. kept: 2, 4"),
        ("points", {"n": 0}, "n: 0 samples. at least 1"),
    ],
)
def test_what_is_refused(runs: Mapping[str, gb.Run], kind: str, request_: dict[str, Any], said: str) -> None:
    with pytest.raises(gb.RequestError, match=said):
        runs[kind].sample(**request_)


def test_interpolation_is_spherical() -> None:
    """Between orthogonal latents of length 1 it is a quarter of a circle: cos and sin of equal angles."""
    ends = GeneratorInputs(torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 1.0], [0.0, 4.0]]), torch.tensor([5, 6, 7, 8]))
    path = interpolated(ends, 4)
    angles = torch.arange(4) * torch.pi / 6
    assert torch.allclose(path.z[:4], torch.stack([angles.cos(), angles.sin()], 1), atol=1e-6)
    assert torch.allclose(path.z[4:, 1], torch.linspace(2, 4, 4)) and path.z[4:, 0].abs().max() == 0
    assert path.y is not None and path.y.tolist() == [5] * 4 + [6] * 4


def test_rows_of_interpolation_are_rows_of_the_picture(runs: Mapping[str, gb.Run], tmp_path: Path) -> None:
    run = runs["images"]
    where = ("--results", str(run.folder.path.parents[1]))
    done = within(tmp_path, "sample", run.run_id, "-n", "2", "--interpolate", "5", "--out", "p.png", *where)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "p.png") as picture:
        width, height = picture.size
    assert width * 2 == height * 5


def test_pictures_of_points_mark_the_true_modes(runs: Mapping[str, gb.Run], tmp_path: Path) -> None:
    """The one that the run drew, and one that `ganbench sample` draws."""
    run = runs["points"]
    where = ("--results", str(run.folder.path.parents[1]))
    assert within(tmp_path, "sample", run.run_id, "--out", "p.png", *where).returncode == 0
    for path in (tmp_path / "p.png", run.folder.path / "samples" / "4.png"):
        assert (_pixels(path) == pictures.MODE).all(2).any()


def test_a_folder_of_images(runs: Mapping[str, gb.Run], tmp_path: Path) -> None:
    run = runs["images"]
    words = ("sample", run.run_id, "-n", "3", "--out", "images", "--results", str(run.folder.path.parents[1]))
    assert within(tmp_path, *words).returncode == 0
    read = [_pixels(path) for path in sorted((tmp_path / "images").iterdir())]
    assert np.array_equal(np.stack(read), run.sample(3)[:, 0].numpy())
    again = within(tmp_path, *words)
    assert again.returncode == 2 and "the folder images is not empty" in again.stderr


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize("out", ["x.jpg", "folder"])
def test_points_have_no_image_files(runs: Mapping[str, gb.Run], out: str, tmp_path: Path) -> None:
    run = runs["points"]
    done = within(tmp_path, "sample", run.run_id, "--out", out, "--results", str(run.folder.path.parents[1]))
    assert done.returncode == 2 and "--out: " in done.stderr and "FILE.npz" in done.stderr


def test_a_run_can_be_evaluated(runs: Mapping[str, gb.Run]) -> None:
    run, folder = runs["points"], runs["points"].folder.path.parents[1]
    scores = gb.evaluate(f"run:{run.run_id}:50", "dataset:ring8", ["modes"], results=folder)
    assert scores["modes"] == gb.evaluate(run.sample(50), "dataset:ring8", ["modes"])["modes"]
    done = within(folder.parent, "evaluate", f"run:{run.run_id}:50", "--reference", "dataset:ring8", "--with", "modes")
    assert done.returncode == 0 and "modes" in done.stdout, done.stderr
    wrong = within(folder.parent, "evaluate", f"run:{run.run_id}:x", "--reference", "dataset:ring8")
    assert wrong.returncode == 2 and "'x' is not a number of samples" in wrong.stderr


FRESH = """\
import sys, torch
given = torch.load("given.pt", weights_only=True)
x = torch.export.load("g.pt2").module()(*given["inputs"])
assert not [name for name in sys.modules if name.startswith("ganbench")]
torch.testing.assert_close(x, given["x"], rtol=1e-6, atol=1e-6)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_an_exported_program_needs_no_ganbench(runs: Mapping[str, gb.Run], kind: str, tmp_path: Path) -> None:
    """It is traced with three latents and fed 20, in a process of its own."""
    run = runs[kind]
    readme = export_generator(run.saved, tmp_path / "g.pt2")
    inputs = [part for part in run.saved.inputs(SampleRequest(n=SCORED), 4) if part is not None]
    torch.save({"inputs": inputs, "x": run.generator()(*inputs)}, tmp_path / "given.pt")
    done = subprocess.run([sys.executable, "-c", FRESH], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    names: dict[str, Any] = {}
    code = readme.read_text().partition("```python\n")[2].partition("```")[0]
    exec(code.replace('"g.pt2"', repr(str(tmp_path / "g.pt2"))), names)
    assert names["x"].shape == (16, *run.saved.space.shape)


@pytest.mark.parametrize("kind", ["images", "labelled"])
def test_onnx_gives_the_same_values(runs: Mapping[str, gb.Run], kind: str, tmp_path: Path) -> None:
    reference = pytest.importorskip("onnx.reference")
    run = runs[kind]
    export_generator(run.saved, tmp_path / "g.onnx")
    inputs = run.saved.inputs(SampleRequest(n=7), 4)
    feed = {name: part.numpy() for name, part in inputs._asdict().items() if part is not None}
    (x,) = reference.ReferenceEvaluator(str(tmp_path / "g.onnx")).run(None, feed)
    expected = run.generator()(*(part for part in inputs if part is not None))
    assert np.allclose(x, expected.numpy(), atol=1e-5)


def test_the_command_exports(runs: Mapping[str, gb.Run], tmp_path: Path) -> None:
    run = runs["points"]
    where = ("--results", str(run.folder.path.parents[1]))
    done = within(tmp_path, "export", run.run_id, "--step", "2", "--out", "g.pt2", *where)
    assert done.returncode == 0 and done.stdout == "g.pt2\ng.README.md\n", done.stderr
    assert "after 2 steps" in (tmp_path / "g.README.md").read_text()
    wrong = within(tmp_path, "export", run.run_id, "--out", "g.pth", *where)
    assert wrong.returncode == 2 and "--out: a generator can't be written as .pth. FILE.pt2, FILE.onnx" in wrong.stderr


PLUGIN = """\
from dataclasses import dataclass
from typing import ClassVar
import ganbench as gb
from ganbench.variants.ns import NonSaturating

@dataclass(frozen=True, kw_only=True)
class Own(gb.Variant):
    version: ClassVar[int] = 1
    source: ClassVar[str] = "a test"
    def d_loss(self, net, batch):
        return NonSaturating().d_loss(net, batch)
    def g_loss(self, net, batch):
        return NonSaturating().g_loss(net, batch)
"""


def test_a_run_with_an_own_component_needs_its_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.py").write_text(PLUGIN)
    monkeypatch.chdir(tmp_path)
    grid, train = {"variant": "own", "dataset": "ring8", "seed": 1}, {"network": KINDS["points"]["network"], "steps": 2}
    suite = gb.Suite("mine", grid, train, {"every": 2, "samples": 10, "with": ["modes"]}, plugins=["own.py"])
    run_id = gb.run(suite, "results", executor="inline", tracking_uri="none").run_ids()[0]
    assert gb.open_results("results", suite)[run_id].sample(3).shape == (3, 2)
    with pytest.raises(gb.RequestError, match=r"does not hold the whole spec: there is no variant 'own'.*--suite FILE"):
        gb.open_results("results")[run_id].sample(3)


def test_the_spec_of_every_variant_is_read_back() -> None:
    """A folder says enough of a run to make its spec again."""
    registry = Registry.of()
    for kind in registry.names("variant"):
        spec = small_run(variant=registry.find("variant", kind)())
        assert read_spec(spec.canonical(), registry).run_id() == spec.run_id(), kind


def test_labels_go_into_the_array(tmp_path: Path) -> None:
    write_samples(Split(torch.zeros(2, 3, 4, 5, dtype=torch.uint8), torch.tensor([1, 2])), tmp_path / "a" / "x.npz")
    read = np.load(tmp_path / "a" / "x.npz")
    assert read["x"].shape == (2, 4, 5, 3) and read["x"].dtype == np.uint8 and read["y"].tolist() == [1, 2]


@pytest.mark.parametrize("kind", ["images", "labelled"])
def test_latent_steps_are_samples_that_are_not_rounded(runs: Mapping[str, gb.Run], kind: str) -> None:
    """The second of each pair lies the given share of the way to another latent: with a share of 1, at that latent."""
    steps = runs[kind].saved.latent_steps()
    (near, nearer), (_, far) = (map(torch.cat, zip(*steps(40, share), strict=True)) for share in (1e-4, 1.0))
    assert near.shape == nearer.shape == (40, 1, 8, 8) and near.is_floating_point()
    assert near.min() >= 0 and 100 < near.max() <= 255 and not torch.equal(near, near.round())
    small, large = ((other - near).norm() for other in (nearer, far))
    assert 0 < small < 1e-3 * large
