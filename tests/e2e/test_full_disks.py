"""Places that can't be written: a file where a folder is expected, /proc, and /dev/full, which is a full disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.conftest import Run, command, environment

FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of one small run, and samples to score."""
    folder = tmp_path_factory.mktemp("disks")
    (folder / "small.yaml").write_text(
        "name: small\ngrid: {variant: ns, dataset: ring8}\n"
        "train: {network: {kind: mlp, z: 8, g_widths: [16], d_widths: [16]}, steps: 20, batch: 32}\n"
        "evaluate: {every: 20, samples: 50, with: [modes]}\n"
    )
    words = command("run", "small.yaml", "--executor", "inline", "--tracking-uri", "none")
    subprocess.run(words, cwd=folder, env=environment(), check=True, capture_output=True, timeout=300)
    for seed, name in enumerate(("fake", "real")):
        images = np.random.default_rng(seed).integers(0, 256, (40, 8, 8), dtype=np.uint8)
        np.save(folder / f"{name}.npy", images)
    (folder / "file").touch()
    return folder


@pytest.mark.parametrize("place", ["/proc/nowhere", "{done}/file", "/proc"])
def test_evaluate_goes_on_without_a_cache(ganbench: Run, done: Path, place: str) -> None:
    words = ("evaluate", done / "fake.npy", "--reference", done / "real.npy", "--with", "fid,precision_recall")
    results = place.format(done=done)
    scored = ganbench(*words, "--features", "pixels,classifier", "--results", results, "--json")
    kept = ganbench(*words, "--features", "pixels,classifier", "--results", "kept", "--json")
    assert scored.returncode == kept.returncode == 0, scored.stderr
    assert "Traceback" not in scored.stderr and scored.stdout == kept.stdout
    assert scored.stderr.count(f"{results}/cache: the cache can't be written (") <= 1
    assert "the cache can't be written" not in kept.stderr


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("report small --out /dev/full", "/dev/full"),
        ("report small --format html --out /dev/full", "/dev/full"),
        ("report small --out /proc/x.md", "/proc/x.md"),
        ("report small --out file/x.md", "file/x.md"),
        ("report small --publish file", "file"),
        ("report small --publish /proc/x", "/proc/x"),
        ("evaluate fake.npy --reference real.npy --with fid --features pixels --out /proc/x", "/proc/x"),
    ],
)
def test_what_cannot_be_written_is_named(done: Path, words: str, path: str) -> None:
    ended = subprocess.run(
        command(*words.split()), capture_output=True, text=True, cwd=done, env=environment(), timeout=300
    )
    assert ended.returncode == 2 and "Traceback" not in ended.stderr, ended.stderr
    option = "--publish" if "--publish" in words else "--out"
    assert f"{option}: can't write {path}: " in ended.stderr and "choose another path" in ended.stderr


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", ["report small", "watch small --once", "list", "run small.yaml --dry-run", "--help"])
def test_an_output_on_a_full_disk_is_one_message(done: Path, words: str) -> None:
    if words.startswith("run"):
        words += " --set train.steps=21"  # something to print
    with FULL.open("w") as full:
        ended = subprocess.run(
            command(*words.split()), stdout=full, stderr=subprocess.PIPE, text=True, cwd=done, env=environment()
        )
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.splitlines()[-1] == "ganbench: No space left on device"
    assert "Traceback" not in ended.stderr and "Exception ignored" not in ended.stderr
