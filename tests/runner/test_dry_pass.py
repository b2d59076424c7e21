"""A user's components are tried before anything runs, and their calls leave the process as it was."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ganbench.errors import RequestError
from ganbench.executors.inline import Inline
from ganbench.plugins import Registry
from ganbench.results.store import Store
from ganbench.runner.dry_pass import check_components, check_packs
from ganbench.runner.job import Job
from ganbench.runner.settings import WorkerSettings
from ganbench.variants.loss_sensitive import LossSensitiveGAN
from tests.support.jobs import JOB, SPEC
from tests.support.rows import file_rows

HEAD = """
from dataclasses import dataclass
import torch
from torch import nn
from torch.nn.functional import softplus
from ganbench.datasets.base import Data, Dataset, Space, Split
from ganbench.evaluators.base import Evaluator, Metric, Score
from ganbench.networks.base import Network
from ganbench.optimizers.base import Optimizer
from ganbench.variants.base import Variant

@dataclass(frozen=True, kw_only=True)
"""
BODIES = {
    "network": """class Own(Network):
    version, source = 1, "test"
    def generator(self, space): return nn.Sequential(nn.Linear(self.z, 8), nn.ReLU(), nn.Linear(8, space.shape[0]))
    def discriminator(self, space): return nn.Sequential(nn.Linear(space.shape[0], 8), nn.Linear(8, 1), nn.Flatten(0))
    def unsupported(self, space): return None
""",
    "variant": """class Own(Variant):
    version, source = 1, "test"
    def d_loss(self, net, batch):
        return {"real": softplus(-net.d(batch.x)).mean(), "fake": softplus(net.d(net.g(batch.z))).mean()}
    def g_loss(self, net, batch): return {"fake": softplus(-net.d(net.g(batch.z))).mean()}
""",
    "dataset": """class Own(Dataset):
    version, source = 1, "test"
    def space(self, root): return Space((2,), classes=3)
    def load(self, root):
        return Data(self.space(root), *(self.split(seed) for seed in range(3)))
    def split(self, seed):
        generator = torch.Generator().manual_seed(seed)
        return Split(torch.randn(50, 2, generator=generator), torch.arange(50) % 3)
""",
    "optimizer": """class Own(Optimizer):
    version, source = 1, "test"
    def build(self, params, player): return torch.optim.SGD(params, lr=self.lr_of(player))
""",
    "evaluator": """class Own(Evaluator):
    version, source = 1, "test"
    def metrics(self): return (Metric("own", "lower", 0, 1),)
    def needs(self): return ("pixels",)
    def unsupported(self, space, samples, modes): return None
    def __call__(self, fake, real, rng): return {"own": Score(0.5, None, len(fake), 0, {"protocol": "own"})}
""",
}

# family, what stands in the file, what stands there instead, what the message says
MISTAKES = [
    ("network", ", nn.Flatten(0)", "", r"d makes \(6, 1\), not \(6,\); end its forward pass with `.squeeze\(1\)`"),
    ("network", "nn.Linear(8, 1), nn.Flatten(0)", "nn.Linear(8, 3)", r"d makes \(6, 3\), not \(6,\)"),
    ("network", "nn.Linear(8, space.shape[0])", "nn.Linear(8, 3)", r"g makes \(6, 3\), not \(6, 2\)"),
    ("network", "nn.Linear(self.z, 8)", "nn.Linear(self.z + 1, 8)", "RuntimeError: .*mat1 and mat2"),
    ("network", "nn.ReLU()", "nn.Dropout(0.5)", "torch's global random numbers"),
    ("variant", "softplus(-net.d(batch.x)).mean()", "softplus(-net.d(batch.x))", r"term 'real' is .*shape \(6,\)"),
    ("variant", "-net.d(net.g(batch.z))", "-net.d(batch.x)", "g_loss has no gradient for 'g', which it moves"),
    ("variant", ".mean()}\n    def g", ".mean().item()}\n    def g", "term 'fake' is a float, not a tensor"),
    ("dataset", "torch.randn(50, 2, ", "torch.randn(50, 2, dtype=torch.float64, ", "float64, not torch.float32"),
    ("dataset", "% 3", "% 4", r"a label is not in 0\.\.2"),
    ("dataset", "torch.randn(50, 2", "torch.randn(50, 3", r"has the shape \(50, 3\), not \(n, \*\(2,\)\)"),
    ("dataset", "torch.randn(50, 2, generator=generator)", "torch.randn(50, 2)", "torch's global random numbers"),
    ("optimizer", "lr=self.lr_of(player)", "lr=0.0", "pass `lr=self.lr_of\\(player\\)`"),
    ("optimizer", "torch.optim.SGD(params, lr=self.lr_of(player))", "None", "`build` gives a NoneType, no optimizer"),
    ("evaluator", '{"own": Score', '{"other": Score', r"reports \['other'\], not declared; it declares \['own'\]"),
    ("evaluator", "Score(0.5", "Score(1.5", r"own = 1.5 is not in \[0, 1\]"),
    ("evaluator", "Score(0.5", "Score('0.5'", "is a str, not a number"),
    ("evaluator", 'Score(0.5, None, len(fake), 0, {"protocol": "own"})', "0.5", "is a float, not a Score"),
]


def job_with(folder: Path, family: str, body: str) -> Job:
    path = folder / f"own_{family}.py"
    path.write_text(HEAD + body)
    own: Any = Registry.of((path,)).find(family, path.stem)()
    if family == "evaluator":
        return replace(JOB, evaluators=(own,))
    spec = replace(SPEC, **{family: replace(own, z=4) if family == "network" else own})
    return replace(JOB, specs=(spec,), evaluators=() if family == "dataset" else JOB.evaluators)


@pytest.mark.parametrize("family", BODIES)
def test_a_sound_component_passes(tmp_path: Path, family: str) -> None:
    check_components([job_with(tmp_path, family, BODIES[family])], None)


@pytest.mark.parametrize(("family", "right", "wrong", "says"), MISTAKES)
def test_a_mistake_is_one_sentence_with_its_file(
    tmp_path: Path, family: str, right: str, wrong: str, says: str
) -> None:
    assert right in BODIES[family]
    job = job_with(tmp_path, family, BODIES[family].replace(right, wrong))
    with pytest.raises(RequestError, match=says) as caught:
        check_components([job], None)
    assert caught.value.where == str(tmp_path / f"own_{family}.py") and caught.value.allowed and caught.value.todo


def test_an_output_of_one_column_is_refused_with_a_loss_that_would_broadcast_it(tmp_path: Path) -> None:
    job = job_with(tmp_path, "network", BODIES["network"].replace(", nn.Flatten(0)", ""))
    job = replace(job, specs=(replace(job.specs[0], variant=LossSensitiveGAN()),))
    with pytest.raises(RequestError, match=r"own_network\[z=4\]: d makes \(6, 1\), not \(6,\)"):
        check_components([job], None)


def test_shipped_components_are_not_tried() -> None:
    check_components([replace(JOB, specs=(replace(SPEC, batch=0),))], None)


# --- in packs ---

SGD = "return torch.optim.SGD(params, lr=self.lr_of(player))"
CLIPPED = """
        class Clipped(torch.optim.SGD):
            def step(self, closure=None):
                torch.nn.utils.clip_grad_norm_(params, 0.01)
                super().step()
        return Clipped(params, lr=self.lr_of(player))"""
LAYER = """
        class Layer(nn.Module):
            def forward(self, x):
                {}
                return x
        return nn.Sequential(nn.Linear(self.z, 8), Layer(), nn.Linear(8, space.shape[0]))"""
G = "return nn.Sequential(nn.Linear(self.z, 8), nn.ReLU(), nn.Linear(8, space.shape[0]))"
FAILING = {  # family, what stands in the file, what stands there instead, what the note says
    "in place": ("network", G, LAYER.format("x = torch.zeros(x.shape).add_(x)"), r"line .*broadcast shape"),
    "item": ("network", G, LAYER.format("x = x * x.mean().item()"), r"line \d+: RuntimeError: .*\.item\(\)"),
    "control flow": ("network", G, LAYER.format("x = x if x.sum() > 0 else -x"), r"line .*: .*control flow"),
    "unsupported": ("network", G, LAYER.format("x = x + x[x > 0].mean()"), r"line \d+: RuntimeError: .*"),
    "float32 only": ("network", G, LAYER.format("x = x @ torch.eye(8)"), r"in float64, line .*dtype"),
    "loss": ("variant", "softplus(-net.d(batch.x)).mean()",
             "softplus(-net.d(batch.x)).mean() * float(batch.x.mean())", r"line \d+: RuntimeError: .*item"),
    "rule": ("optimizer", SGD, CLIPPED, r"runs in a pack and alone differ by \d"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FAILING)
def test_what_works_alone_and_not_in_a_pack_has_a_reason(tmp_path: Path, kind: str) -> None:
    family, right, wrong, says = FAILING[kind]
    assert right in BODIES[family]
    job = job_with(tmp_path, family, BODIES[family].replace(right, wrong))
    check_components([job], None)
    reasons = check_packs([job.specs[0], replace(job.specs[0], steps=9)], None)
    assert len(reasons) == 2 and len({*reasons.values()}) == 1
    assert re.match(rf"own_{family}(\[z=4\])?: .*{says}", reasons[job.specs[0]]), reasons


@pytest.mark.parametrize("family", ["network", "variant", "optimizer"])
def test_a_sound_component_shares_packs(tmp_path: Path, family: str) -> None:
    spec = job_with(tmp_path, family, BODIES[family]).specs[0]
    assert check_packs([spec], None) == {}


def test_cells_of_shipped_components_are_not_tried_in_packs(tmp_path: Path) -> None:
    own_data = job_with(tmp_path, "dataset", BODIES["dataset"]).specs[0]
    assert check_packs([replace(SPEC, batch=0), replace(own_data, batch=0)], None) == {}


# --- while runs are done ---

SETS = "torch.set_default_dtype(torch.float64)"


@pytest.mark.parametrize(
    ("family", "right", "wrong"),
    [
        ("variant", "        return {", f"        {SETS}\n        return {{"),
        ("dataset", "        return Data", f"        {SETS}\n        return Data"),
        ("evaluator", '): return {"own"', f'):\n        {SETS}\n        return {{"own"'),
    ],
)
def test_the_order_of_jobs_never_matters(tmp_path: Path, family: str, right: str, wrong: str) -> None:
    """A component that changes the process at any time fails its own run, and a shipped run has the same numbers."""
    bad = job_with(tmp_path, family, BODIES[family].replace(right, wrong))
    bad = replace(bad, specs=(replace(bad.specs[0], seed=1),))

    def terms(name: str, *jobs: Job) -> tuple[list[str], list[Any]]:
        store = Store(tmp_path / name).open()
        ended = list(Inline().run(jobs, [WorkerSettings(store.root, threads=torch.get_num_threads())], lambda _: None))
        rows = file_rows(store.run(JOB.run_ids[0]), "terms.jsonl")
        return [end.status for end in ended], [row["terms"] for row in rows]

    alone = terms("alone", JOB)
    first, after = terms("first", bad, JOB), terms("after", JOB, bad)
    assert alone[0] == ["done"] and first[0] == ["failed", "done"] and after[0] == ["done", "failed"]
    assert alone[1] == first[1] == after[1]
