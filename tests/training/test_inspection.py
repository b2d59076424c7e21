"""What evaluators are given of networks in training: it is right, and training goes on as if nothing had looked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.augmentations.ada import ADA
from ganbench.datasets.base import Data, Split
from ganbench.datasets.digits import Digits
from ganbench.datasets.ring8 import Ring8
from ganbench.evaluators.base import Networks
from ganbench.evaluators.gradient_cosine import GradientCosine
from ganbench.evaluators.jacobian import Jacobian
from ganbench.evaluators.overfitting import Overfitting
from ganbench.evaluators.spectral_norms import SpectralNorms
from ganbench.networks.conditional_mlp import ConditionalMLP
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.mlp import MLP
from ganbench.optimizers.sgd import SGD
from ganbench.penalties.r1 import R1Penalty
from ganbench.rng import stream
from ganbench.spec import RunSpec
from ganbench.testing.claim import same
from ganbench.testing.runs import DOUBLE, small_run
from ganbench.training import inspection
from ganbench.training.inspection import Inspection
from ganbench.training.snapshot import RunSnapshot
from ganbench.training.trainer import train
from ganbench.variants.infogan import InfoGAN
from ganbench.variants.lsgan import LSGAN
from ganbench.variants.wgan import WGAN

EVALUATORS = (Jacobian(latents=3), SpectralNorms(), Overfitting(samples=8), GradientCosine())
IMAGES = {"dataset": Digits(), "network": DCGAN(width=2, kernel=4, z=5, batchnorm="both"), "steps": 3}
RUNS = {
    "points": small_run(),
    "images": small_run(**IMAGES),
    "spectral norm and packed samples": small_run(network=MLP(z=4, g_widths=(8,), d_widths=(8,), spectral=True, pac=2)),
    "a penalty and an augmentation": small_run(**IMAGES | {"penalty": R1Penalty(), "augment": ADA(p=0.5)}
                                               | {"network": DCGAN(width=2, kernel=4, z=5)}),
    "a critic and a schedule": small_run(variant=WGAN()),
    "labels": small_run(dataset=Digits(), network=ConditionalMLP(z=4, g_latent=8, g_label=8, g_widths=(8,), d_data=4)),
    "a further network": small_run(variant=InfoGAN(), network=MLP(z=14, g_widths=(8,), d_widths=(8,))),
}  # fmt: skip


@pytest.fixture(scope="module")
def data() -> dict[str, Data]:
    return {dataset.kind(): dataset.load(None) for dataset in (Ring8(), Digits())}


def read(networks: Networks) -> dict[str, float]:
    scores = [evaluator.read(networks, stream(0, "read")) for evaluator in EVALUATORS]
    return {name: score.value for named in scores for name, score in named.items()}


def last(spec: RunSpec, data: dict[str, Data], *others: RunSpec, **options: Any) -> list[RunSnapshot]:
    return list(list(train([spec, *others], data[spec.dataset.kind()], (spec.steps,), **options))[-1].runs)


@pytest.mark.parametrize("kind", RUNS)
def test_looking_changes_nothing_and_a_pack_is_read_like_its_runs(kind: str, data: dict[str, Data]) -> None:
    spec, other = RUNS[kind], replace(RUNS[kind], seed=1)
    untouched = last(spec, data, place=DOUBLE)[0].checkpoint()
    stops, found = (spec.steps - 1, spec.steps), []
    for snapshot in train([spec], data[spec.dataset.kind()], stops, DOUBLE):
        found = [read(snapshot.runs[0].networks) for _ in range(2)]
    assert found[0] == found[1] and len(found[0]) >= 10
    assert same(snapshot.runs[0].checkpoint(), untouched)
    in_pack = last(other, data, spec, place=DOUBLE)[1]
    assert read(in_pack.networks) == pytest.approx(found[0], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_resumed_runs_are_read_like_those_that_never_stopped(seeds: tuple[int, ...], data: dict[str, Data]) -> None:
    specs = [replace(RUNS["images"], seed=seed) for seed in seeds]
    halves = [run.checkpoint() for run in next(train(specs, data["digits"], (2,))).runs]
    whole, resumed = last(*specs[:1], data, *specs[1:]), last(*specs[:1], data, *specs[1:], resume=halves)
    assert [read(run.networks) for run in resumed] == [read(run.networks) for run in whole]


def test_runs_are_read_alike_in_groups_in_any_order_and_beside_one_that_diverged(
    data: dict[str, Data], monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = [replace(RUNS["images"], seed=seed) for seed in range(3)]
    runs = last(specs[0], data, *specs[1:], place=DOUBLE)
    together = [read(run.networks) for run in runs]
    monkeypatch.setattr(inspection, "GRADIENTS", 2 * 3 * 5)  # two runs at once, of 3 latents and 5 columns
    monkeypatch.setattr(inspection, "NUMBERS", 1)
    runs = last(specs[0], data, *specs[1:], place=DOUBLE)
    apart = {at: read(runs[at].networks) for at in (2, 0, 1)}
    for at in range(3):
        assert apart[at] == pytest.approx(together[at], rel=1e-9, abs=1e-12)
    networks = runs[1].networks
    assert isinstance(networks, Inspection)
    for net in networks.pack.training.nets.values():
        for weight in net.frozen.values():
            weight[1] = torch.nan
    networks.pack.newest.clear()
    monkeypatch.undo()
    for at in (0, 2):
        assert read(runs[at].networks) == pytest.approx(together[at], rel=1e-9, abs=1e-12)


def weights(run: RunSnapshot, net: str) -> list[Tensor]:
    saved = run.checkpoint()["nets"][net]["weights"]
    return [tensor for name, tensor in saved.items() if name.endswith("weight")]


def test_the_jacobian_and_the_layers_of_a_linear_generator_are_its_matrix(data: dict[str, Data]) -> None:
    for z in (1, 2, 5):  # by columns, and by rows
        spec = small_run(network=MLP(z=z, g_widths=(), d_widths=(8,)))
        (run,) = last(spec, data)
        (matrix,), networks = weights(run, "g"), run.networks
        assert networks.jacobians(3).shape == (3, 2, z)
        torch.testing.assert_close(networks.jacobians(3), matrix.expand(3, 2, z))
        assert networks.spectral_norms()["g"].tolist() == pytest.approx([torch.linalg.matrix_norm(matrix, 2).item()])


def test_the_jacobian_of_images_is_that_of_finite_differences(data: dict[str, Data]) -> None:
    (run,) = last(RUNS["images"], data, place=DOUBLE)
    by_rows = run.networks.jacobians(2)
    assert by_rows.shape == (2, 64, 5)
    wide = replace(RUNS["images"], network=DCGAN(width=2, kernel=4, z=70))
    assert last(wide, data, place=DOUBLE)[0].networks.jacobians(1).shape == (1, 64, 70)
    spec = RUNS["images"]
    g = spec.network.generator(data["digits"].space).double().eval()
    g.load_state_dict(run.checkpoint()["nets"]["g"]["weights"])
    z = 2 * torch.rand(2, 5, generator=stream(spec.seed, "jacobians", spec.steps)).double() - 1
    step = 1e-6 * torch.eye(5).double()
    ahead, back = (g((z[:, None] + sign * step).flatten(0, 1)).view(2, 5, 64) for sign in (1, -1))
    torch.testing.assert_close(by_rows, ((ahead - back) / 2e-6).transpose(1, 2), rtol=1e-4, atol=1e-9)


def test_norms_are_those_of_weights_after_spectral_norm(data: dict[str, Data]) -> None:
    (run,) = last(replace(RUNS["spectral norm and packed samples"], steps=40), data)
    raw = [torch.linalg.matrix_norm(weight, 2).item() for weight in weights(run, "d")]
    used = run.networks.spectral_norms()["d"].tolist()
    assert used == pytest.approx([1, 1], rel=0.05) and raw != pytest.approx(used, rel=0.05)


def test_the_layers_of_an_image_network_are_all_there(data: dict[str, Data]) -> None:
    (run,) = last(RUNS["images"], data)
    for net, norms in run.networks.spectral_norms().items():
        assert len(norms) == sum(weight.dim() > 1 for weight in weights(run, net))


def test_successive_gradients_of_a_quadratic_game() -> None:
    """Without noise from batches the fresh gradient is that of the next step, which plain SGD shows as a movement."""
    spec = small_run(variant=LSGAN(), optimizer=SGD(lr=1e-3, momentum=0.0), batch=4096, steps=3)
    data = {"ring8": Ring8().load(None)}
    snapshots = train([spec], data["ring8"], (1, 2, 3), DOUBLE)
    before = next(snapshots)
    place = torch.cat([weight.flatten() for weight in before.runs[0].checkpoint()["nets"]["g"]["weights"].values()])
    pair = before.runs[0].networks.gradients(2)["g"]
    after = next(snapshots).runs[0].checkpoint()["nets"]["g"]["weights"]
    moved = (place - torch.cat([weight.flatten() for weight in after.values()])) / 1e-3
    assert pair.following.shape == (2, len(moved)) and pair.last.shape == moved.shape
    for fresh in pair.following:
        assert torch.nn.functional.cosine_similarity(fresh, moved, 0) > 0.99


def test_scores_are_those_of_d_on_each_kind_of_sample(data: dict[str, Data]) -> None:
    """A D that was trained on 16 samples scores them higher than others."""
    few = replace(data["digits"], train=Split(data["digits"].train.x[:16]))
    network = MLP(z=4, g_widths=(32,), d_widths=(64,), d_activation="relu", g_activation="relu")
    spec = small_run(dataset=Digits(), network=network, batch=16, steps=400)
    scores = last(spec, {"digits": few})[0].networks.scores(200)
    assert scores.boundary == 0 and {len(scores.train), len(scores.held_out), len(scores.generated)} == {200}
    assert scores.train.mean() > scores.held_out.mean() + 0.2
