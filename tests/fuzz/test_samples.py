"""Mutated samples: `ganbench evaluate` scores them, or refuses them with their place; it never runs their code."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.hostile import called, damaged
from tests.support.image_files import deep_png, noise

pytestmark = pytest.mark.fuzz

CANARY = "canary"
SETS = 12  # samples in a set
WORDS = [
    *(b"\0" * 8, b"\xff" * 8, b"{'descr': '|O', ", b"'fortran_order': True, ", b"(999999999999, 2)", b"(-1, 2)"),
    *(b"'<f8'", b"'<U8'", b"'|V0'", b"PK\x03\x04", b"PK\x05\x06", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1", b"GIF89a"),
    *(b"IHDR", b"IDAT", b"IEND", b"acTL", struct.pack(">II", 2**31 - 1, 2**31 - 1), b"../../evil.png", b"cposix\n"),
]


class Payload:
    """What writes the canary if anyone unpickles it."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (Path(CANARY),)


def image(seed: int, form: str = "png", size: int = 8) -> bytes:
    """A small RGB image in a format of Pillow."""
    out = io.BytesIO()
    Image.fromarray(noise(seed, size, size)).save(out, form)
    return out.getvalue()


def array(values: Any) -> bytes:
    """The bytes of a .npy file."""
    out = io.BytesIO()
    np.save(out, values, allow_pickle=True)
    return out.getvalue()


def arrays(**named: Any) -> bytes:
    out = io.BytesIO()
    np.savez(out, **named)
    return out.getvalue()


def archive(chance: random.Random) -> bytes:
    """A zip archive of images with a few odd members."""
    out = io.BytesIO()
    odd = ["../evil.png", "/tmp/evil.png", "a\\b.png", "dir/", "x" * 250 + ".png", "n\0ul.png", "0.png", "dataset.json"]
    names = [f"{seed}.png" for seed in range(SETS)] + chance.sample(odd, chance.randint(0, 2))
    with zipfile.ZipFile(out, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as file:
        for seed, name in enumerate(dict.fromkeys(names)):
            file.writestr(name, b'{"labels": [["0.png", 99]]}' if name.endswith("json") else image(seed))
    return out.getvalue()


def huge_header() -> bytes:
    """A .npy file of a few bytes that says it has terabytes."""
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 2), }".ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + b"\0" * 64


def huge_png() -> bytes:
    """A PNG of a few bytes that says it has gigabytes."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 65000, 65000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + image(0)[33:]


def tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        file.addfile(tarfile.TarInfo("../evil.png"), io.BytesIO())
    return out.getvalue()


GOOD = {  # the bytes of a whole set by the name of its file
    "points.npy": lambda _: array(np.random.default_rng(1).normal(size=(SETS, 2))),
    "images.npy": lambda _: array(np.stack([noise(seed) for seed in range(SETS)])),
    "images.npz": lambda _: arrays(arr_0=np.stack([noise(seed) for seed in range(SETS)]), arr_1=np.arange(SETS) % 3),
    "images.zip": archive,
}
TRAPS: dict[str, Callable[[], bytes]] = {  # names and contents that were made to do harm
    "objects.npy": lambda: array(np.array([Payload()] * SETS, dtype=object)),
    "objects.npz": lambda: arrays(x=np.array([Payload()] * SETS, dtype=object)),
    "pickle.npy": lambda: pickle.dumps(Payload()),
    "pickle.npz": lambda: pickle.dumps(Payload()),
    "pickle.pt": lambda: pickle.dumps(Payload()),
    "huge.npy": huge_header,
    "empty.npy": lambda: b"",
    "empty.zip": lambda: b"",
    "tar.zip": tar,
    "text.npy": lambda: b"not an array",
    "infinite.npy": lambda: array(np.full((SETS, 2), np.inf)),
    "complex.npy": lambda: array(np.ones((SETS, 2), complex)),
    "words.npy": lambda: array(np.array(["a"] * SETS)),
    "scalar.npy": lambda: array(np.float64(3)),
    "none.npy": lambda: array(np.ones((0, 2))),
    "wide.npy": lambda: array(np.ones((SETS, 0))),
}
FORMS = ("png", "jpeg", "gif", "bmp", "tiff", "webp", "ppm", "tga")


def write_folder(folder: Path, chance: random.Random) -> None:
    """A folder of images of which a few are damaged or odd."""
    folder.mkdir()
    form, bad = chance.choice(FORMS), chance.choice((0, 1, 1, 3))
    for seed in range(SETS):
        content = image(seed, form, 9 if seed == 5 and chance.random() < 0.2 else 8)
        (folder / f"{seed}.{form}").write_bytes(damaged(content, chance, WORDS) if seed < bad else content)
    match chance.randrange(12):
        case 0:
            (folder / "huge.png").write_bytes(huge_png())
        case 1:
            (folder / "deep.png").write_bytes(deep_png(3))
        case 2:
            os.mkfifo(folder / "pipe.png")
        case 3:
            (folder / "broken.png").symlink_to("nowhere")
        case 4:
            (folder / "circle").symlink_to(folder)
        case 5:
            (folder / "dataset.json").write_bytes(damaged(b'{"labels": [["0.png", 1]]}', chance, WORDS))


def write_mutant(seed: int) -> str:
    """A set of samples under the present folder; its name."""
    chance = random.Random(seed)
    if seed < len(TRAPS):
        name = list(TRAPS)[seed]
        Path(name).write_bytes(TRAPS[name]())
    elif seed == len(TRAPS):
        name = "pipe.npy"
        os.mkfifo(name)
    elif seed % 3:
        name = chance.choice(list(GOOD))
        content = GOOD[name](chance)
        if name != "images.zip" or chance.random() < 0.6:  # archives with odd members are worth reading whole
            content = damaged(content, chance, WORDS)
        name = name if chance.random() < 0.9 else f"renamed{chance.choice(['.png', '.NPY', '.zip', '.npz', ''])}"
        Path(name).write_bytes(content)
    else:
        name = "folder"
        write_folder(Path(name), chance)
    return name


@pytest.mark.parametrize("seed", range(500))
def test_mutated_samples(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mutant = write_mutant(seed)
    reference = "points.npy" if mutant == "points.npy" and seed % 2 else "images.npy"
    Path("good").mkdir()
    (Path("good") / reference).write_bytes(GOOD[reference](random.Random(0)))
    sides = [mutant, "--reference", f"good/{reference}"]
    sides = sides if seed % 2 else [sides[2], sides[1], mutant]
    answer = called(["evaluate", *sides, "--with", "mmd", "--features", "pixels", "--json"], capsys, tmp_path)
    assert not Path(CANARY).exists() and not list(Path("..").glob("evil*")), "the samples' code was run"
    if answer.code == 0:
        scores = json.loads(answer.out)["scores"]
        assert scores and all(np.isfinite(score["value"]) for score in scores)
    else:
        assert answer.code == 2 and not answer.out
        assert mutant in answer.err or f"good/{reference}" in answer.err, answer.err
    shutil.rmtree("results", ignore_errors=True)
