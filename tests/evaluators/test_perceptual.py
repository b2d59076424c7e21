"""LPIPS and what is built on it, against torch-fidelity's program with the same hand-made weights."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch_fidelity.sample_similarity_lpips as reference
from torch import Tensor, nn
from torch_fidelity.generative_model_modulewrapper import GenerativeModelModuleWrapper
from torch_fidelity.metric_ppl import KEY_METRIC_PPL_MEAN, calculate_ppl
from torchvision.models.vgg import cfgs, make_layers

from ganbench.errors import RequestError
from ganbench.evaluators.lpips_diversity import LPIPSDiversity
from ganbench.evaluators.ppl import PPL
from ganbench.features import lpips
from ganbench.features.bank import Bank
from ganbench.features.extractor import Embedding, Extractor
from ganbench.rng import stream
from tests.support.evaluation import image_data, real_side, scores_of

VERSIONS = {LPIPSDiversity: 1, PPL: 1}
LINEAR = {
    f"lin{i}.model.1.weight": torch.rand(1, width, 1, 1, generator=stream(i, "linear"))
    for i, width in enumerate((64, 128, 256, 512, 512))
}


@pytest.mark.parametrize(("evaluator", "version"), VERSIONS.items())
def test_the_numbers_below_are_those_of_this_version(evaluator: type[LPIPSDiversity | PPL], version: int) -> None:
    assert evaluator.version == version, "its numbers changed: derive the values below anew"


@pytest.fixture(scope="module")
def layers() -> nn.Sequential:
    """VGG16's layers with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make_layers(cfgs["D"])


@pytest.fixture(scope="module")
def files(layers: nn.Sequential, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like torch's own with the weights in the published format."""
    folder = tmp_path_factory.mktemp("hub") / "checkpoints"
    folder.mkdir()
    torch.save({f"features.{name}": tensor for name, tensor in layers.state_dict().items()}, folder / lpips.VGG)
    torch.save(LINEAR, folder / lpips.LINEAR)
    return folder


@pytest.fixture
def program(layers: nn.Sequential, files: Path, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """torch-fidelity's LPIPS with these weights, which ganbench finds in torch's folder."""
    monkeypatch.setattr("torch.hub._hub_dir", str(files.parent))
    monkeypatch.setattr(lpips, "SHA256", lpips.digest(files / lpips.VGG)[:8])
    linear = {name: tensor.clone() for name, tensor in LINEAR.items()}
    monkeypatch.setattr(reference, "load_state_dict_from_url", lambda *_, **__: linear)
    monkeypatch.setattr(reference, "torchvision_load_pretrained_vgg16", lambda: SimpleNamespace(features=layers))
    return reference.SampleSimilarityLPIPS("lpips-vgg16", sample_similarity_resize=64)


@pytest.mark.golden
@pytest.mark.parametrize("side", [16, 96])
def test_squared_distances_of_the_embedding_are_lpips(program: nn.Module, side: int) -> None:
    x = torch.randint(0, 256, (4, 3, side, side), generator=stream(0, "images"), dtype=torch.uint8)
    features = lpips.lpips("cpu").apply(x).features
    assert features.shape == (4, 499_712)
    wanted = program(x[:2], x[2:])
    torch.testing.assert_close((features[:2] - features[2:]).square().sum(1), wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.golden
def test_lpips_diversity_is_the_mean_over_pairs(program: nn.Module, tmp_path: Path) -> None:
    real = real_side(image_data(6, shape=(3, 8, 8)), tmp_path)
    view = real.view(image_data(6, shape=(3, 8, 8), seed=1).test.x)
    found = scores_of(LPIPSDiversity(size=3), view)
    i, j = torch.combinations(torch.arange(3), 2).unbind(1)
    for name, x in (("lpips_diversity", view.x), ("lpips_diversity_real", real.data.test.x)):
        assert found[name].value == pytest.approx(program(x[i], x[j]).mean().item(), rel=1e-4)
    assert found["lpips_diversity"].n == 3
    one = real.view(view.x[:1].repeat(4, 1, 1, 1))
    assert scores_of(LPIPSDiversity(), one)["lpips_diversity"].value == pytest.approx(0, abs=1e-9)


class Waves(nn.Module):
    """Latents (n, 4) to images (n, 3, 8, 8) in 0..255; `seen` keeps both."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, z: Tensor) -> Tensor:
        rows = torch.arange(8.0)
        plane = torch.sin(z[:, :1] * rows)[:, :, None] * torch.cos(z[:, 1:2] * rows)[:, None]
        colours = z[:, 2:3, None, None] * torch.tensor([0.5, 1, 2])[:, None, None]
        self.seen.append(127.5 * (1 + torch.tanh(plane[:, None] + colours)))
        return self.seen[-1]


@pytest.mark.golden
def test_ppl_is_torch_fidelitys(program: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its program draws the latents; the images are recorded and given to ours."""
    net = Waves()
    monkeypatch.setattr("torch_fidelity.metric_ppl.create_sample_similarity", lambda *_, **__: program)
    monkeypatch.setattr(np, "percentile", older_percentile)
    options = {"batch_size": 10, "ppl_z_interp_mode": "slerp_any", "ppl_epsilon": 0.01, "input1_model_num_samples": 20,
               "ppl_sample_similarity_dtype": None}  # fmt: skip
    wanted = calculate_ppl(
        1, input1=GenerativeModelModuleWrapper(net, 4, "normal", 0), cuda=False, verbose=False, **options
    )[KEY_METRIC_PPL_MEAN]
    pairs = [x.chunk(2) for x in net.seen]
    view = real_side(image_data(60, shape=(3, 8, 8)), tmp_path).view(
        image_data(60, shape=(3, 8, 8)).test.x, steps=lambda count, epsilon: iter(pairs)
    )
    assert scores_of(PPL(size=20, epsilon=0.01), view)["ppl"].value == pytest.approx(wanted, rel=1e-3)


REAL_PERCENTILE = np.percentile


def older_percentile(values: np.ndarray, share: float, interpolation: str) -> float:
    """The name of an argument before NumPy 2."""
    return float(REAL_PERCENTILE(values, share, method=interpolation))


def test_without_its_generator_ppl_says_so(tmp_path: Path) -> None:
    extractor = Extractor({"extractor": "pixels"}, lambda x: Embedding(x.float().flatten(1)))
    real = Bank(tmp_path, extractors={"lpips": extractor}).reference(image_data())
    with pytest.raises(RequestError, match="their generator isn't known"):
        scores_of(PPL(), real.view(image_data(seed=1).test.x))


@pytest.mark.parametrize(("missing", "other"), [(lpips.VGG, lpips.LINEAR), (lpips.LINEAR, lpips.VGG)])
def test_missing_files_are_named_with_their_source(
    files: Path, missing: str, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / other).hardlink_to(files / other)
    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path))
    with pytest.raises(RequestError, match=rf"there is no file .*{missing}.*fetch it from https://"):
        Bank(tmp_path).check_ready(["lpips"])


def test_other_weights_of_vgg_are_refused(program: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lpips, "SHA256", "397923af")
    with pytest.raises(RequestError, match="not the published weights"):
        Bank(tmp_path).check_ready(["lpips"])
