"""MemoryGAN against an independent NumPy transcription of its rules, in float64, and by hand on four slots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from ganbench import testing
from ganbench.datasets.base import Space
from ganbench.networks.memory_dcgan import MemoryDCGAN
from ganbench.networks.memory_mlp import MemoryMLP
from ganbench.optimizers.adam import Adam
from ganbench.suite.rules import conflict
from ganbench.variants.base import Batch, Player, Players
from ganbench.variants.memory_gan import MemoryGAN
from ganbench.variants.parts import memory as memory_rules
from tests.support.transcription import size

pytestmark = pytest.mark.golden

FOUR = MemoryGAN(slots=4, key=2, top=2, concentration=1.5, beta=0.1)


def memory(keys, values, ages, hist):
    made = {"keys": keys, "values": values, "ages": ages, "hist": hist}
    return {name: torch.tensor(rows, dtype=torch.float64) for name, rows in made.items()}


def four(values=(1.0, 1.0, 0.0, 0.0)):
    """Keys to the right, above, to the left and below."""
    return memory([[1, 0], [0, 1], [-1, 0], [0, -1]], values, [3.0, 9, 5, 0], [2.0, 1, 4, 1])


def random(slots=12, key=3, seed=0):
    rng = np.random.default_rng(seed)
    keys = rng.normal(size=(slots, key))
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    return memory(keys, rng.integers(0, 2, slots) * 1.0, rng.permutation(slots) * 1.0, rng.uniform(0.1, 2, slots))


def written(variant, given, queries, label):
    result = memory_rules.write(variant._rule(), given, torch.tensor(queries, dtype=torch.float64), label)
    return {name: tensor.numpy() for name, tensor in result.items()}


# --- by hand ---


def test_the_oldest_slot_is_overwritten():
    """(0, 2) is likeliest at slot 1 (e^1.5 1.1 = 4.93), then at slot 2 (4.1); only slot 0 (2.1) is fake."""
    result = written(FOUR, four(values=(0.0, 1.0, 1.0, 1.0)), [[0.0, 2.0]], 0.0)
    np.testing.assert_allclose(result["keys"], [[1, 0], [0, 1], [-1, 0], [0, -1]], atol=1e-15)
    np.testing.assert_array_equal(result["values"], [0, 0, 1, 1])
    np.testing.assert_array_equal(result["ages"], [4, 0, 6, 1])
    np.testing.assert_array_equal(result["hist"], [2, 2, 4, 1])  # (2 + 1 + 4 + 1) / 4


def test_an_em_step():
    """(0, 2) is real: slot 1 is likeliest, so S_y is slots 0 and 1; their counts are halved, then share 1."""
    result = written(FOUR, four(), [[0.0, 2.0]], 1.0)
    joint = np.array([1.0 * (1 + 0.1), np.exp(1.5) * (0.5 + 0.1)])
    first, second = joint / joint.sum()
    hist = np.array([1 + first, 0.5 + second])
    moved = np.array([1 - first / hist[0], first / hist[0]])
    np.testing.assert_allclose(result["keys"], [moved / np.sqrt((moved**2).sum()), [0, 1], [-1, 0], [0, -1]])
    np.testing.assert_allclose(result["hist"], [*hist, 4, 1])
    np.testing.assert_array_equal(result["ages"], [0, 0, 6, 1])
    np.testing.assert_array_equal(result["values"], [1, 1, 0, 0])


def test_the_codes_em_step():
    """Each slot gains 1; the likeliest, slot 1, has the label; wrong labels cost 2 * 1.5 and are worse here."""
    result = written(replace(FOUR, form="code"), four(), [[0.0, 2.0]], 1.0)
    np.testing.assert_allclose(result["hist"], [2, 1.5, 4, 1])
    overwritten = written(replace(FOUR, form="code"), four(), [[0.0, 2.0]], 0.0)
    np.testing.assert_array_equal(overwritten["values"], [1, 0, 0, 0])  # the paper's test sees slot 2 and recalls
    np.testing.assert_array_equal(overwritten["ages"], [4, 0, 6, 1])
    np.testing.assert_array_equal(written(FOUR, four(), [[0.0, 2.0]], 0.0)["values"], [1, 1, 0, 0])


# --- against a transcription ---


def np_write(variant, given, queries, label):
    """The update rule, one query after the other, with loops and sorting."""
    keys, values, ages, hist = (given[name].numpy().copy() for name in ("keys", "values", "ages", "hist"))
    code, kappa = variant.form == "code", variant.concentration
    for query in queries:
        q = query / np.linalg.norm(query)
        fit = np.exp(kappa * keys @ q) * (hist + variant.beta)
        order = np.argsort(-fit)
        considered = order[:1] if code else order[: variant.top]
        mean = hist.mean()
        if not any(values[i] == label for i in considered):
            oldest = np.argmax(ages)
            ages += 1
            keys[oldest], values[oldest], ages[oldest], hist[oldest] = q, label, 0, mean
            continue
        if code:
            chosen = np.argsort(-fit * np.where(values == label, 1, np.exp(-2 * kappa)))[: variant.top]
        else:
            chosen = np.array([i for i in order if values[i] == label][: variant.top])
        hist[chosen] *= variant.alpha
        before = np.zeros(len(chosen))
        for _ in range(variant.em_steps):
            now = np.exp(kappa * keys[chosen] @ q) * (hist[chosen] + variant.beta)
            now /= now.sum()
            for place, i in enumerate(chosen):
                hist[i] += (now - before).sum() if code else now[place] - before[place]
                keys[i] += (now[place] - before[place]) / hist[i] * (q - keys[i])
                keys[i] /= np.linalg.norm(keys[i])
            before = now
        ages += 1
        ages[chosen] = 0
    return {"keys": keys, "values": values, "ages": ages, "hist": hist}


@pytest.mark.parametrize("form", ["paper", "code"])
@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize(("top", "em_steps"), [(1, 1), (3, 1), (4, 3), (12, 2)])
def test_memory_gan_version_1_update(form, label, top, em_steps):
    variant = MemoryGAN(slots=12, key=3, top=top, concentration=2.5, beta=0.01, em_steps=em_steps, form=form)
    queries = np.random.default_rng(1).normal(size=(9, 3))
    assert variant.version == 1
    expected, result = np_write(variant, random(), queries, label), written(variant, random(), queries, label)
    for name, rows in expected.items():
        np.testing.assert_allclose(result[name], rows, rtol=1e-10, atol=1e-12, err_msg=name)


def np_score(variant, given, query):
    """D(x), then its log-odds within the clip."""
    keys, values, hist = (given[name].numpy() for name in ("keys", "values", "hist"))
    scores = []
    for q in query / np.linalg.norm(query, axis=1, keepdims=True):
        near = np.exp(variant.concentration * keys @ q)
        chosen = np.argsort(-near * (hist + variant.beta))[: variant.top]
        share = variant.alpha if variant.form == "code" else 1
        posterior = (near * (share * hist + variant.beta))[chosen]
        d = (posterior * values[chosen]).sum() / posterior.sum()
        d = np.clip(d, variant.clip, 1 - variant.clip)
        scores.append(np.log(d / (1 - d)))
    return np.array(scores)


def linear(scale):
    """A player that multiplies by one weight, whatever part is asked of it."""
    return Player(lambda params, x, part="forward": params["w"] * x, {"w": torch.tensor(scale, dtype=torch.float64)})


def batch(variant, given, n=7):
    rng = np.random.default_rng(2)
    z = torch.tensor(rng.uniform(-1, 1, size=(n, 3)))
    return Batch(torch.tensor(rng.normal(size=(n, 3))), z, carry=given)


@pytest.mark.parametrize("form", ["paper", "code"])
@pytest.mark.parametrize("g_form", ["minimax", "ns", "both"])
@pytest.mark.parametrize("top", [2, 5, 12])
def test_memory_gan_version_1_losses(form, g_form, top):
    variant = MemoryGAN(slots=12, key=3, top=top, concentration=2.0, info_weight=0.3, form=form, g_form=g_form)
    given, net = random(), Players(linear(0.7), linear(1.3))
    drawn = batch(variant, given)
    made = 1.3 * 0.7 * drawn.z.numpy()
    real, fake = np_score(variant, given, 1.3 * drawn.x.numpy()), np_score(variant, given, made)
    weight = (given["hist"] * given["values"]).numpy()
    picked = [np.flatnonzero(weight.cumsum() >= (1 - z) / 2 * weight.sum())[0] for z in drawn.z.numpy()[:, 0]]
    keys = given["keys"].numpy()[picked]
    cosine = (keys * made).sum(1) / np.linalg.norm(made, axis=1)
    info = 0.3 * (((made - keys) ** 2).mean() if form == "code" else -2.0 * cosine.mean())
    d = {"real": np.log1p(np.exp(-real)).mean(), "fake": np.log1p(np.exp(fake)).mean(), "info": info}
    loss = {"minimax": -np.log1p(np.exp(fake)), "ns": np.log1p(np.exp(-fake)), "both": -fake}[g_form].mean()
    for terms, expected in (
        (variant.d_loss(net, drawn), d),
        (variant.g_loss(net, drawn), {"fake": loss, "info": info}),
    ):
        assert terms.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_allclose(terms[name].item(), value, rtol=1e-12, atol=1e-14, err_msg=name)


def test_gradient_of_the_score():
    """d log-odds / dq by central differences, where the slots that are considered don't change."""
    variant, given = MemoryGAN(slots=12, key=3, top=12, concentration=2.0), random()
    query = torch.tensor([[0.3, -0.8, 0.5]], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(memory_rules.score(variant._rule(), given, query).sum(), query)
    for axis in range(3):
        step = 1e-6 * np.eye(3)[axis]
        ahead, behind = (np_score(variant, given, query.detach().numpy() + s)[0] for s in (step, -step))
        np.testing.assert_allclose(slope[0, axis].item(), (ahead - behind) / 2e-6, rtol=1e-7)


def test_slots_of_one_label_cost_the_clip_and_no_more():
    variant, given = replace(FOUR, top=1), four()
    score = variant._score(torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64), Batch(None, None, carry=given))
    np.testing.assert_allclose(score.sigmoid().numpy(), [0.999, 0.001], rtol=1e-12)


def test_slots_are_drawn_in_proportion_to_counts_of_real_ones():
    given = memory(np.eye(4), [1.0, 0.0, 1.0, 1.0], np.zeros(4), [1.0, 5.0, 3.0, 2.0])
    z = torch.rand(6000, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1
    fed = MemoryGAN(slots=4, key=4).g_input(z, given)
    assert torch.equal(fed[:, 4:], z[:, 4:])
    counts = fed[:, :4].sum(0).numpy()
    assert counts[1] == 0 and counts.sum() == 6000
    assert chisquare(counts[[0, 2, 3]], 6000 * np.array([1, 3, 2]) / 6).pvalue > 1e-3
    ends = MemoryGAN(slots=4, key=4).g_input(torch.tensor([[-1.0] + [0.0] * 5, [1.0] + [0.0] * 5]).double(), given)
    assert torch.equal(ends[:, :4].argmax(1), torch.tensor([3, 0])), "both ends of the range pick a real slot"


def test_report():
    report = MemoryGAN().report(memory(np.eye(4), [1.0, 0.0, 1.0, 1.0], np.zeros(4), [1.0, 1.0, 2.0, 0.0]))
    assert report["real_slots"].item() == 0.75
    np.testing.assert_allclose(report["entropy"].item(), 1.5 * np.log(2))


@pytest.mark.parametrize("form", ["paper", "code"])
def test_a_memory_begins_half_real(form):
    begun = {name: tensor.numpy() for name, tensor in MemoryGAN(slots=6, key=3, form=form).carry().items()}
    np.testing.assert_array_equal(begun["values"], [1, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(begun["ages"], np.zeros(6))
    np.testing.assert_allclose(begun["hist"], np.full(6, 1e-5))
    np.testing.assert_allclose(np.linalg.norm(begun["keys"], axis=1), form == "paper", rtol=1e-6)


# --- networks ---


def test_sizes_of_the_authors_networks():
    """28x28: 16 64, 16 64 128, 16 128 256, 16 256 256 weights and so on, batch norm with gain and offset."""
    fashion, space = MemoryDCGAN(batchnorm="both"), Space((1, 28, 28))
    d = 16 * 64 + 64 + 16 * 64 * 128 + 256 + 16 * 128 * 256 + 512 + 16 * 256 * 256 + 512
    g = 258 * 1024 + 2048 + 1024 * 6272 + 2 * 6272 + 16 * 128 * 128 + 256 + 16 * 128 + 1
    assert (size(fashion.discriminator(space)), size(fashion.generator(space))) == (d, g)
    affine, space = MemoryDCGAN(batchnorm="both", form="affine"), Space((1, 40, 40))
    d += 128 * 128 + 256 + 256 * 256 + 512 + (25 - 16) * 256 * 256
    g = (
        258 * 6400
        + 2 * 6400
        + 16 * 256 * 128
        + 256
        + 128 * 128
        + 256
        + 16 * 128 * 64
        + 128
        + 64 * 64
        + 128
        + 16 * 64
        + 1
    )
    assert (size(affine.discriminator(space)), size(affine.generator(space))) == (d, g)


def test_size_of_the_fully_connected_pair():
    network, space = MemoryMLP(z=10, key=8, g_widths=(16,), d_widths=(32,)), Space((2,))
    assert size(network.generator(space)) == 10 * 16 + 16 + 16 * 2 + 2
    assert size(network.discriminator(space)) == 2 * 32 + 32 + 32 * 8 + 8


def test_the_score_is_the_sum_of_the_query():
    net = MemoryMLP(key=4, d_widths=(8,)).discriminator(Space((2,)))
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net(x), net.query(x).sum(1) / 2)


# --- runs ---


NETWORK = MemoryMLP(key=4, z=6, g_widths=(8,), d_widths=(8,))
SMALL = MemoryGAN(slots=16, key=4, top=8)


@pytest.mark.parametrize("form", ["paper", "code"])
def test_a_run_resumes_with_its_memory(form):
    spec = testing.small_run(variant=replace(SMALL, form=form), network=NETWORK, optimizer=Adam(lr=1e-2), steps=6)
    testing.check_run(spec)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"variant": replace(SMALL, top=17)}, "top 17 is more than its 16 slots"),
        ({"variant": replace(SMALL, slots=33)}, "33 slots are more than the 32 samples"),
        ({"variant": replace(SMALL, key=5)}, "key 5 is not the network's 4"),
        ({"network": replace(NETWORK, z=4)}, "set the network's z above"),
        ({"network": replace(NETWORK, prior="normal")}, "set prior to uniform"),
        ({"network": replace(NETWORK, pac=2)}, "set pac to 1"),
    ],
)
def test_conflicts(changes, reason):
    own = {"variant": SMALL, "network": NETWORK}
    assert conflict(testing.small_run(**own), Space((2,))) is None
    assert reason in conflict(testing.small_run(**own | changes), Space((2,)))
