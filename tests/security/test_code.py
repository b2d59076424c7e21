"""No file of a stranger runs code: TorchScript is asked about first, and nothing is ever unpickled."""

from __future__ import annotations

import ast
import hashlib
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import ganbench
from ganbench.errors import DamagedRun, RequestError, SuiteError
from ganbench.features.cache import read_tensors
from ganbench.features.inception import inception
from ganbench.results import tensors
from ganbench.results.files import write_bytes
from ganbench.samples import read_samples
from ganbench.suite import load
from tests.e2e.conftest import within

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.(script|save|trace|trace_method)`:FutureWarning")
PACKAGE = Path(ganbench.__file__).parent
UNPICKLERS = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}


class Writer(nn.Module):
    """Writes a file whenever it is called, as any TorchScript module may."""

    def forward(self, x: Tensor) -> Tensor:
        torch.save(x.float().mean(), "written")
        return x.float().flatten(1)


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with images, and a TorchScript file that writes a file named `written`."""
    monkeypatch.chdir(tmp_path)
    torch.jit.save(torch.jit.script(Writer()), "net.pt")
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    np.save("a.npy", images[:20])
    np.save("b.npy", images[20:])
    return tmp_path


@pytest.mark.parametrize("words", [("--features", "pixels,net.pt"), ("--with", "{kind: fid, features: net.pt}")])
def test_a_torchscript_file_is_refused_without_trust(stranger: Path, words: tuple[str, str]) -> None:
    done = within(stranger, "evaluate", "a.npy", "--reference", "b.npy", *words)
    assert done.returncode == 2 and not (stranger / "written").exists()
    assert "net.pt is a TorchScript file, which holds code" in done.stderr and "--trust" in done.stderr


def test_with_trust_its_code_runs(stranger: Path) -> None:
    done = within(stranger, "evaluate", "a.npy", "--reference", "b.npy", "--features", "net.pt", "--trust")
    assert done.returncode == 0, done.stderr
    assert "fd_net" in done.stdout and (stranger / "written").exists()


SUITE = """\
name: s
grid: {variant: ns, dataset: digits, optimizer: adam}
train: {steps: 1, batch: 4}
evaluate: {samples: 50, with: {kind: fid, features: net.pt}}
"""


def test_a_suite_names_it_among_the_files_whose_code_runs(stranger: Path) -> None:
    (stranger / "s.yaml").write_text(SUITE)
    with pytest.raises(SuiteError) as error:
        load(Path("s.yaml"))
    assert "s.yaml:4" in str(error.value) and "net.pt is a TorchScript file, which holds code" in str(error.value)
    (stranger / "s.yaml").write_text(SUITE + "plugins: [net.pt]\n")
    suite = load(Path("s.yaml"))
    assert suite.plugins == (stranger.resolve() / "net.pt",)
    assert not (stranger / "written").exists()
    (stranger / "net.pt").rename(stranger / "other.pt")
    with pytest.raises(SuiteError, match="there is no such file"):
        load(Path("s.yaml"))


def test_a_file_of_the_same_name_elsewhere_is_another_file(stranger: Path) -> None:
    folder = stranger / "suites"
    folder.mkdir()
    (folder / "net.pt").write_bytes((stranger / "net.pt").read_bytes())
    (folder / "s.yaml").write_text(SUITE + "plugins: [net.pt]\n")
    with pytest.raises(SuiteError, match="not among the plug-ins"):
        load(folder / "s.yaml")


# pickles


class Attack:
    """Unpickling it makes a file named `attacked`."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (Path("attacked"),)


@pytest.fixture
def attack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps(Attack(), protocol=2)  # that of torch.save
    pickle.loads(content)
    Path("attacked").unlink()  # it works
    return content


def test_no_reader_of_tensors_unpickles(attack: bytes) -> None:
    path = Path("last.pt")
    tensors.save(path, {"step": 1})
    for content in (attack, _archive(attack), _torch_file()):
        path.write_bytes(content)
        with pytest.raises(DamagedRun):
            tensors.load(path, "cpu", note=print)
        write_bytes(path, content + hashlib.sha256(content).digest())  # with a digest that matches
        with pytest.raises(DamagedRun):
            tensors.load(path, "cpu")
        assert read_tensors(path) is None
        with pytest.raises(pickle.UnpicklingError):
            inception(path, "cpu")
    assert not Path("attacked").exists()


def _torch_file() -> bytes:
    torch.save(Attack(), "attack.pt")
    return Path("attack.pt").read_bytes()


def _archive(attack: bytes) -> bytes:
    """A pickle in the form of a file of `torch.save`."""
    with zipfile.ZipFile("archive.zip", "w") as archive:
        archive.writestr("archive/data.pkl", attack)
        archive.writestr("archive/version", "3\n")
    return Path("archive.zip").read_bytes()


def test_no_reader_of_samples_unpickles(attack: bytes) -> None:
    np.save("good.npy", np.zeros((4, 2), np.float32))
    objects = np.array([Attack()], dtype=object)
    np.save("a.npy", objects, allow_pickle=True)
    np.savez("b.npz", x=objects)
    Path("c.npy").write_bytes(attack)
    Path("d.npz").write_bytes(_archive(attack))
    Path("e.pt").write_bytes(_torch_file())
    for name in ("a.npy", "b.npz", "c.npy", "d.npz", "e.pt"):
        for pair in ((name, "good.npy"), ("good.npy", name)):
            with pytest.raises(RequestError):
                read_samples(*pair, None, None)
    assert not Path("attacked").exists()


def test_no_call_in_the_package_unpickles() -> None:
    """torch.load and numpy.load say so themselves; TorchScript is loaded in one module; nothing imports a pickler."""
    found, seen = [], set()
    for path in PACKAGE.rglob("*.py"):
        name = str(path.relative_to(PACKAGE))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names) if {alias.name.partition(".")[0] for alias in names} & UNPICKLERS:
                    found.append(f"{name}:{node.lineno}")
                case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in UNPICKLERS:
                    found.append(f"{name}:{node.lineno}")
                case ast.Call(func=function, keywords=words):
                    call, given = ast.unparse(function), {word.arg: ast.unparse(word.value) for word in words}
                    seen.add(call)
                    bad = (call == "torch.load" and given.get("weights_only") != "True") or (
                        call in ("np.load", "numpy.load") and given.get("allow_pickle") != "False"
                    )
                    found += [f"{name}:{node.lineno}"] if bad or "read_pickle" in call else []
                case ast.Attribute(attr="load") if ast.unparse(node) == "torch.jit.load":
                    found += [] if name == "features/torchscript.py" else [f"{name}:{node.lineno}"]
    assert found == [] and {"torch.load", "np.load"} <= seen
