"""Terminals and locales that are not UTF-8: nothing fails, what can't be shown is replaced, files stay UTF-8."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import command, environment

ABOUT = "Größe → ∞, 学习"
PLUGIN = """
from dataclasses import dataclass
from ganbench.variants.ns import NonSaturating


@dataclass(frozen=True, kw_only=True)
class Talks(NonSaturating):
    \"\"\"Prints what old terminals can't show.\"\"\"

    def d_loss(self, *arguments):
        print("→ ∞")
        return super().d_loss(*arguments)
"""
SUITE = f"""\
name: small
about: "{ABOUT}"
grid: {{variant: ns, dataset: ring8, seed: 2}}
train:
  network: {{kind: mlp, z: 8, g_widths: [16], d_widths: [16]}}
  steps: 20
  batch: 32
evaluate: {{every: 10, samples: 50, with: [modes]}}
"""
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
OLD = {"PYTHONIOENCODING": "cp1252"}
WARNING = {"PYTHONWARNDEFAULTENCODING": "1"}


def run(folder: Path, words: str, **extra: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        command(*words.split()), capture_output=True, cwd=folder, env=environment() | extra, timeout=300
    )
    assert b"Traceback" not in done.stderr and b"UnicodeEncodeError" not in done.stderr, done.stderr.decode()
    ours = [line for line in done.stderr.decode(errors="replace").splitlines() if "ganbench/" in line.split(":")[0]]
    assert [line for line in ours if "EncodingWarning" in line] == []
    return done


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the small suite ran and was published, in the C locale, with Python's encoding warnings."""
    folder = tmp_path_factory.mktemp("locale")
    (folder / "small.yaml").write_text(SUITE, encoding="utf-8")
    elsewhere = C_LOCALE | WARNING
    assert run(folder, "run small.yaml --executor inline --tracking-uri none", **elsewhere).returncode == 0
    assert run(folder, "report small --publish out", **elsewhere).returncode == 0
    for format in ("markdown", "html", "csv"):
        assert run(folder, f"report small --format {format} --out out/one.{format}", **elsewhere).returncode == 0
    return folder


def test_files_are_utf8_in_the_c_locale(written: Path) -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in (written / "out").iterdir() if path.is_file()}
    assert ABOUT in texts["report.md"] and ABOUT in texts["one.markdown"]
    assert all(ABOUT in texts[name] for name in ("report.html", "one.html"))


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "cp437"])
def test_output_replaces_what_the_terminal_lacks(written: Path, encoding: str) -> None:
    done = run(written, "report small", PYTHONIOENCODING=encoding)
    assert done.returncode == 0 and b"# small" in done.stdout
    if encoding != "ascii":  # click takes ASCII for a mistake of the system, and writes UTF-8
        assert "Größe ? " in done.stdout.decode(encoding) and "??" in done.stdout.decode(encoding)


@pytest.mark.parametrize("words", ["watch small --once", "check small.yaml", "check Größe→.yaml", "list"])
def test_other_commands_and_messages(written: Path, words: str) -> None:
    wrong = 2 if "→" in words else 0
    assert run(written, words, **OLD).returncode == wrong
    assert run(written, words, **C_LOCALE).returncode == wrong


@pytest.mark.parametrize(("executor", "extra"), [("local", OLD), ("local", C_LOCALE), ("inline", OLD)])
def test_a_component_may_print_anything(tmp_path: Path, executor: str, extra: dict[str, str]) -> None:
    """A worker's streams are UTF-8, whatever those of the command are."""
    (tmp_path / "talks.py").write_text(PLUGIN, encoding="utf-8")
    text = SUITE.replace("variant: ns", "variant: talks").replace("seed: 2", "seed: 1") + "plugins: [talks.py]\n"
    (tmp_path / "small.yaml").write_text(text, encoding="utf-8")
    done = run(tmp_path, f"run small.yaml --tracking-uri none --executor {executor}", **extra)
    assert done.returncode == 0 and b"1 done" in done.stderr, done.stderr.decode()
