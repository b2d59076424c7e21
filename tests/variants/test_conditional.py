"""AC-GAN and ReACGAN: losses and slopes by hand, and the limits that their equations have."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

from ganbench import testing
from ganbench.datasets.base import Space
from ganbench.datasets.digits import Digits
from ganbench.networks.conditional_dcgan import ConditionalDCGAN
from ganbench.networks.sngan_resnet import SNGANResNet
from ganbench.suite.rules import conflict
from ganbench.testing import small_run
from ganbench.variants.ac_gan import ACGAN
from ganbench.variants.base import Batch, Params, Player, Players
from ganbench.variants.hinge import Hinge
from ganbench.variants.ns import NonSaturating
from ganbench.variants.reacgan import ReACGAN, data_to_data, embedded
from tests.support.scores import SAME, vector

pytestmark = pytest.mark.golden


def heads(params: Params, x: Tensor, part: str = "forward") -> Tensor:
    """A sample is the output of D's heads; its score is the first number."""
    return x[:, 0] if part == "forward" else x


NET = Players(SAME, Player(heads, {}))
REAL, FAKE = vector([2.0, 1.0, 0.0, -1.0]).view(1, 4), vector([0.5, 0.0, 0.0, 1.0]).view(1, 4)  # a score, three logits
Y = torch.tensor([0])


def sp(t: float) -> float:
    return math.log1p(math.exp(t))


def entropy(logits: list[float], label: int) -> float:
    return math.log(sum(map(math.exp, logits))) - logits[label]


REAL_CLASS, FAKE_CLASS = entropy([1, 0, -1], 0), entropy([0, 0, 1], 0)

# --- AC-GAN ---


def test_ac_gan_version_1() -> None:
    assert ACGAN.version == 1, "its numbers changed: derive these anew"
    batch = Batch(REAL, FAKE, y=Y)
    d = {name: term.item() for name, term in ACGAN().d_loss(NET, batch).items()}
    assert d == pytest.approx({"real": sp(-2), "fake": sp(0.5), "real_class": REAL_CLASS, "fake_class": FAKE_CLASS})
    g = {name: term.item() for name, term in ACGAN().g_loss(NET, batch).items()}
    assert g == pytest.approx({"fake": sp(-0.5), "class": FAKE_CLASS})
    assert pytest.approx(0.407606, abs=1e-6) == REAL_CLASS and pytest.approx(1.551445, abs=1e-6) == FAKE_CLASS


def test_the_options_of_ac_gan() -> None:
    batch, hinge = Batch(REAL, FAKE, y=Y), ACGAN(adversarial="hinge", weight=0.5)
    d = {name: term.item() for name, term in hinge.d_loss(NET, batch).items()}
    assert d == pytest.approx({"real": 0, "fake": 1.5, "real_class": REAL_CLASS / 2, "fake_class": FAKE_CLASS / 2})
    g = {name: term.item() for name, term in hinge.g_loss(NET, batch).items()}
    assert g == pytest.approx({"fake": -0.5, "class": FAKE_CLASS / 2})
    assert set(ACGAN(fakes=False).d_loss(NET, batch)) == {"real", "fake", "real_class"}


def test_without_a_weight_the_scores_have_the_losses_of_the_plain_objectives() -> None:
    batch = Batch(REAL, FAKE, y=Y)
    for own, plain in ((ACGAN(weight=0), NonSaturating()), (ACGAN(weight=0, adversarial="hinge"), Hinge())):
        for player in ("d_loss", "g_loss"):
            terms = getattr(own, player)(NET, batch)
            expected = getattr(plain, player)(NET, batch)
            assert {name: terms[name] for name in expected} == expected
            assert all(terms[name] == 0 for name in terms.keys() - expected.keys())


def test_slopes_of_ac_gan_by_hand() -> None:
    """Softmax less the label for the logits, and the slope of the softplus for the score."""
    fake = FAKE.clone().requires_grad_()
    total = torch.stack(list(ACGAN().g_loss(NET, Batch(REAL, fake, y=Y)).values())).sum()
    (slope,) = torch.autograd.grad(total, fake)
    z = 2 + math.e
    assert slope[0].tolist() == pytest.approx([-1 / (1 + math.exp(0.5)), 1 / z - 1, 1 / z, math.e / z])


def test_the_test_error_is_the_share_of_other_classes() -> None:
    x = vector([0.0, 3.0, 1.0, 9.0, 0.0, 2.0]).view(2, 3)  # scores 0 and 9, likeliest classes 0 and 1
    assert ACGAN().measure(NET, Batch(x, x, y=torch.tensor([0, 0])))["test_error"].tolist() == [0, 1]


# --- ReACGAN ---


def unit(*degrees: float) -> Tensor:
    """Points of the unit circle, (n, 2)."""
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], 1)


def output(score: list[float], own: Tensor, proxy: Tensor) -> Tensor:
    return torch.cat([vector(score)[:, None], own, proxy], 1)


OWN, PROXY, LABELS = unit(0, 60, 150), unit(90, 60, 240), torch.tensor([0, 1, 0])
WITH = {"margin": 0.98, "temperature": 0.5}


def by_hand(own: Tensor, proxy: Tensor, labels: list[int], margin: float, temperature: float) -> float:
    """Equation 6, sum by sum."""
    total = 0.0
    for i, label in enumerate(labels):
        near = math.exp(min(float(own[i] @ proxy[i]) - margin, 0) / temperature)
        far = sum(
            math.exp(max(float(own[i] @ own[j]) - (1 - margin), 0) / temperature)
            for j, other in enumerate(labels)
            if other != label
        )
        total -= math.log(near / (near + far))
    return total / len(labels)


def test_data_to_data_by_hand() -> None:
    """The samples of class 0 have the one of class 1 against them, and that has both."""
    d = embedded(output([0, 0, 0], OWN, PROXY))
    loss = data_to_data(d, LABELS, **WITH).item()
    assert loss == pytest.approx(by_hand(OWN, PROXY, [0, 1, 0], 0.98, 0.5))
    first = -math.log(math.exp(-1.96) / (math.exp(-1.96) + math.exp((0.5 - 0.02) / 0.5)))
    second = -math.log(1 / (1 + math.exp((0.5 - 0.02) / 0.5) + 1))
    third = -math.log(math.exp(-1.96) / (math.exp(-1.96) + 1))
    assert loss == pytest.approx((first + second + third) / 3)


@pytest.mark.parametrize(("margin", "temperature"), [*product((0.5, 0.98, 1.0), (0.1, 1.0))])
def test_data_to_data_on_random_embeddings(margin: float, temperature: float) -> None:
    torch.manual_seed(0)
    own, proxy = torch.nn.functional.normalize(torch.randn(2, 7, 3, dtype=torch.float64), dim=2)
    labels = torch.tensor([0, 1, 2, 0, 1, 0, 3])
    loss = data_to_data(embedded(output([0] * 7, own, proxy)), labels, margin=margin, temperature=temperature)
    assert loss.item() == pytest.approx(by_hand(own, proxy, labels.tolist(), margin, temperature))


def test_beyond_the_margins_there_is_no_slope() -> None:
    """Samples on their class and opposite to the other class: each has log(1 + 1), whatever the temperature."""
    own = unit(0, 180).requires_grad_()
    loss = data_to_data(embedded(output([0, 0], own, unit(0, 180))), torch.tensor([0, 1]), **WITH)
    assert loss.item() == pytest.approx(math.log(2))
    assert not torch.autograd.grad(loss, own)[0].any()


def test_a_batch_of_one_class_has_nothing_against_it() -> None:
    own = unit(0, 30).requires_grad_()
    loss = data_to_data(embedded(output([0, 0], own, unit(80, 80))), torch.tensor([2, 2]), **WITH)
    (slope,) = torch.autograd.grad(loss, own)
    assert loss.item() == pytest.approx(0) and slope.isfinite().all()


def test_reacgan_version_1() -> None:
    """D's term is on reals, and G's on fakes."""
    assert ReACGAN.version == 1, "its numbers changed: derive these anew"
    real, fake = output([2, -1, 0], OWN, PROXY), output([0.5, -0.5, -3], PROXY, OWN)
    variant = ReACGAN(weight=2)
    d = {name: term.item() for name, term in variant.d_loss(NET, Batch(real, fake, y=LABELS)).items()}
    on_reals, on_fakes = by_hand(OWN, PROXY, [0, 1, 0], 0.98, 0.5), by_hand(PROXY, OWN, [0, 1, 0], 0.98, 0.5)
    assert d == pytest.approx({"real": (0 + 2 + 1) / 3, "fake": (1.5 + 0.5 + 0) / 3, "class": 2 * on_reals})
    g = {name: term.item() for name, term in variant.g_loss(NET, Batch(real, fake, y=LABELS)).items()}
    assert g == pytest.approx({"fake": 1.0, "class": 2 * on_fakes})
    assert on_reals != pytest.approx(on_fakes)


# --- with their networks ---

NETWORK = SNGANResNet(z=4, g_width=4, d_width=4, embedding=3, batchnorm="generator")


@pytest.mark.parametrize(
    ("variant", "labels"), [(ACGAN(), "classifier"), (ReACGAN(), "embeddings"), (Hinge(), "projection")], ids=str
)
def test_they_train_on_digits_alone_in_packs_and_resumed(variant: ACGAN | ReACGAN | Hinge, labels: str) -> None:
    network = replace(NETWORK, labels=labels, attention=True)  # type: ignore[arg-type]
    spec = small_run(variant=variant, dataset=Digits(), network=network, batch=12)
    assert conflict(spec, spec.dataset.space(None)) is None
    testing.check_run(spec, spec.dataset.load(None))


@pytest.mark.parametrize(("variant", "part"), [(ACGAN(), "score_and_logits"), (ReACGAN(), "score_and_embeddings")])
def test_other_discriminators_are_refused(variant: ACGAN | ReACGAN, part: str) -> None:
    for network in (replace(NETWORK, labels="projection"), ConditionalDCGAN(batchnorm="generator")):
        spec = small_run(variant=variant, dataset=Digits(), network=network)
        assert f"needs a network with {part}" in str(conflict(spec, Space((1, 8, 8), 10)))
