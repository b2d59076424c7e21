"""A user's TorchScript file, DINOv2 and CLIP as features: read from existing files only."""

from __future__ import annotations

import hashlib
import urllib.error
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from PIL import Image
from torch import Tensor, nn

from ganbench.errors import RequestError, SuiteError
from ganbench.evaluators.base import KNOWN, is_file
from ganbench.evaluators.fid import FID
from ganbench.evaluators.precision_recall import PrecisionRecall
from ganbench.features import pretrained
from ganbench.features.bank import Bank
from ganbench.suite import load
from tests.support.evaluation import image_data, points_data, real_side, scores_of

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.(script|save|trace|trace_method)`:FutureWarning")


class Means(nn.Module):
    """The mean of each row of an image, and twice that."""

    def forward(self, x: Tensor) -> Tensor:
        rows = x.float().mean(3).flatten(1)
        return torch.cat([rows, 2 * rows], 1)


class Whole(nn.Module):
    """Images as they are: not one row a sample."""

    def forward(self, x: Tensor) -> Tensor:
        return x.float()


def saved(net: nn.Module, path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.jit.save(torch.jit.script(net), str(path))
    return str(path)


# a user's file


def test_a_file_gives_features_under_its_own_name(tmp_path: Path) -> None:
    path = saved(Means(), tmp_path / "nets" / "row_means.pt")
    real = real_side(image_data(), tmp_path / "cache")
    view = real.view(real.data.validation.x)
    torch.testing.assert_close(view.features(path)[:, :8], view.x.float().mean(3).flatten(1))
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    score = scores_of(FID(features=path), view)["fd_row_means"]
    assert (score.fingerprint["weights"], score.fingerprint["extractor"]) == (digest, "row_means.pt")
    assert {"precision_row_means", "recall_row_means"} == scores_of(PrecisionRecall(features=path), view).keys()
    assert any(file.name.startswith("moments-row_means.pt-") for file in (tmp_path / "cache").iterdir())
    again = real_side(image_data(), tmp_path / "cache", batch=5)
    assert scores_of(FID(features=path), again.view(view.x))["fd_row_means"].value == pytest.approx(score.value)


def test_another_content_is_another_protocol(tmp_path: Path) -> None:
    path = saved(Means(), tmp_path / "net.pt")
    before = FID(features=path).notation()
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8] in before
    saved(nn.Flatten(), tmp_path / "net.pt")
    assert FID(features=path).notation() != before


def test_points_have_features_of_a_file_too(tmp_path: Path) -> None:
    path = saved(nn.Linear(2, 3), tmp_path / "linear.pt")
    real = real_side(points_data(torch.rand(9, 2)), tmp_path)
    view = replace(real, data=points_data(real.data.test.x)).view(torch.rand(5, 2))
    assert view.features(path).shape == (5, 3)


def test_what_is_no_file_of_features_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.pt"
    text.write_text("no module")
    for name, message in ((str(tmp_path / "absent.pt"), "there is no such file"), (str(text), "can't read it")):
        with pytest.raises(RequestError, match=message):
            Bank(tmp_path).check_ready([name])
    path = saved(Whole(), tmp_path / "whole.pt")
    with pytest.raises(RequestError, match=r"maps 64 samples to \(64, 1, 8, 8\).*flatten its output"):
        real_side(image_data(), tmp_path).split("test").features(path)


def test_names_of_files() -> None:
    assert is_file("net.pt") and is_file("a/b.c/my-net_2.pt")
    assert not any(map(is_file, ("pixels", "net.pth", "pixels.pt", "a/clip.pt", "my net.pt", ".pt", "")))


def test_a_suite_takes_a_file_and_no_other_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    saved(Means(), tmp_path / "nets" / "my_net.pt")

    def suite(features: str) -> Path:
        path = tmp_path / "s.yaml"
        path.write_text(
            "name: s\ngrid: {variant: ns, dataset: ring8, optimizer: adam}\ntrain: {steps: 1, batch: 4}\n"
            f"evaluate: {{samples: 50, with: {{kind: fid, features: {features}}}}}\nplugins: nets/my_net.pt\n"
        )
        return path

    evaluator = load(suite("nets/my_net.pt")).evaluation.evaluators[0]
    assert evaluator == FID(features="nets/my_net.pt") and evaluator.metrics()[0].name == "fd_my_net"
    with pytest.raises(SuiteError) as error:
        load(suite("pixls"))
    allowed = ", ".join(KNOWN)
    assert f"pixls must be one of {allowed} or the path of" in str(error.value)
    assert "did you mean 'pixels'?" in str(error.value)


# DINOv2 and CLIP


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of torch's own, and no network."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise urllib.error.URLError("no network in tests")

    for place in ("torch.hub.urlopen", "torch.hub.download_url_to_file"):
        monkeypatch.setattr(place, refuse)
    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.mark.parametrize(
    ("name", "todo"),
    [
        ("dinov2", "facebookresearch/dinov2"),
        ("clip", "ViT-B-32.pt (354 MB)"),
        ("clip_l14_336", "ViT-L-14-336px.pt (934 MB)"),
    ],
)
def test_missing_files_are_an_error_that_says_where_they_belong(
    name: str, todo: str, hub: Path, tmp_path: Path
) -> None:
    with pytest.raises(RequestError) as error:
        Bank(tmp_path).check_ready([name])
    place = hub / pretrained.PRETRAINED[name].places[0]
    assert f"features {name!r}: there is no file {place}" in str(error.value)
    assert todo in str(error.value) and "use features: pixels" in str(error.value)
    assert not hub.exists()


def test_other_weights_of_clip_are_refused(hub: Path) -> None:
    place = hub / pretrained.PRETRAINED["clip"].places[-1]
    place.parent.mkdir(parents=True)
    place.write_bytes(b"a partial download")
    with pytest.raises(RequestError, match="not the published weights"):
        pretrained.pretrained_weights("clip")


def stub(name: str, sha256: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pretrained.PRETRAINED, name, replace(pretrained.PRETRAINED[name], sha256=sha256))


def check_gray_and_colour(name: str, cache: Path) -> None:
    x = torch.randint(0, 256, (2, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    gray = real_side(image_data(), cache).view(x)
    colour = real_side(image_data(shape=(3, 8, 8)), cache).view(x.repeat(1, 3, 1, 1))
    assert gray.features(name).shape == (2, 6) and gray.features(name).std() > 0
    torch.testing.assert_close(gray.features(name), colour.features(name), rtol=1e-5, atol=1e-6)
    assert gray.extractor(name)["extractor"] == pretrained.PRETRAINED[name].network
    assert len(gray.extractor(name)["weights"]) == 64


HUBCONF = """
import torch
def dinov2_vitl14(pretrained=True):
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(48, 6))
"""


def test_dinov2_is_taken_from_torchs_folder(hub: Path, tmp_path: Path) -> None:
    for place, text in zip(pretrained.PRETRAINED["dinov2"].places, (HUBCONF, "weights"), strict=True):
        (hub / place).parent.mkdir(parents=True, exist_ok=True)
        (hub / place).write_text(text)
    check_gray_and_colour("dinov2", tmp_path)


@pytest.mark.golden
def test_dinov2_prepares_images_as_published(hub: Path, tmp_path: Path) -> None:
    """PIL's bicubic resizing of 8-bit RGB images, then ImageNet's mean and standard deviation (dgm-eval's order)."""
    for place, text in zip(pretrained.PRETRAINED["dinov2"].places, (HUBCONF, "weights"), strict=True):
        (hub / place).parent.mkdir(parents=True, exist_ok=True)
        (hub / place).write_text(text)
    x = torch.randint(0, 256, (2, 3, 300, 260), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    photos = [Image.fromarray(image.permute(1, 2, 0).numpy()).resize((224, 224), Image.BICUBIC) for image in x]
    images = torch.stack([torchvision.transforms.functional.to_tensor(photo) for photo in photos])
    mean, std = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    namespace: dict[str, Any] = {}
    exec(HUBCONF, namespace)
    with torch.no_grad(), torch.random.fork_rng():
        wanted = namespace["dinov2_vitl14"]()((images - mean) / std)
    view = real_side(image_data(shape=(3, 300, 260)), tmp_path).view(x)
    torch.testing.assert_close(view.features("dinov2"), wanted, rtol=1e-4, atol=1e-5)
    assert "PIL" in view.extractor("dinov2")["resizer"]


class TinyClip(nn.Module):
    """What a CLIP archive holds: its visual part, and the text projection that tells the embedding's size."""

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.visual = visual
        self.text_projection = nn.Parameter(torch.zeros(2, 6))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.text_projection.sum()


def test_clip_is_taken_from_torchs_folder(hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(hub, "clip", monkeypatch)
    check_gray_and_colour("clip", tmp_path)


def archive(hub: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """A small archive in the place of CLIP's; its visual part."""
    from torch_fidelity.feature_extractor_clip import VisionTransformer

    visual: Callable[..., nn.Module] = VisionTransformer
    net = TinyClip(visual(input_resolution=8, patch_size=4, width=64, layers=1, heads=1, output_dim=6))
    place = hub / pretrained.PRETRAINED[name].places[-1]
    place.parent.mkdir(parents=True)
    trace: Callable[..., torch.jit.ScriptModule] = torch.jit.trace
    torch.jit.save(trace(net, torch.zeros(1)), str(place))
    stub(name, hashlib.sha256(place.read_bytes()).hexdigest(), monkeypatch)
    return net.visual


@pytest.mark.golden
def test_clip_336_prepares_images_as_cmmd(hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images in 0..1, resized bicubically, normalised by CLIP's statistics; embeddings of unit length."""
    from torch_fidelity.feature_extractor_clip import convert_weights

    visual = archive(hub, "clip_l14_336", monkeypatch)
    convert_weights(visual)  # to 16 bits, in which the published weights are
    visual = visual.float()
    check_gray_and_colour("clip_l14_336", tmp_path)
    x = torch.randint(0, 256, (2, 3, 5, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    # of an enlarged image, the kernel that torch calls antialiased is Keys' cubic with the coefficient -1/2
    wide = nn.functional.interpolate(x / 255, size=8, mode="bicubic", antialias=True)
    images = torchvision.transforms.functional.normalize(
        wide, (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    )
    with torch.no_grad():
        wanted = visual(images)
    got = real_side(image_data(classes=2, shape=(3, 5, 5)), tmp_path).view(x).features("clip_l14_336")
    torch.testing.assert_close(got, wanted / wanted.norm(dim=1, keepdim=True), rtol=1e-4, atol=1e-5)
