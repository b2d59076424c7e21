"""The identity of a run: published ids stay, every option counts, and where something lies or runs does not."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.component import Component
from ganbench.datasets.arrays import Arrays
from ganbench.datasets.base import Data, Dataset, Space
from ganbench.datasets.cifar10 import CIFAR10
from ganbench.datasets.digits import Digits
from ganbench.datasets.grid25 import Grid25
from ganbench.datasets.mnist import MNIST
from ganbench.datasets.ring8 import Ring8
from ganbench.evaluators.base import Evaluator
from ganbench.networks.base import Network
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.mlp import MLP
from ganbench.optimizers.adam import Adam
from ganbench.optimizers.base import Optimizer
from ganbench.optimizers.rmsprop import RMSprop
from ganbench.optimizers.rmsprop_tf import RMSpropTF
from ganbench.optimizers.sgd import SGD
from ganbench.plugins import Registry
from ganbench.spec import AXES, FORMAT, RunSpec, Schedule, canonical_json, plain
from ganbench.testing import variations
from ganbench.variants.base import Variant
from ganbench.variants.hinge import Hinge
from ganbench.variants.lsgan import LSGAN
from ganbench.variants.minimax import Minimax
from ganbench.variants.ns import NonSaturating
from ganbench.variants.wgan import WGAN
from ganbench.variants.wgan_gp import WGANGP
from tests.support.tiny import write_components

PLAIN = RunSpec(variant=NonSaturating(), dataset=Ring8(), network=MLP(), optimizer=Adam())

# Ids of runs that people hold results of. A change here makes those results unreachable: raise a component's `version`,
# or `FORMAT`, and say so in CHANGELOG under Numbers, rather than changing an id by accident.
PUBLISHED = {
    "ns-ring8-bn0-adam-s0-e35ef8ea37": PLAIN,
    "lsgan-digits-bnd-adam-s3-a503d1fb7d": RunSpec(
        variant=LSGAN(a=-1, b=1, c=0),
        dataset=Digits(),
        network=DCGAN(width=16, batchnorm="discriminator"),
        optimizer=Adam(lr=1e-3),
        steps=200,
        seed=3,
    ),
    "wgan_gp-grid25-bng-adam-s4294967295-06a7f87cef": RunSpec(
        variant=WGANGP(gp_weight=0.1),
        dataset=Grid25(scale=0.35361),
        network=MLP(batchnorm="generator"),
        optimizer=Adam(beta1=0.5, beta2=0.9),
        batch=256,
        steps=100_000,
        seed=2**32 - 1,
    ),
    "wgan-mnist-bngd-rmsprop-s1-c963a9cf10": RunSpec(
        variant=WGAN(warmup=25, refresh=500),
        dataset=MNIST(),
        network=DCGAN(batchnorm="both"),
        optimizer=RMSprop(lr=5e-5),
        seed=1,
    ),
    "hinge-cifar10-bn0-rmsprop_tf-s0-85f8268a0c": RunSpec(
        variant=Hinge(n_dis=5),
        dataset=CIFAR10(),
        network=DCGAN(kernel=4),
        optimizer=RMSpropTF(),
        schedule=Schedule(order="g_first", d_steps=2, g_steps=3, reuse_z=True),
    ),
    "minimax-ring8-bn0-sgd-s0-6f271bcd52": RunSpec(
        variant=Minimax(k=2),
        dataset=Ring8(points=512),
        network=MLP(g_widths=(64,), d_activation="maxout"),
        optimizer=SGD(momentum=0.5),
        schedule=Schedule(order="simultaneous"),
    ),
}


@pytest.mark.parametrize("run_id", PUBLISHED)
def test_published_ids_stay(run_id: str) -> None:
    assert PUBLISHED[run_id].run_id() == run_id


# Every field of what all runs have in common counts in the id. A new one changes every id: say here that it shall, or
# declare it with `field(metadata={"identity": False})` and name it in `FREE`.
COUNTED = {
    RunSpec: "variant dataset network optimizer batch steps seed schedule",
    Schedule: "order d_steps g_steps reuse_z ema",
    Component: "",
    Variant: "",
    Dataset: "",
    Network: "batchnorm z prior pac",
    Optimizer: "lr g_lr d_lr historical",
    Evaluator: "",
}
FREE: dict[type, str] = {}


@pytest.mark.parametrize("common", COUNTED, ids=lambda common: common.__name__)
def test_a_new_common_field_must_be_decided_on(common: Any) -> None:
    counted = [f.name for f in fields(common) if f.metadata.get("identity", True)]
    free = [f.name for f in fields(common) if not f.metadata.get("identity", True)]
    assert (counted, free) == (COUNTED[common].split(), FREE.get(common, "").split())


def test_the_format_of_specs() -> None:
    assert FORMAT == 1 and AXES == (
        "variant", "dataset", "network", "batchnorm", "optimizer", "schedule", "batch", "steps", "seed",
    )  # fmt: skip


# --- how an id is made ---


def test_an_id_is_a_prefix_and_the_head_of_a_hash() -> None:
    for spec in PUBLISHED.values():
        text = json.dumps(spec.canonical(), sort_keys=True, separators=(",", ":"))
        assert canonical_json(spec.canonical()) == text
        assert spec.run_id().rpartition("-")[2] == hashlib.sha256(text.encode()).hexdigest()[:10]


def test_the_canonical_form_holds_defaults_kinds_and_versions(tmp_path: Path) -> None:
    registry = Registry.of(write_components(tmp_path))
    make = {family: registry.find(family, f"tiny_{kind}") for family, kind in
            {"variant": "gan", "dataset": "points", "network": "net", "optimizer": "sgd"}.items()}  # fmt: skip
    spec = RunSpec(**{family: component() for family, component in make.items()}, steps=10)
    body = spec.canonical()
    assert body["variant"] == {
        "kind": "tiny_gan", "version": 1, "digest": make["variant"].digest,
        "weight": 1, "n_critic": 1, "decay": None, "form": "mean", "widths": [8, 8],
    }  # fmt: skip
    assert body["schedule"] == {"order": "d_first", "d_steps": None, "g_steps": 1, "reuse_z": False, "ema": 0}
    assert {name: body[name] for name in ("format", "batch", "steps", "seed")} == {
        "format": 1, "batch": 64, "steps": 10, "seed": 0,
    }  # fmt: skip
    assert body.keys() == {"format", *(f.name for f in fields(RunSpec))}


def test_whole_floats_and_integers_are_one_value() -> None:
    assert replace(PLAIN, variant=LSGAN(a=1)).run_id() == replace(PLAIN, variant=LSGAN(a=1.0)).run_id()
    assert plain(1.0) == 1 and type(plain(1.0)) is int
    assert plain(True) is True and plain(-0.0) == 0 and plain(0.1) == 0.1


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_canonical_numbers_are_exact(number: float) -> None:
    assert json.loads(canonical_json(plain(number))) == number


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_none_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="finite numbers only"):
        replace(PLAIN, optimizer=Adam(lr=number)).run_id()


# --- what counts ---


def test_every_option_of_every_part_counts() -> None:
    changed = [PLAIN]
    for part in ("variant", "dataset", "network", "optimizer"):
        changed += [replace(PLAIN, **{part: value}) for value in variations(getattr(PLAIN, part))]
    changed += [replace(PLAIN, batch=65), replace(PLAIN, steps=999), replace(PLAIN, seed=1)]
    changed += [
        replace(PLAIN, schedule=schedule)
        for schedule in (
            Schedule(order="g_first"),
            Schedule(d_steps=1),
            Schedule(g_steps=2),
            Schedule(reuse_z=True),
            Schedule(ema=0.5),
        )
    ]
    assert len({spec.run_id() for spec in changed}) == len(changed)
    assert len({canonical_json(spec.columns()) for spec in changed}) == len(changed), "tables tell them apart too"


def test_a_version_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = PLAIN.run_id()
    monkeypatch.setattr(Adam, "version", Adam.version + 1)
    assert PLAIN.run_id() != before


def test_the_text_of_a_users_file_counts(tmp_path: Path) -> None:
    ids = set()
    for comment in ("", "# a change that may change numbers\n"):
        (path,) = [path for path in write_components(tmp_path) if path.stem == "tiny_gan"]
        path.write_text(path.read_text() + comment)
        variant = Registry.of([path]).find("variant", "tiny_gan")()
        ids.add(replace(PLAIN, variant=variant).run_id())
    assert len(ids) == 2


def test_a_users_data_count_by_content_and_not_by_place(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    for name, points in (("a", numbers.random((40, 2))), ("b", numbers.random((40, 2)))):
        np.save(tmp_path / f"{name}.npy", points.astype(np.float32))
    (tmp_path / "copy.npy").write_bytes((tmp_path / "a.npy").read_bytes())
    ids = {
        name: replace(PLAIN, dataset=Arrays(path=str(tmp_path / f"{name}.npy"))).run_id() for name in ("a", "b", "copy")
    }
    assert ids["a"] == ids["copy"] != ids["b"]


# --- fields and identities by hand ---


@dataclass(frozen=True, kw_only=True)
class Placed(Dataset):
    """A dataset with an option that doesn't count, and an identity in its place."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "a test"
    content: ClassVar[str] = "0123456789abcdef"

    def identity(self) -> dict[str, str]:
        return {"content": self.content}

    def space(self, root: Path | None) -> Space:
        return Space((2,))

    def load(self, root: Path | None) -> Data:
        raise NotImplementedError


def test_an_identity_is_part_of_id_and_notation() -> None:
    assert plain(Placed()) == {"kind": "test_identity", "version": 1, "content": "0123456789abcdef"}
    assert Placed().notation() == "test_identity[content=01234567]"
