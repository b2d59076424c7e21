"""The registry: what there is, what a user adds, and what a wrong file says."""

from __future__ import annotations

import hashlib
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from ganbench.component import options
from ganbench.errors import RequestError
from ganbench.plugins import FAMILIES, RENAMED, Registry, family_of, guess, hint
from tests.support.tiny import BODIES, HEAD, write_components

VARIANT = HEAD.format(package="variants") + BODIES["tiny_gan"][1]


def write(folder: Path, name: str, text: str = VARIANT) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_listing_imports_neither_torch_nor_a_component() -> None:
    code = (
        "import sys; from ganbench.plugins import Registry, FAMILIES\n"
        "names = [name for family in FAMILIES for name in Registry.of().names(family)]\n"
        "assert 'lsgan' in names, names\n"
        "assert not {'torch', 'numpy', 'ganbench.variants.lsgan', 'ganbench.variants.base'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_name_is_found_and_is_its_own_kind(family: str) -> None:
    registry = Registry.of()
    names = registry.names(family)
    assert names == tuple(sorted(names))
    assert not {"base", "penalties", "features", "__init__"} & set(names)
    for name in names:
        found = registry.find(family, name)
        assert found.kind() == name
        assert family_of(found) == family
        assert found.digest == ""


def test_an_unknown_kind_says_what_is_meant() -> None:
    with pytest.raises(RequestError, match=r"there is no variant .LSGN.\. did you mean .lsgan.\? allowed: .*lsgan"):
        Registry.of().find("variant", "LSGN")


def test_hint_is_silent_about_strangers() -> None:
    assert hint("xyzzy", ("lsgan", "ns")) == "allowed: lsgan, ns"
    assert hint("lsgam", ("lsgan", "ns")) == "did you mean 'lsgan'? allowed: lsgan, ns"
    assert hint("a", ()) == "allowed: none"
    assert hint("xyzzy", map(str, range(70))).endswith(", 58, 59 and 10 more")


def test_a_guess_takes_the_closest_word_above_the_cutoff() -> None:
    assert guess("LSGN", ("wgan", "lsgan")) == "did you mean 'lsgan'?"
    assert guess("lsg", ("lsgan_grid",)) == ""
    assert guess("lsg", ("lsgan_grid",), cutoff=0.4) == "did you mean 'lsgan_grid'?"


def test_users_components_join_their_families(tmp_path: Path) -> None:
    files = write_components(tmp_path)
    registry = Registry.of(files)
    for path, family in zip(files, ("variant", "dataset", "dataset", "network", "optimizer", "evaluator"), strict=True):
        found = registry.find(family, path.stem)
        assert found.kind() == path.stem
        assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()
        assert path.stem in registry.names(family)
        assert path.stem not in Registry.of().names(family)


def test_one_file_twice_is_one_component_and_a_changed_one_is_another(tmp_path: Path) -> None:
    path = write(tmp_path, "my_gan.py")
    first = Registry.of((path, path)).find("variant", "my_gan")
    assert Registry.of((path,)).find("variant", "my_gan") is first
    path.write_text(VARIANT + "# changed\n")
    second = Registry.of((path,)).find("variant", "my_gan")
    assert second is not first
    assert second.digest != first.digest


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("lsgan.py", VARIANT, "there is already a variant 'lsgan'. give the file another name"),
        ("My-Gan.py", VARIANT, "'My-Gan.py' can't be a kind"),
        ("gan.txt", VARIANT, "'gan.txt' can't be a kind"),
        ("empty.py", "", "it defines no component. a file defines exactly one"),
        ("two.py", VARIANT + VARIANT.replace("TinyGan", "Other"), "it defines Other and TinyGan. a file defines"),
        ("half.py", VARIANT.replace("def g_loss", "def gloss"), "TinyGan lacks g_loss"),
        ("bare.py", VARIANT.replace("@dataclass(frozen=True, kw_only=True)", ""), "TinyGan is not a dataclass"),
        ("anon.py", VARIANT.replace('source = "nobody"', ""), "TinyGan has no source. both are class variables"),
        ("broken.py", "import os\nnope\n", "line 2: NameError: name 'nope' is not defined"),
        ("typo.py", "def f(:\n", "line 1: invalid syntax"),
        ("exits.py", "raise SystemExit(3)\n", "line 1: SystemExit: 3"),
        (
            "hints.py",
            VARIANT.replace("Count = 1", "'Cuont' = 1"),
            "its options can't be read: name 'Cuont' is not defined",
        ),
    ],
)
def test_a_wrong_file_is_a_sentence(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(RequestError) as caught:
        Registry.of((write(tmp_path, name, text),))
    assert says in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)
    assert not [module for module in sys.modules if module.startswith("ganbench_user") and module.endswith(".broken")]


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_name_that_a_plugin_overrides_is_refused_with_the_new_one(tmp_path: Path, old: str) -> None:
    path = write(tmp_path, "old_gan.py", f"{VARIANT}    def {old}(self, *args): return None\n")
    with pytest.raises(RequestError) as caught:
        Registry.of((path,))
    assert str(caught.value) == (
        f"{path}: TinyGan uses names of ganbench 0.1. `{old}` is now `{RENAMED[old]}`. rename them in the file"
    )


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_name_that_a_plugin_imports_is_refused_with_the_new_one(tmp_path: Path, old: str) -> None:
    path = write(tmp_path, "old_gan.py", f"from ganbench.variants.base import {old}\n{VARIANT}")
    with pytest.raises(RequestError) as caught:
        Registry.of((path,))
    assert f"line 1: ImportError: cannot import name '{old}'" in str(caught.value)
    assert f"(it is now {RENAMED[old]!r})" in str(caught.value)


def test_an_absent_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="can't be read: No such file"):
        Registry.of((tmp_path / "none.py",))


def test_two_files_of_one_kind_are_refused(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    files = (write(tmp_path, "my_gan.py"), write(tmp_path / "sub", "my_gan.py", VARIANT + "# other\n"))
    with pytest.raises(RequestError, match="there is already a variant 'my_gan'"):
        Registry.of(files)


def test_installed_packages_bring_components(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "packaged_gan.py")
    good = importlib.metadata.EntryPoint("packaged_gan", "packaged_gan", "ganbench.plugins")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [good] if group == good.group else [])
    found = Registry.of().find("variant", "packaged_gan")
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    bad = importlib.metadata.EntryPoint("absent", "no_such_module_here", "ganbench.plugins")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [bad])
    with pytest.raises(RequestError, match="entry point absent = no_such_module_here: it can't be imported"):
        Registry.of()


def test_options_say_type_default_and_bounds(tmp_path: Path) -> None:
    described = Registry.of(write_components(tmp_path)).describe("variant")
    assert set(described) == {"variants"}
    tiny = next(entry for entry in described["variants"] if entry["name"] == "tiny_gan")
    assert tiny["source"] == "nobody"
    assert tiny["options"] == [
        {"name": "weight", "type": "float", "default": 1, "bounds": ">= 0"},
        {"name": "n_critic", "type": "int", "default": 1, "bounds": ">= 1"},
        {"name": "decay", "type": "float | null", "default": None, "bounds": ">= 0 and <= 1"},
        {"name": "form", "type": "sum | mean", "default": "mean", "bounds": ""},
        {"name": "widths", "type": "list of int", "default": [8, 8], "bounds": ">= 1"},
    ]


def test_a_required_option_has_no_default(tmp_path: Path) -> None:
    path = write(tmp_path, "needy.py", VARIANT.replace("n_critic: Count = 1", "n_critic: Count"))
    entry = next(o for o in options(Registry.of((path,)).find("variant", "needy")) if o["name"] == "n_critic")
    assert entry == {"name": "n_critic", "type": "int", "bounds": ">= 1"}


def test_describe_covers_every_family() -> None:
    assert set(Registry.of().describe()) == set(FAMILIES.values())
