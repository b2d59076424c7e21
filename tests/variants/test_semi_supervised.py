"""K+1 classes: the published anchors, every slope by hand, its measure, its discriminators, its draws."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ganbench.datasets.base import Data, Space
from ganbench.datasets.digits import Digits
from ganbench.networks.classifier_dcgan import ClassifierDCGAN
from ganbench.networks.classifier_mlp import ClassifierMLP
from ganbench.networks.conditional_mlp import ConditionalMLP
from ganbench.networks.mlp import MLP
from ganbench.networks.parts.dropout import Dropout, GaussianNoise
from ganbench.networks.parts.dropout import box_muller as normal
from ganbench.networks.parts.dropout import splitmix64 as numbers_of
from ganbench.rng import STREAMS, stream
from ganbench.spec import RunSpec
from ganbench.suite.rules import conflict
from ganbench.testing import small_run
from ganbench.training.draws import draw
from ganbench.training.packs import row
from ganbench.variants.base import Batch, Params, Player, Players
from ganbench.variants.ns import NonSaturating
from ganbench.variants.semi_supervised import SemiSupervised
from tests.support.scores import SAME, vector

pytestmark = pytest.mark.golden


def classifier(params: Params, x: Tensor, part: str = "forward") -> Tensor:
    """Samples are logits; features are their double."""
    return {"logits": x, "features": 2 * x, "forward": x.logsumexp(1)}[part]


NET = Players(SAME, Player(classifier, {}))
REAL, FAKE, LABEL = vector([2.0, 0.0, -1.0])[None], vector([0.0, 0.0, 1.0])[None], torch.tensor([0])


def batch(real: Tensor, fake: Tensor, labelled: Tensor, y: Tensor) -> Batch:
    return Batch(real, fake, y=y, labelled=(labelled, y))


def test_anchors() -> None:
    """Real logits [2, 0, -1] of class 0 and fake ones [0, 0, 1]: supervised 0.169846, unsupervised 0.925900."""
    assert SemiSupervised.version == 1, "its numbers changed: derive the anchors anew"
    terms = SemiSupervised().d_loss(NET, batch(REAL, FAKE, REAL, LABEL))
    assert terms["class"].item() == pytest.approx(0.169846, abs=5e-7)
    assert (terms["real"] + terms["fake"]).item() == pytest.approx(0.925900, abs=5e-7)
    weighted = SemiSupervised(unlabelled_weight=3.0).d_loss(NET, batch(REAL, FAKE, REAL, LABEL))
    assert weighted["class"] == terms["class"]
    assert (weighted["real"] + weighted["fake"]).item() == pytest.approx(3 * 0.925900, abs=2e-6)


def test_the_unsupervised_part_is_the_form_of_the_authors() -> None:
    """-1/2 E lse + 1/2 E sp(lse) on reals and 1/2 E sp(lse) on fakes."""
    real, fake = torch.randn(2, 6, 5, dtype=torch.float64, generator=stream(0, "test"))
    terms = SemiSupervised().d_loss(NET, batch(real, fake, real, torch.zeros(6, dtype=torch.int64)))
    evidence = [x.exp().sum(1) for x in (real, fake)]  # Z
    published = [(-z.log() + (1 + z).log()).mean() / 2 if i == 0 else (1 + z).log().mean() / 2
                 for i, z in enumerate(evidence)]  # fmt: skip
    assert [terms["real"].item(), terms["fake"].item()] == pytest.approx([one.item() for one in published])


def test_zero_logits_of_ten_classes_are_real_with_ten_elevenths() -> None:
    zeros = torch.zeros(4, 10, dtype=torch.float64)
    assert NET.d(zeros).sigmoid().tolist() == pytest.approx([10 / 11] * 4)
    terms = SemiSupervised().d_loss(NET, batch(zeros, zeros, zeros, torch.arange(4)))
    found = {name: term.item() for name, term in terms.items()}
    by_hand = {"class": math.log(10), "real": -math.log(10 / 11) / 2, "fake": math.log(11) / 2}
    assert found == pytest.approx(by_hand)


def test_slopes_of_the_discriminator_by_hand() -> None:
    """Softmax less the label; softmax times -(1 - D)/2 on reals, and times D/2 on fakes."""
    real, fake, seen = (x.clone().requires_grad_() for x in (REAL, FAKE, REAL))
    terms = SemiSupervised().d_loss(NET, batch(real, fake, seen, LABEL))
    slopes = torch.autograd.grad(torch.stack(list(terms.values())).sum(), (seen, real, fake))
    e, u = [math.exp(t) for t in (2, 0, -1)], [math.exp(t) for t in (0, 0, 1)]
    z, v = sum(e), sum(u)
    assert slopes[0][0].tolist() == pytest.approx([e[0] / z - 1, e[1] / z, e[2] / z])
    assert slopes[1][0].tolist() == pytest.approx([-t / z / (1 + z) / 2 for t in e])
    assert slopes[2][0].tolist() == pytest.approx([t / v * v / (1 + v) / 2 for t in u])


# features [4, 0, -2] and [0, 0, 2]: the gap is (4, 0, -4); minimax: -log(1 + Z) with Z = 2 + e
@pytest.mark.parametrize(
    ("objective", "value", "slope"),
    [
        ("squared", 32.0, [-16.0, 0.0, 16.0]),
        ("mean_squared", 32 / 3, [-16 / 3, 0.0, 16 / 3]),
        ("mean_absolute", 8 / 3, [-2 / 3, 0.0, 2 / 3]),
        ("minimax", -math.log(3 + math.e), [-1 / (3 + math.e), -1 / (3 + math.e), -math.e / (3 + math.e)]),
    ],
)
def test_the_generators_loss_by_hand(objective: str, value: float, slope: list[float]) -> None:
    fake = FAKE.clone().requires_grad_()
    variant = SemiSupervised(g_objective=objective)  # type: ignore[arg-type]
    (loss,) = variant.g_loss(NET, batch(REAL, fake, REAL, LABEL)).values()
    assert loss.item() == pytest.approx(value)
    assert torch.autograd.grad(loss, fake)[0][0].tolist() == pytest.approx(slope)


def test_extreme_logits_stay_finite() -> None:
    x = vector([500.0, -500.0, 0.0]).repeat(2, 1).requires_grad_()
    terms = SemiSupervised().d_loss(NET, batch(x, x, x, torch.tensor([1, 0])))
    assert terms["class"].item() == pytest.approx(500) and terms["fake"].item() == pytest.approx(250)
    (slope,) = torch.autograd.grad(torch.stack(list(terms.values())).sum(), x)
    assert slope.isfinite().all()


def test_the_test_error_is_the_share_of_other_classes() -> None:
    logits = vector([3.0, 1.0, 2.0, 0.0, 1.0, 0.5, -1.0, -2.0, -3.0]).reshape(3, 3)  # classes 0, 1, 0
    wrong = SemiSupervised().measure(NET, Batch(logits, logits, y=torch.tensor([0, 2, 1])))
    assert wrong["test_error"].tolist() == [0, 1, 1]


# --- the discriminators ---


@pytest.mark.parametrize("network", [ClassifierMLP(d_widths=(8, 6)), ClassifierDCGAN(width=4)], ids=str)
def test_a_discriminator_scores_by_its_logits_over_its_features(network: ClassifierMLP | ClassifierDCGAN) -> None:
    d = network.discriminator(Space((1, 8, 8), 10)).eval()
    x = torch.rand(5, 1, 8, 8)
    logits = d.logits(x)
    assert logits.shape == (5, 10)
    torch.testing.assert_close(d(x), logits.exp().sum(1).log())
    last = [part for part in d.modules() if isinstance(part, nn.Linear)][-1]
    torch.testing.assert_close(logits, last(d.features(x)))


def test_noise_and_dropout_are_where_the_paper_has_them() -> None:
    mlp = ClassifierMLP().discriminator(Space((1, 28, 28), 10))
    assert [part.std for part in mlp.modules() if isinstance(part, GaussianNoise)] == [0.3, 0.5, 0.5, 0.5, 0.5, 0.5]
    layers = [(part.in_features, part.out_features) for part in mlp.modules() if isinstance(part, nn.Linear)]
    assert layers == [(784, 1000), (1000, 500), (500, 250), (250, 250), (250, 250), (250, 10)]
    dcgan = ClassifierDCGAN(width=4).discriminator(Space((3, 32, 32), 10))
    assert [part.include for part in dcgan.modules() if isinstance(part, Dropout)] == [0.8, 0.5]


def test_sizes_by_hand() -> None:
    space = Space((1, 28, 28), 10)
    count = {
        "g": sum(p.numel() for p in ClassifierMLP(batchnorm="generator").generator(space).parameters()),
        "d": sum(p.numel() for p in ClassifierMLP().discriminator(space).parameters()),
    }
    g = 100 * 500 + 1000 + 500 * 500 + 1000 + 500 * 784 + 784  # a gain and an offset in the place of a bias
    d = 785 * 1000 + 1001 * 500 + 501 * 250 + 2 * 251 * 250 + 251 * 10
    assert count == {"g": g, "d": d}
    plain = ClassifierDCGAN(width=4).discriminator(Space((1, 8, 8), 10))
    assert sum(p.numel() for p in plain.parameters()) == (25 * 4 + 4) + (25 * 4 * 8 + 8) + (2 * 2 * 8 * 10 + 10)


def test_noise_is_normal_and_new_in_every_pass() -> None:
    noise = GaussianNoise(2.0)
    x = torch.full((300, 400), 5.0)
    first, second = (noise(x) - x) / 2, (noise(x) - x) / 2
    for moment, wanted in ((1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0)):
        assert first.pow(moment).mean().item() == pytest.approx(wanted, abs=0.06)
    assert (first.abs() < 1).float().mean().item() == pytest.approx(math.erf(1 / math.sqrt(2)), abs=0.01)
    assert abs((first * second).mean().item()) < 0.02
    assert torch.equal(noise.eval()(x), x)


def test_normal_numbers_are_box_and_mullers() -> None:
    words = numbers_of(torch.tensor(7), 4)
    for word, found in zip(words.tolist(), normal(words).tolist(), strict=True):
        head, tail = (word % 2**64) >> 33, word % 2**31
        by_hand = math.sqrt(-2 * math.log((head + 1) / 2**31)) * math.cos(2 * math.pi * tail / 2**31)
        assert found == pytest.approx(by_hand, abs=1e-5)
    assert normal(torch.tensor([-1, 0])).isfinite().all()


# --- the labels ---


@pytest.fixture(scope="module")
def few() -> Data:
    return Digits(labels_per_class=3).load(None)


def spec_of(**changes: object) -> RunSpec:
    dataset = Digits(labels_per_class=3)
    parts = {"variant": SemiSupervised(), "dataset": dataset, "network": ClassifierMLP(z=4, d_widths=(8,)), "batch": 40}
    return small_run(**{**parts, **changes})


def test_training_sees_the_chosen_labels_and_no_others(few: Data) -> None:
    assert few.labelled is not None and few.labelled.y is not None and few.train.y is not None
    spec, streams = spec_of(), {name: stream(0, name) for name in STREAMS}
    batch = row(draw([spec], few, [streams], step=1), 0)
    assert batch.y is None and batch.labelled is not None
    known = {
        (image.numpy().tobytes(), label) for image, label in zip(few.labelled.x, few.labelled.y.tolist(), strict=True)
    }
    drawn = batch.labelled[0].mul(255).round().to(torch.uint8)
    met = {(x.numpy().tobytes(), label) for x, label in zip(drawn, batch.labelled[1].tolist(), strict=True)}
    assert len(drawn) == 40 and met <= known and len(met) > 15


def test_other_draws_are_those_of_any_variant(few: Data) -> None:
    plain = spec_of(variant=NonSaturating(), network=ClassifierMLP(z=4, d_widths=(8,)))
    streams = [{name: stream(0, name) for name in STREAMS} for _ in range(2)]
    for step in (1, 2):
        one, other = (draw([spec], few, [own], step) for spec, own in zip((spec_of(), plain), streams, strict=True))
        assert torch.equal(one.x, other.x) and torch.equal(one.z, other.z)


@pytest.mark.parametrize(
    ("changes", "space", "reason"),
    [
        ({}, Space((1, 8, 8), 10), None),
        ({}, Space((1, 8, 8)), "classes or more"),
        ({"network": MLP()}, Space((1, 8, 8), 10), "needs a network with logits; mlp has none"),
        ({"network": replace(ClassifierMLP(), pac=2)}, Space((1, 8, 8), 10), "set pac to 1"),
        ({"variant": NonSaturating(), "network": ConditionalMLP()}, Space((1, 8, 8), 10), "leave out labels_per_class"),
    ],
    ids=["fits", "no labels", "no classifier", "packs", "conditional"],
)
def test_conflicts(changes: dict, space: Space, reason: str | None) -> None:
    found = conflict(spec_of(**changes), space)
    assert found is None if reason is None else found is not None and reason in found
