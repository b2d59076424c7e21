"""What a user's single image files hold: depth, orientation, transparency, further frames, formats."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, features

from ganbench.datasets.images import Images
from ganbench.datasets.parts.decoding import decoded
from ganbench.errors import RequestError
from tests.support.image_files import deep_png, deep_ppm, deep_tiff, noise, save


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three images lie in the folder `set`, and no data folder is set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANBENCH_DATA", raising=False)
    for i in range(3):
        save(f"set/{i}.png", i)
    return tmp_path


def refusal(path: str = "set") -> str:
    with pytest.raises(RequestError) as error:
        Images(path=path).load(None)
    return str(error.value)


def notes() -> str:
    return "\n".join(Images(path="set").load(None).notes)


def content(path: str = "set") -> str:
    return Images(path=path).resolved(None).content


def whole(path: str = "set") -> list[bytes]:
    """The images (height, width, channels) in any order."""
    data = Images(path=path).load(None)
    x = torch.cat([data.train.x, data.validation.x, data.test.x]).permute(0, 2, 3, 1)
    return sorted(image.contiguous().numpy().tobytes() for image in x)


Image.init()
QOI = ("qoi",) if "QOI" in Image.SAVE else ()  # newer versions of Pillow write it


class TestDepth:
    """Pillow opens colour files of 16 bits in 8-bit modes, so the depth is read from the file."""

    @pytest.mark.parametrize(
        ("name", "body", "kind"),
        [
            ("deep.png", deep_png(3), "PNG, 16 bits a channel"),
            ("deep.png", deep_png(4), "PNG, 16 bits a channel"),
            ("deep.png", deep_png(2), "PNG, 16 bits a channel"),
            ("deep.png", deep_png(1), "I;16"),
            ("deep.tif", deep_tiff(), "TIFF, 16 bits a channel"),
            ("deep.ppm", deep_ppm(), "PPM, 16 bits a channel"),
            ("misnamed.jpg", deep_png(3), "PNG, 16 bits a channel"),
        ],
        ids=["png-rgb", "png-rgba", "png-la", "png-grey", "tiff-rgb", "ppm-rgb", "misnamed"],
    )
    @pytest.mark.parametrize("archived", [False, True], ids=["folder", "zip"])
    def test_more_than_eight_bits_are_refused(self, name: str, body: bytes, kind: str, archived: bool) -> None:
        Path("set", name).write_bytes(body)
        path = shutil.make_archive("set", "zip", "set") if archived else "set"
        wanted = f"{name}: its pixels have more than 8 bits ({kind}). 8 bits a channel. convert it"
        assert refusal(path).endswith(wanted)

    @pytest.mark.parametrize("suffix", ["png", "tif", "ppm", "bmp", "jpg", "webp", "gif", "tga", "pcx", "dib", *QOI])
    def test_eight_bits_are_read(self, suffix: str) -> None:
        save(f"set/x.{suffix}", 9)
        assert Images(path="set").load(None).space.shape == (3, 8, 8)

    @pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow lacks JPEG 2000")
    @pytest.mark.parametrize("suffix", ["jp2", "j2k"])
    def test_jpeg_2000(self, suffix: str) -> None:
        save(f"set/x.{suffix}", 9)
        assert len(whole()) == 4
        Image.fromarray(noise(0, channels=2).view(np.uint16)[..., 0]).save(f"set/deep.{suffix}")
        assert "its pixels have more than 8 bits" in refusal()
        body = bytearray(Path(f"set/x.{suffix}").read_bytes())
        body[body.index(b"\xff\x4f\xff\x51") + 42] = 15  # 16 bits in the first component
        Path(f"set/deep.{suffix}").write_bytes(body)
        assert "deep" in refusal()

    @pytest.mark.parametrize("depth", [1, 2, 4])
    def test_fewer_bits_are_read(self, depth: int) -> None:
        few = Image.fromarray(noise(5) // 128 * 255).quantize(2**depth)
        few.save("set/few.png", bits=depth)
        assert len(whole()) == 4


class TestOrientation:
    @pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
    @pytest.mark.parametrize(("value", "turn"), [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_270)])
    def test_pixels_are_turned(self, suffix: str, value: int, turn: Image.Transpose) -> None:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = value
        options = {"lossless": True} if suffix == "webp" else {"quality": 95} if suffix == "jpg" else {}
        save(f"set/turned.{suffix}", 9, exif=exif, **options)
        save(f"plain/turned.{suffix}", 9, **options)
        with Image.open(f"plain/turned.{suffix}") as image:
            wanted = np.asarray(image.convert("RGB").transpose(turn))
        assert wanted.tobytes() in whole()
        if suffix != "tif":  # Pillow itself turns TIFF files
            assert f"1 images (turned.{suffix}) were turned as their EXIF orientation says" in notes()

    def test_a_photograph_that_stands_upright_has_its_own_size(self) -> None:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        shutil.rmtree("set")
        for i in range(3):
            Path("set").mkdir(exist_ok=True)
            Image.fromarray(noise(i, 12, 8)).save(f"set/{i}.jpg", exif=exif)
        assert Images(path="set").space(None).shape == Images(path="set").load(None).space.shape == (3, 12, 8)

    def test_turned_images_are_another_content_and_others_keep_theirs(self) -> None:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 1
        save("set/x.jpg", 9, exif=exif)
        upright = content(), content(shutil.make_archive("upright", "zip", "set"))
        assert upright[1] == content_of_file("upright.zip")
        exif[ExifTags.Base.Orientation] = 6
        save("set/x.jpg", 9, exif=exif)
        shutil.make_archive("turned", "zip", "set")
        assert content("turned.zip") not in (upright[1], content_of_file("turned.zip"))

    def test_damaged_metadata_turn_nothing(self) -> None:
        save("set/x.jpg", 9, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
        assert len(whole()) == 4 and "turned" not in notes()


class TestTransparency:
    def test_real_transparency_is_counted(self) -> None:
        opaque, clear = np.full((8, 8, 1), 255, np.uint8), np.zeros((8, 8, 1), np.uint8)
        for name, alpha in (("opaque", opaque), ("clear", clear), ("clearer", clear)):
            Image.fromarray(np.concatenate([noise(7), alpha], axis=2)).save(f"set/{name}.png")
        (note,) = Images(path="set").load(None).notes
        assert note == (
            "set: 2 images (clear.png, clearer.png) have transparent pixels: the transparency was dropped, and the "
            "colours below it are used"
        )
        assert noise(7).tobytes() in whole()

    @pytest.mark.parametrize("kind", ["grey", "palette", "one colour"])
    def test_other_kinds_of_transparency(self, kind: str) -> None:
        image = Image.fromarray(noise(7))
        if kind == "grey":
            image = Image.merge("LA", [image.convert("L"), Image.new("L", image.size, 9)])
            image.save("set/x.png")
        elif kind == "palette":
            image.quantize(4).save("set/x.png", transparency=0)
        else:
            image.save("set/x.png", transparency=image.getpixel((0, 0)))
        assert "1 images (x.png) have transparent pixels" in notes()


class TestFrames:
    @pytest.mark.parametrize("suffix", ["gif", "tif", "webp", "png"])
    def test_further_frames_are_counted(self, suffix: str) -> None:
        frames = [Image.fromarray(noise(seed)) for seed in (20, 21, 22)]
        frames[0].save(f"set/x.{suffix}", save_all=True, append_images=frames[1:])
        assert len(whole()) == 4
        assert notes() == (
            "set: only the first frame or page of a file is read: 2 further ones of 1 files "
            f"(x.{suffix}) are left out; save each as a file of its own to use it"
        )


class TestMessages:
    """A message names no object in memory, and no image ends in a traceback."""

    def test_an_empty_file(self) -> None:
        Path("set/x.png").write_bytes(b"")
        assert "x.png: the image can't be read (the file is empty)" in refusal()

    def test_another_file(self) -> None:
        Path("set/x.png").write_bytes(b"hello, world" * 9)
        assert "(its image format is unknown)" in refusal()

    @pytest.mark.parametrize("body", [b"\x89PNG\r\n\x1a\n", b"P6\n", b"II*\0", b"\xff\x4f\xff\x51", b"GIF89a"])
    def test_a_beginning(self, body: bytes) -> None:
        Path("set/x.png").write_bytes(body)
        assert "x.png: the image can't be read (" in refusal() and " 0x" not in refusal()

    def test_a_colour_space_without_a_conversion(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise ValueError("conversion not supported")

        monkeypatch.setattr(Image.Image, "convert", refuse)  # as older versions of Pillow do for LAB
        assert "0.png: the image can't be converted (conversion not supported)" in refusal()

    def test_a_decoded_image_is_frozen(self) -> None:
        image = decoded("x", Path("set/0.png").read_bytes)
        assert (image.frames, image.turned, image.transparent) == (1, False, False)


def content_of_file(name: str) -> str:
    from ganbench.datasets.parts.files import digest

    return digest(Path(name))
