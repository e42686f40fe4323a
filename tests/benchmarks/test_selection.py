"""Parts of a benchmark hold whole references, the same ones on every machine."""

from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from iqa_lab.benchmarks import Benchmark, load_benchmark
from iqa_lab.benchmarks.selection import PARTS, split_references
from iqa_lab.config import SplitConfig
from iqa_lab.errors import UserError
from tests.conftest import composed

NAMES = [f"I{number:02}.BMP" for number in range(1, 26)]


def of(part: str, parts: dict[str, str]) -> list[str]:
    return sorted(name for name, its in parts.items() if its == part)


def test_parts_have_their_shares_and_do_not_overlap() -> None:
    parts = dict(split_references(NAMES, SplitConfig()))
    assert [len(of(part, parts)) for part in PARTS] == [15, 5, 5]
    assert sorted(parts) == NAMES


def test_the_split_is_the_same_whatever_the_order_and_the_case() -> None:
    parts = split_references(NAMES, SplitConfig(seed=3))
    again = split_references([name.lower() for name in reversed(NAMES)], SplitConfig(seed=3))
    assert {name.lower(): part for name, part in parts.items()} == dict(again)
    # written down once, so that a published split stays what it was
    assert of("test", dict(parts)) == ["I05.BMP", "I09.BMP", "I19.BMP", "I21.BMP", "I22.BMP"]
    assert parts != split_references(NAMES, SplitConfig(seed=4))


@pytest.mark.parametrize("shares", [{"train": 0.9}, {"train": 1.0, "validation": 0.2, "test": -0.2}])
def test_shares_have_to_be_shares(shares: dict[str, float]) -> None:
    with pytest.raises(UserError, match="shares are not negative and sum to 1"):
        split_references(NAMES, SplitConfig(**shares))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [(f"r{r}.png", f"r{r}_{d}.png", d, "odd" if r % 2 else "even") for r in range(10) for d in range(3)]
    frame = pd.DataFrame(rows, columns=["reference", "distorted", "opinion", "split"])
    for name in [*frame["reference"].unique(), *frame["distorted"]]:
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    frame.drop(columns="split").to_csv(tmp_path / "plain.csv", index=False)
    frame.to_csv(tmp_path / "own.csv", index=False)
    frame.assign(split=["a", "b"] * 15).to_csv(tmp_path / "crossing.csv", index=False)
    return tmp_path


def part(file: Path, *overrides: str) -> Benchmark:
    return load_benchmark(composed("benchmark=table", f"benchmark.path={file}", *overrides).benchmark)


def test_parts_of_a_benchmark(table: Path) -> None:
    parts = {name: part(table / "plain.csv", f"benchmark.split.part={name}") for name in PARTS}
    references = [set(benchmark.pairs["reference"]) for benchmark in parts.values()]
    assert [len(names) for names in references] == [6, 2, 2] and len(set.union(*references)) == 10
    assert all(len(benchmark.pairs) == 3 * benchmark.pairs["reference"].nunique() for benchmark in parts.values())
    with pytest.raises(UserError, match=r"has no part tset; choose from test"):
        part(table / "plain.csv", "benchmark.split.part=tset")


def test_a_users_own_parts(table: Path) -> None:
    assert set(part(table / "own.csv", "benchmark.split.part=odd").pairs["reference"]) == {
        f"r{number}.png" for number in (1, 3, 5, 7, 9)
    }
    assert len(part(table / "own.csv").pairs) == 30
    with pytest.raises(UserError, match=r"has no part test; choose from even, odd"):
        part(table / "own.csv", "benchmark.split.part=test")
    with pytest.raises(UserError, match=r"holds whole references, but the pairs of r0.png, .* are in several"):
        part(table / "crossing.csv", "benchmark.split.part=a")


@pytest.mark.parametrize("key", ["seed=1", "train=.5 benchmark.split.test=.3"])
def test_what_would_draw_parts_is_refused_where_the_table_says_them(table: Path, key: str) -> None:
    """Five seeds would give five times the same part, which looks like agreement."""
    overrides = ["benchmark.split.part=odd", *f"benchmark.split.{key}".split()]
    with pytest.raises(UserError, match=r"its column split says .*, so benchmark.split.(seed|train) would change noth"):
        part(table / "own.csv", *overrides)
    overrides[0] = "benchmark.split.part=test"
    assert len(part(table / "plain.csv", *overrides).pairs)
