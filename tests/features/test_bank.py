"""The bank: one pass for all, a cache by content that survives damage and concurrent processes, and the extractors."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from ganbench.datasets.base import Data, Space, Split
from ganbench.datasets.digits import Digits
from ganbench.datasets.parts.files import digest
from ganbench.errors import RequestError
from ganbench.evaluators.base import Evaluator
from ganbench.evaluators.fid import FID
from ganbench.evaluators.inception_score import InceptionScore
from ganbench.evaluators.kid import KID
from ganbench.evaluators.parts import classifier
from ganbench.evaluators.parts.classifier import fit, network
from ganbench.evaluators.parts.gaussians import moments
from ganbench.evaluators.parts.protocol import content_key
from ganbench.evaluators.parzen import Parzen
from ganbench.evaluators.precision_recall import PrecisionRecall
from ganbench.features import bank, inception
from ganbench.features.bank import Bank, Real, evaluate
from ganbench.features.cache import Cache, read_tensors
from ganbench.features.extractor import Embedding, Extractor
from ganbench.features.inception import InceptionWeights
from ganbench.results import tensors
from tests.support.evaluation import image_data, points_data, real_side

IMAGES: list[Evaluator] = [
    FID(features="classifier"),
    KID(features="classifier", subsets=3),
    InceptionScore(features="classifier"),
    PrecisionRecall(features="classifier"),
    FID(features="pixels"),
    Parzen(),
]


@pytest.fixture(scope="module")
def digits() -> Data:
    return Digits().load(None)


@pytest.fixture(scope="module")
def trained(digits: Data, tmp_path_factory: pytest.TempPathFactory) -> Real:
    """The digits with their classifier, trained once for this file."""
    real = real_side(digits, tmp_path_factory.mktemp("cache"))
    real.extractor("classifier")
    return real


def again(real: Real, **settings: object) -> Real:
    """Another process with the same cache."""
    return real_side(real.data, real.bank.cache, **settings)


def write_time(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.pt")}


# the cache


@pytest.mark.parametrize(
    "other",
    [
        torch.tensor([[1, 2], [3, 5]], dtype=torch.uint8),
        torch.tensor([[1, 2], [3, 4]], dtype=torch.int8),
        torch.tensor([1, 2, 3, 4], dtype=torch.uint8),
    ],
)
def test_a_key_knows_every_value_the_shape_and_the_dtype(other: torch.Tensor) -> None:
    x = torch.tensor([[1, 2], [3, 4]], dtype=torch.uint8)
    assert content_key("a", x) == content_key("a", x.T.contiguous().T)
    assert content_key("a", x) != content_key("a", other)
    assert content_key("ab", "c") != content_key("a", "bc")


def test_a_file_with_any_byte_changed_or_missing_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    tensors.save(path, {"a": torch.arange(3.0)})
    whole = path.read_bytes()
    assert torch.load(path, weights_only=True)["a"].tolist() == [0, 1, 2]
    for place in range(0, len(whole), 29):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert read_tensors(path) is None
        path.write_bytes(whole[:place])
        assert read_tensors(path) is None


def test_a_damaged_file_is_reported_and_computed_again(tmp_path: Path) -> None:
    told: list[str] = []
    cache = Cache(tmp_path, told.append)
    cache.get("thing", "1", lambda: {"a": torch.ones(2)})
    path = tmp_path / "thing-1.pt"
    path.write_bytes(path.read_bytes()[:-40])
    assert cache.get("thing", "1", lambda: {"a": torch.zeros(2)})["a"].tolist() == [0, 0]
    assert told == [f"{path} is damaged and is computed again"]
    assert cache.get("thing", "1", lambda: pytest.fail("computed twice"))["a"].tolist() == [0, 0]


def test_nested_computations_are_timed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.0, 10.0, 20.0])
    monkeypatch.setattr("ganbench.features.cache.time", SimpleNamespace(monotonic=lambda: next(seconds)))
    cache = Cache(tmp_path, print)
    one = {"a": torch.ones(1)}
    cache.get("outer", "1", lambda: cache.get("inner", "1", lambda: one))
    cache.get("outer", "1", lambda: pytest.fail("computed twice"))
    assert cache.making.seconds == 20


def test_a_failed_computation_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail() -> dict[str, torch.Tensor]:
        raise ZeroDivisionError

    cache = Cache(tmp_path, print)
    with pytest.raises(ZeroDivisionError):
        cache.get("thing", "1", fail)
    assert not list(tmp_path.glob("*.pt"))
    assert cache.get("thing", "1", lambda: {"a": torch.ones(1)})["a"].item() == 1


PROCESS = """
import os, sys, time, torch
from pathlib import Path
from types import SimpleNamespace
from ganbench.features.cache import Cache
folder = Path(sys.argv[1])
def compute():
    with (folder / "computed").open("a") as file:
        file.write("once\\n")
    time.sleep(0.2)
    return {"a": torch.arange(4)}
for name in "12345678":
    if os.fork() == 0:
        (folder / f"ready-{name}").touch()
        while len(list(folder.glob("ready-*"))) < 8:
            time.sleep(0.001)
        found = Cache(folder, print).get("thing", "1", compute)["a"].tolist()
        os._exit(found != [0, 1, 2, 3])
sys.exit(max(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(8)))
"""


def test_eight_processes_compute_once(tmp_path: Path) -> None:
    path = os.pathsep.join(filter(None, sys.path))
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", PROCESS, str(tmp_path)], env=environment, check=True, timeout=120)
    assert (tmp_path / "computed").read_text() == "once\n"


# views


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many samples each pass over an extractor other than pixels had."""
    passes: list[int] = []
    embed = bank.embed

    def counting(extractor: Extractor, x: torch.Tensor, batch: int) -> object:
        if extractor.stored:
            passes.append(len(x))
        return embed(extractor, x, batch)

    monkeypatch.setattr(bank, "embed", counting)
    return passes


def test_one_pass_per_extractor_serves_every_evaluator(trained: Real, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = counted(monkeypatch)
    real = again(trained)
    view = real.view(real.data.validation.x[:50])
    evaluate(view, real, IMAGES, 0)
    assert passes.count(50) == 1
    evaluate(view, real, IMAGES, 1)
    assert passes.count(50) == 1


def test_the_real_side_is_read_from_disk_by_the_next_process(trained: Real, monkeypatch: pytest.MonkeyPatch) -> None:
    trained.split("test").moments("classifier")
    trained.split("test").moments("pixels")
    before, passes = write_time(trained.bank.cache), counted(monkeypatch)
    real = again(trained, log=pytest.fail)
    for name in ("classifier", "pixels"):
        for found, wanted in zip(real.split("test").moments(name), trained.split("test").moments(name), strict=True):
            assert torch.equal(found, wanted)
    assert passes == [] and write_time(trained.bank.cache) == before


def test_one_changed_pixel_misses_the_cache(tmp_path: Path) -> None:
    data = image_data()
    first = real_side(data, tmp_path).split("test").moments("pixels")
    x = data.test.x.clone()
    x[3, 0, 2, 2] ^= 1
    changed = real_side(replace(data, test=Split(x, data.test.y)), tmp_path).split("test").moments("pixels")
    assert not torch.equal(first.mean, changed.mean)
    assert len(list(tmp_path.glob("moments-pixels-*.pt"))) == 2


def test_generated_samples_leave_nothing_on_disk(trained: Real) -> None:
    view = trained.view(trained.data.validation.x[:20])
    trained.split("test").moments("classifier")
    before = write_time(trained.bank.cache)
    view.moments("classifier")
    assert write_time(trained.bank.cache) == before


@pytest.mark.parametrize("batch", [1, 7, 50])
def test_no_number_depends_on_the_batch_size(batch: int, trained: Real) -> None:
    x = trained.data.validation.x[:50]
    wanted = {name: score.value for _, name, score in evaluate(trained.view(x), trained, IMAGES, 0)}
    real = again(trained, batch=batch)
    found = {name: score.value for _, name, score in evaluate(real.view(x), real, IMAGES, 0)}
    assert found == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_pixels_are_flat_and_in_the_unit_interval(tmp_path: Path) -> None:
    x = torch.tensor([0, 255, 51], dtype=torch.uint8).repeat(64)[: 2 * 64].reshape(2, 1, 8, 8)
    view = real_side(image_data(), tmp_path).view(x)
    assert torch.equal(view.features("pixels"), (x.flatten(1).double() / 255).float())
    points = torch.tensor([[3.0, -2.0]], dtype=torch.float64)
    assert torch.equal(real_side(points_data([[0.0, 0.0]]), tmp_path).view(points).features("pixels"), points)


def test_moments_are_those_of_numpy_in_float64() -> None:
    x = np.random.default_rng(0).normal(size=(5000, 3)) * [1, 1e-3, 10] + 1e4
    found = moments(torch.tensor(x).float())
    assert found.mean.dtype == found.cov.dtype == torch.float64
    np.testing.assert_allclose(found.mean, x.astype(np.float32).astype(float).mean(0), rtol=1e-14)
    np.testing.assert_allclose(found.cov, np.cov(x.astype(np.float32).astype(float).T), rtol=1e-8, atol=1e-12)


def test_real_samples_that_are_not_finite_are_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="the test split: row 1 is not finite"):
        real_side(points_data([[0.0], [float("nan")]]), tmp_path).split("test")


def test_pixels_have_no_logits(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no class logits"):
        real_side(image_data(), tmp_path).split("test").logits("pixels")


# the classifier


def test_the_classifier_reads_the_digits_and_says_how_well(trained: Real) -> None:
    score = next(s for _, _, s in evaluate(trained.split("validation"), trained, IMAGES[:1], 0))
    assert float(score.fingerprint["test accuracy"]) >= 0.97
    assert len(score.fingerprint["weights"]) == 64
    view = trained.split("test")
    assert view.features("classifier").shape == (300, 128) and view.logits("classifier").shape == (300, 10)
    assert view.features("classifier").dtype == torch.float32


def test_training_is_the_same_twice_and_touches_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "LEAST", 640)
    data = image_data()
    assert data.train.y is not None
    before = torch.get_rng_state(), torch.get_num_threads(), data.train.x.clone()
    one = fit(data.space, data.train.x, data.train.y)
    torch.manual_seed(5)
    torch.set_default_dtype(torch.float64)
    try:
        two = fit(data.space, data.train.x, data.train.y)
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(torch.equal(one[name], two[name]) for name in one)
    torch.set_rng_state(before[0])
    fit(data.space, data.train.x[:8], data.train.y[:8])
    assert torch.equal(torch.get_rng_state(), before[0]) and torch.get_num_threads() == before[1]
    assert torch.equal(data.train.x, before[2])


@pytest.mark.parametrize("shape", [(1, 2, 3), (3, 8, 8), (1, 28, 28), (3, 32, 32), (1, 64, 48)])
def test_the_network_fits_any_image(shape: tuple[int, int, int]) -> None:
    net = network(Space(shape, classes=5)).eval()
    features = net[0](torch.rand(2, *shape))
    assert features.shape == (2, 128) and net[1](features).shape == (2, 5)


def test_without_labels_the_error_says_what_to_use(tmp_path: Path) -> None:
    data = image_data()
    bare = replace(data, train=Split(data.train.x))
    with pytest.raises(RequestError, match=r"training split has no labels.*features: pixels"):
        real_side(bare, tmp_path).split("test").features("classifier")


# Inception


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", refuse)


def test_other_features_are_always_ready(tmp_path: Path) -> None:
    Bank(tmp_path).check_ready(["pixels", "classifier"])


def test_a_given_extractor_replaces_the_bank_s_own(tmp_path: Path) -> None:
    given = Extractor({"extractor": "given"}, lambda x: Embedding(x.flatten(1).float()), stored=False)
    real = real_side(image_data(), tmp_path, extractors={"inception": given})
    real.bank.check_ready(["inception"])
    score = next(s for _, _, s in evaluate(real.view(real.data.validation.x), real, [FID()], 0))
    assert score.fingerprint["extractor"] == "given"


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        (None, InceptionWeights()),
        ("", InceptionWeights()),
        ("download", InceptionWeights(download=True)),
        ("a/b.pth", InceptionWeights(Path("a/b.pth"))),
        ("./download", InceptionWeights(Path("./download"))),
    ],
)
def test_inception_weights_are_named_by_a_path_or_the_word_download(text: str, weights: InceptionWeights) -> None:
    assert InceptionWeights.named(text) == weights


@pytest.mark.usefixtures("no_network")
def test_without_weights_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as error:
        Bank(tmp_path).check_ready(["pixels", "inception"])
    assert str(error.value) == (
        "features 'inception': no weights were given. set GANBENCH_INCEPTION to the path of "
        "weights-inception-2015-12-05-6726825d.pth (95 MB, https://github.com/toshas/torch-fidelity/releases/download/"
        "v0.2.0/weights-inception-2015-12-05-6726825d.pth), or to the word 'download' to let ganbench fetch it, or use "
        "features: pixels or features: classifier"
    )
    real = real_side(image_data(), tmp_path)
    with pytest.raises(RequestError, match="no weights were given"):
        evaluate(real.view(real.data.test.x), real, [FID()], 0)


@pytest.mark.usefixtures("no_network")
def test_weights_that_are_absent_wrong_or_unreachable_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    other.write_bytes(b"a partial download")
    for weights, message in (
        (str(tmp_path / "absent.pth"), "there is no file"),
        (str(other), "not the weights of the original papers"),
        ("download", "the download failed"),
    ):
        with pytest.raises(RequestError, match=message):
            Bank(tmp_path, inception_weights=InceptionWeights.named(weights)).check_ready(["inception"])


@pytest.fixture
def untrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """A file of random weights that passes for Inception's: their tensors."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3 as Inception

    with monkeypatch.context() as patch:  # the network as torch-fidelity builds it, before it wants its weights
        patch.setattr(torch, "load", lambda *args, **kwargs: {})
        patch.setattr(Inception, "load_state_dict", lambda self, state: None)
        state = Inception("any", ["2048"], feature_extractor_weights_path="unread").state_dict()
    weights = tmp_path / "weights.pth"
    torch.save(state, weights)
    monkeypatch.setattr(inception, "SHA256", digest(weights))
    return state


@pytest.mark.usefixtures("no_network")
def test_inception_features_and_logits_of_gray_and_colour(tmp_path: Path, untrained: dict[str, Tensor]) -> None:
    x = torch.randint(0, 256, (2, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    given = InceptionWeights(tmp_path / "weights.pth")
    gray = real_side(image_data(), tmp_path, inception_weights=given).view(x)
    colour = real_side(image_data(shape=(3, 8, 8)), tmp_path, inception_weights=given).view(x.repeat(1, 3, 1, 1))
    assert gray.features("inception").shape == (2, 2048) and gray.logits("inception").shape == (2, 1008)
    torch.testing.assert_close(gray.features("inception"), colour.features("inception"), rtol=1e-5, atol=1e-6)
    wanted = gray.features("inception") @ untrained["fc.weight"].T  # without the bias
    torch.testing.assert_close(gray.logits("inception"), wanted, rtol=1e-4, atol=1e-5)
    assert gray.extractor("inception")["weights"] == inception.SHA256


@pytest.mark.golden
@pytest.mark.usefixtures("no_network")
def test_clean_inception_differs_in_the_resizing_alone(tmp_path: Path, untrained: dict[str, Tensor]) -> None:
    """An image of 299x299 needs none; another one is resized by PIL in float, as clean-fid does it."""
    given = InceptionWeights(tmp_path / "weights.pth")
    x = torch.randint(0, 256, (1, 3, 299, 299), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    whole = real_side(image_data(shape=(3, 299, 299)), tmp_path, inception_weights=given).view(x)
    torch.testing.assert_close(whole.features("inception_clean"), whole.features("inception"), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(whole.logits("inception_clean"), whole.logits("inception"), rtol=1e-4, atol=1e-5)
    about = whole.extractor("inception_clean"), whole.extractor("inception")
    assert {name for name in about[0] if about[0][name] != about[1][name]} == {"resizer"}
    assert FID(features="inception_clean").metrics()[0].name == "fid_clean"
