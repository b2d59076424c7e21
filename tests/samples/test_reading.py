"""What `ganbench evaluate` reads of a user's samples: the same as training, with the same notes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench.datasets.images import Images
from ganbench.errors import RequestError
from ganbench.samples import read_samples
from tests.support.image_files import deep_png, noise, save


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for i in range(6):
        save(f"real/{'ab'[i % 2]}/{i}.png", i)
        save(f"fake/{i}.png", 10 + i)
    return tmp_path


def refusal(generated: str, reference: str) -> str:
    with pytest.raises(RequestError) as error:
        read_samples(generated, reference, None, None)
    return str(error.value)


def test_notes_of_both_sides() -> None:
    Path("fake/x.png").symlink_to("nowhere")
    Path("real/a/x.heic").write_bytes(b"")
    assert read_samples("fake", "real", None, None).notes == (
        "real: 6 images read, left out: other files: 1 (1 .heic)",
        "real: 2 classes, the folders: a, b",
        "fake: 6 images read, left out: broken links: 1 (x.png)",
    )


def test_training_and_scoring_read_the_same() -> None:
    Path("real/c").symlink_to(Path("fake").resolve(), target_is_directory=True)
    scored, trained = read_samples("real", "real", None, None).real, Images(path="real").load(None)
    whole = torch.cat([trained.train.x, trained.validation.x, trained.test.x])
    assert scored.space == trained.space
    assert sorted(scored.test.x.flatten(1).tolist()) == sorted(whole.flatten(1).tolist())


def test_depth_is_refused() -> None:
    Path("fake/deep.png").write_bytes(deep_png(3))
    assert "fake/deep.png: its pixels have more than 8 bits (PNG, 16 bits a channel)" in refusal("fake", "real")
    assert "fake/deep.png" in refusal("real", "fake")


def test_folders_of_splits_are_those_of_arrays() -> None:
    for i in range(4):
        for kind in "ab":
            save(f"split/train/{kind}/{i}.png", i)
            save(f"split/test/{kind}/{i}.png", 50 + i)
            save(f"held/train/{kind}/{i}.png", i)
            save(f"held/val/{kind}/{i}.png", i)
    real = read_samples("fake", "split", None, None).real
    assert (len(real.train), len(real.validation), len(real.test)) == (8, 0, 8) and real.space.classes == 2
    assert "held: it holds train and validation samples" in refusal("fake", "held")
    assert "split: it holds test and train samples. one set of samples" in refusal("split", "real")


def test_a_folder_that_is_not_square_is_read_as_an_array_is() -> None:
    Path("wide").mkdir()
    for i in range(4):
        Image.fromarray(noise(i, 9, 5)).save(f"wide/{i}.png")
    np.save("wide.npy", np.stack([noise(i, 9, 5) for i in range(4)]))
    of_folder, of_array = (read_samples(name, "wide.npy", None, None) for name in ("wide", "wide.npy"))
    assert torch.equal(of_folder.fake.x, of_array.fake.x) and of_folder.real.space.shape == (3, 5, 9)
    assert read_samples("wide.npy", "wide", None, None).real.space.shape == (3, 5, 9)


def test_files_are_what_their_content_says() -> None:
    x = np.stack([noise(i) for i in range(6)])
    np.save("x.npy", x)
    Path("x.npy").rename("x.NPY")
    np.savez("adm.npz", x, np.arange(6) % 2, mu=np.zeros(3))
    Path("adm.npz").rename("adm.zip")
    assert len(read_samples("x.NPY", "real", None, None).fake) == 6
    compared = read_samples("adm.zip", "real", None, None)
    assert compared.fake.y is not None and compared.fake.y.tolist() == [0, 1] * 3
    assert compared.notes[-1].startswith("adm.zip: 'arr_0' with the labels 'arr_1' was read; left out: 'mu'")
    torch.save(torch.zeros(3), "x.pt")
    assert "x.pt: it is a file of torch.save" in refusal("x.pt", "real")
