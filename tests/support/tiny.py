"""Tiny components as a user writes them, one file each, so that tests of suites need none of ganbench's own."""

from __future__ import annotations

from pathlib import Path

HEAD = """from dataclasses import dataclass
from typing import ClassVar, Literal
from ganbench.component import Count, Fraction, NonNegative
from ganbench.{package}.base import *

@dataclass(frozen=True, kw_only=True)
"""
BODIES = {
    "tiny_gan": (
        "variants",
        """class TinyGan(Variant):
    version = 1
    source = "nobody"
    weight: NonNegative = 1.0
    n_critic: Count = 1
    decay: Fraction | None = None
    form: Literal["sum", "mean"] = "mean"
    widths: tuple[Count, ...] = (8, 8)
    def d_loss(self, net, batch): return {}
    def g_loss(self, net, batch): return {}
    def conflict(self, spec): return "it needs batches of at least 2" if spec.batch < 2 else None
""",
    ),
    "tiny_points": (
        "datasets",
        """class TinyPoints(Dataset):
    version = 1
    source = "nobody"
    default_network: ClassVar[str | None] = "tiny_net"
    has_modes: ClassVar[bool] = True
    modes: Count = 8
    def space(self, root): return Space((2,))
    def load(self, root): raise NotImplementedError
""",
    ),
    "tiny_images": (
        "datasets",
        """class TinyImages(Dataset):
    version = 1
    source = "nobody"
    def space(self, root):
        if root is None:
            raise RequestError("dataset tiny_images", "its files are absent", "", "set GANBENCH_DATA")
        return Space((1, 8, 8), classes=10)
    def load(self, root): raise NotImplementedError
""",
    ),
    "tiny_net": (
        "networks",
        """class TinyNet(Network):
    version = 1
    source = "nobody"
    width: Count = 4
    def generator(self, space): raise NotImplementedError
    def discriminator(self, space): raise NotImplementedError
    def unsupported(self, space): return "it makes points, not images" if space.is_image else None
""",
    ),
    "tiny_sgd": (
        "optimizers",
        """class TinySgd(Optimizer):
    version = 1
    source = "nobody"
    momentum: Fraction = 0.0
    def build(self, params, player): raise NotImplementedError
""",
    ),
    "tiny_score": (
        "evaluators",
        """class TinyScore(Evaluator):
    version = 1
    source = "nobody"
    features: Literal["pixels", "modes"] = "pixels"
    def metrics(self): return (Metric(f"score_{self.features}", "lower"),)
    def needs(self): return ()
    def unsupported(self, space, samples, modes):
        if samples < 10:
            return "it needs 10 samples"
        return None if modes or self.features == "pixels" else "the data have no known modes"
    def __call__(self, fake, real, rng): return {}
""",
    ),
}
FILES = tuple(f"{name}.py" for name in BODIES)


def write_components(folder: Path) -> tuple[Path, ...]:
    """Write every tiny component into a folder; the files."""
    for name, (package, body) in BODIES.items():
        extra = "from ganbench.errors import RequestError\n" if name == "tiny_images" else ""
        (folder / f"{name}.py").write_text(extra + HEAD.format(package=package) + body)
    return tuple(folder / name for name in FILES)


def write_suite(folder: Path, text: str) -> Path:
    """Write a suite that can name every tiny component; its path."""
    write_components(folder)
    path = folder / "suite.yaml"
    path.write_text(f"{text.strip()}\nplugins: [{', '.join(FILES)}]\n")
    return path
