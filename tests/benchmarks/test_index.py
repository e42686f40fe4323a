"""What is remembered of images: decodable, of one size, which pixels; and what is noticed when they change."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from iqa_lab.benchmarks import Benchmark, examine, images, index, load_benchmark
from iqa_lab.benchmarks.images import Decoded
from iqa_lab.benchmarks.png import usual_pixels
from iqa_lab.config import cache_folder
from iqa_lab.errors import UserError
from iqa_lab.scoring.batches import pictures
from tests.conftest import composed


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two references with two distorted images each; one of them is a copy, in another file format."""
    monkeypatch.setenv("IQA_LAB_CACHE", str(tmp_path / "cache"))
    generator = np.random.default_rng(0)
    lines = ["reference,distorted,opinion"]
    for name in ("a", "b"):
        pixels = generator.integers(0, 256, (12, 16, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        Image.fromarray(255 - pixels).save(tmp_path / f"{name}1.png")
        Image.fromarray(pixels if name == "b" else pixels // 2).save(tmp_path / f"{name}2.bmp")
        lines += [f"{name}.png,{name}1.png,1", f"{name}.png,{name}2.bmp,2"]
    (tmp_path / "pairs.csv").write_text("\n".join(lines))
    return tmp_path / "pairs.csv"


def loaded(table: Path, *overrides: str) -> Benchmark:
    return load_benchmark(composed("benchmark=table", f"benchmark.path={table}", *overrides).benchmark)


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images that are really decoded from here on."""
    seen: list[str] = []
    decode = index.decode

    def counting(path: str) -> Decoded:
        seen.append(Path(path).name)
        return decode(path)

    monkeypatch.setattr(index, "decode", counting)
    return seen


def test_images_are_decoded_once_and_again_when_they_change(table: Path, decodings: list[str]) -> None:
    first = examine(loaded(table))
    assert sorted(decodings) == ["a.png", "a1.png", "a2.bmp", "b.png", "b1.png", "b2.bmp"]
    assert examine(loaded(table)).index_digest() == first.index_digest()
    assert len(decodings) == 6
    image = table.parent / "a2.bmp"  # as many bytes as before
    before = image.stat()
    Image.fromarray(np.zeros((12, 16, 3), np.uint8)).save(image)
    assert image.stat().st_size == before.st_size
    os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    changed = examine(loaded(table))
    assert decodings[6:] == ["a2.bmp"] and changed.index_digest() != first.index_digest()


def test_the_digest_is_of_pixels_not_of_files(table: Path) -> None:
    first = examine(loaded(table)).index_digest()
    Image.open(table.parent / "a1.png").save(table.parent / "a1.png", compress_level=0)
    assert examine(loaded(table)).index_digest() == first


def test_identical_pairs_are_counted_and_left_out_on_request(table: Path) -> None:
    benchmark = examine(loaded(table))
    assert benchmark.n_identical == 1 and len(benchmark.pairs) == benchmark.n_expected == 4
    without = examine(loaded(table, "benchmark.exclude_identical=true"))
    assert without.n_identical == 1 and len(without.pairs) == without.n_expected == 3
    assert "b2.bmp" not in set(without.pairs["distorted"])


def test_turned_images_of_the_same_bytes_differ(tmp_path: Path) -> None:
    for name, shape in {"wide": (2, 8, 3), "high": (8, 2, 3)}.items():
        Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / f"{name}.png")
    seen = index.look_at([str(tmp_path / "wide.png"), str(tmp_path / "high.png")], "x")
    assert seen["pixels"].nunique() == 2


def test_damage_and_other_sizes_are_said_before_the_pass(table: Path) -> None:
    Image.new("RGB", (16, 13)).save(table.parent / "b1.png")
    with pytest.raises(UserError, match=r"1 distorted images .* b1.png; the first is 16 x 13, its reference 16 x 12"):
        examine(loaded(table))
    assert examine(loaded(table), any_size=True).n_identical == 1
    (table.parent / "b1.png").write_bytes(b"no image")
    for _ in range(2):  # damage is not remembered
        with pytest.raises(UserError, match=r"b1.png is damaged"):
            examine(loaded(table), any_size=True)
    Image.new("RGB", (16, 12)).save(table.parent / "b1.png")
    examine(loaded(table))


def test_a_damaged_memory_is_made_anew_and_a_missing_one_costs_only_time(
    table: Path, decodings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = examine(loaded(table)).index_digest()
    (memory,) = (cache_folder() / "images").iterdir()
    memory.write_bytes(memory.read_bytes()[:100])
    assert examine(loaded(table)).index_digest() == first
    assert examine(loaded(table)).index_digest() == first and len(decodings) == 12
    pd.read_parquet(memory).drop(columns="checksum").to_parquet(memory)  # as an earlier version wrote it
    assert examine(loaded(table)).index_digest() == first
    assert examine(loaded(table)).index_digest() == first and len(decodings) == 18
    monkeypatch.setenv("IQA_LAB_CACHE", str(table))  # a file: no folder can be made in it
    assert examine(loaded(table)).index_digest() == first and len(decodings) == 24


def test_parts_of_one_folder_share_what_is_remembered(table: Path, decodings: list[str]) -> None:
    examine(loaded(table, "benchmark.references=[a.png]"))
    examine(loaded(table, "benchmark.references=[b.png]"))
    assert len(decodings) == 6
    examine(loaded(table))
    assert len(decodings) == 6


def test_what_was_seen_is_kept_when_the_process_ends_early(
    table: Path, decodings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_AT_ONCE", 2)
    monkeypatch.setattr(index.os, "cpu_count", lambda: 1)
    real = index.decode
    calls = iter(range(100))

    def dying(path: str) -> Decoded:
        if next(calls) == 4:
            raise KeyboardInterrupt
        return real(path)

    monkeypatch.setattr(index, "decode", dying)
    with pytest.raises(KeyboardInterrupt):
        examine(loaded(table))
    (memory,) = (cache_folder() / "images").iterdir()
    assert len(pd.read_parquet(memory)) == 4


def replaced_unseen(path: Path, pixels: np.ndarray) -> None:
    """Another image of the same size in bytes and with the old times of change, as a copy with kept times has."""
    before = path.stat()
    Image.fromarray(pixels).save(path)
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_an_image_replaced_with_the_same_size_and_time_is_noticed(table: Path, decodings: list[str]) -> None:
    first = examine(loaded(table)).index_digest()
    replaced_unseen(table.parent / "a2.bmp", np.zeros((12, 16, 3), np.uint8))
    assert examine(loaded(table)).index_digest() != first and decodings[6:] == ["a2.bmp"]


def test_the_pass_scores_the_pixels_that_were_examined_or_none(table: Path) -> None:
    benchmark = examine(loaded(table))
    assert len(list(pictures(benchmark.pairs, 2, None))) == 6
    assert len(list(pictures(benchmark.pairs, 2, (6, 6)))) == 6  # the digest is of the image before it is resized
    (memory,) = (cache_folder() / "images").iterdir()
    replaced_unseen(table.parent / "b2.bmp", np.zeros((12, 16, 3), np.uint8))
    for resize in (None, (6, 6)):
        with pytest.raises(UserError, match=r"b2.bmp is not the image any more .* give the same command again"):
            list(pictures(benchmark.pairs, 2, resize))
    assert not memory.exists()  # so that the same command looks at the images anew
    again = examine(loaded(table))
    assert again.index_digest() != benchmark.index_digest() and len(list(pictures(again.pairs, 2, None))) == 6


def test_no_pixel_is_scored_that_a_loop_decodes_otherwise_than_pillow(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = examine(loaded(table))

    def one_level_off(content: bytes) -> np.ndarray | None:
        pixels = usual_pixels(content)
        if pixels is not None:
            pixels[-1, -1, -1] ^= 1
        return pixels

    monkeypatch.setattr(images, "usual_pixels", one_level_off)
    with pytest.raises(UserError, match=r"a.png is not the image any more"):
        list(pictures(benchmark.pairs, 2, None))


def test_images_that_differ_may_be_identical_when_they_are_smaller(table: Path) -> None:
    checks = np.indices((12, 16)).sum(0)[..., None].repeat(3, 2) % 2 * 200
    Image.fromarray(checks.astype(np.uint8)).save(table.parent / "a.png")
    Image.fromarray((200 - checks).astype(np.uint8)).save(table.parent / "a1.png")
    pairs = examine(loaded(table)).pairs
    forwarded = {resize: [picture.forwarded for picture in pictures(pairs, 2, resize)] for resize in (None, (1, 1))}
    assert forwarded[None] == [True, True, True, True, True, False]
    assert forwarded[1, 1] == [True, False, True, True, True, False]
