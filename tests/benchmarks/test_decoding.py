"""Files decoded by other processes: the same pixels and words, and nothing is lost where a process is."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from iqa_lab.benchmarks import decoding
from iqa_lab.benchmarks.decoding import in_processes
from iqa_lab.benchmarks.images import Decode, Resize, decode
from iqa_lab.errors import UserError
from tests.conftest import picture

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="processes share memory on Linux only")


def started() -> list[decoding._Process]:
    return decoding._started(os.getpid())[1]


def wait_for(process: decoding._Process) -> None:
    while not process.is_ready():
        time.sleep(0.01)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Decode]:
    """One process, which has started."""
    decoder = in_processes(1)
    (process,) = started()
    wait_for(process)
    yield decoder
    for process in started():
        process.end()
    decoding._started.cache_clear()


def files(folder: Path) -> dict[str, str]:
    small, large = Image.fromarray(picture(0, 20, 30)), Image.fromarray(picture(1, 90, 70))
    turned = Image.Exif()
    turned[274] = 6
    made = {
        "small.png": (small, {}),
        "large.bmp": (large, {}),  # the shared memory grows
        "small again.ppm": (small, {}),
        "grey.png": (small.convert("L"), {}),
        "palette.png": (small.quantize(16), {}),
        "turned.jpg": (large, {"exif": turned}),
        "déjà \udcff.png": (small, {}),  # no name in UTF-8
    }
    for name, (image, how) in made.items():
        image.save(folder / name, **how)
    return {name: str(folder / name) for name in made}


@pytest.mark.parametrize("resize", [None, 16, (33, 21)])
@pytest.mark.parametrize("thorough", [True, False])
def test_what_comes_is_what_this_process_decodes(
    tmp_path: Path, elsewhere: Decode, monkeypatch: pytest.MonkeyPatch, resize: Resize, thorough: bool
) -> None:
    expected = {name: decode(path, resize) for name, path in files(tmp_path).items()}
    monkeypatch.setattr(decoding, "decode", None)  # nothing is decoded here
    for name, path in files(tmp_path).items():
        found = elsewhere(path, resize, thorough=thorough)
        np.testing.assert_array_equal(found.pixels, expected[name].pixels)
        assert found.conversion == expected[name].conversion
        assert found.checksum == expected[name].checksum
        if resize is None:
            assert found.digest == expected[name].digest
            continue
        with pytest.raises(LookupError, match="the whole image is in another process"):
            _ = found.digest


def test_pixels_stay_when_the_next_ones_come(tmp_path: Path, elsewhere: Decode) -> None:
    paths = list(files(tmp_path).values())
    found = [elsewhere(path).pixels for path in paths]
    for path, pixels in zip(paths, found, strict=True):
        np.testing.assert_array_equal(pixels, decode(path).pixels)


def test_paths_mean_what_they_mean_here(tmp_path: Path, elsewhere: Decode, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        Image.fromarray(picture(number, 20, 30)).save(folder / "x.png")
        monkeypatch.chdir(folder)
        np.testing.assert_array_equal(elsewhere("x.png").pixels, picture(number, 20, 30))


def test_errors_are_those_of_this_process(tmp_path: Path, elsewhere: Decode) -> None:
    image = Image.fromarray(picture(0, 20, 30))
    image.save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:300])
    (tmp_path / "empty.png").write_bytes(b"")
    image.convert("CMYK").save(tmp_path / "cmyk.jpg")
    for name in ("cut.png", "empty.png", "cmyk.jpg", "missing.png"):
        with pytest.raises(UserError) as here:
            decode(str(tmp_path / name))
        with pytest.raises(UserError) as there:
            elsewhere(str(tmp_path / name))
        assert str(there.value) == str(here.value)
    np.testing.assert_array_equal(elsewhere(str(tmp_path / "whole.png")).pixels, np.asarray(image))


def test_a_process_that_is_killed_costs_nothing_but_time(
    tmp_path: Path, elsewhere: Decode, capsys: pytest.CaptureFixture[str]
) -> None:
    path = files(tmp_path)["large.bmp"]
    (process,) = started()
    process._process.kill()
    process._process.wait()
    for _ in range(2):
        np.testing.assert_array_equal(elsewhere(path).pixels, decode(path).pixels)
    assert capsys.readouterr().err.count("a process that decodes images ended") == 1
    assert not started()
    # the next pass has one again, and until that has started this process decodes
    again = in_processes(1)
    np.testing.assert_array_equal(again(path).pixels, decode(path).pixels)
    (process,) = started()
    wait_for(process)
    assert again(path, thorough=False).known_checksum == decode(path).checksum


def test_where_no_process_can_be_had_this_one_decodes(
    tmp_path: Path, elsewhere: Decode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise BlockingIOError("Resource temporarily unavailable")

    number, open_files = len(started()), len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(decoding.subprocess, "Popen", refused)
    path = files(tmp_path)["small.png"]
    np.testing.assert_array_equal(in_processes(number + 3)(path).pixels, decode(path).pixels)
    assert len(started()) == number
    assert len(os.listdir("/proc/self/fd")) == open_files
    monkeypatch.delattr(os, "memfd_create")
    assert in_processes(2) is decode


def test_processes_serve_all_passes_and_end_with_this_one(elsewhere: Decode) -> None:
    (process,) = started()
    in_processes(1)
    assert started() == [process]
    process._questions.close()  # as the kernel does when this process ends, however it does
    assert process._process.wait(timeout=60) == 0
