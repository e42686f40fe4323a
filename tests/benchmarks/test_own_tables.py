"""Tables that people have already: where their images lie, whose form they have, and how their numbers are written."""

from pathlib import Path

import pytest
from PIL import Image

from iqa_lab.benchmarks import Benchmark, load_benchmark
from iqa_lab.errors import UserError
from tests.conftest import composed


def load(file: Path, *overrides: str) -> Benchmark:
    return load_benchmark(composed("benchmark=table", f"benchmark.path={file}", *overrides).benchmark)


def images(root: Path, *names: str) -> None:
    """Small images, each of its own colour."""
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, 7 * number % 256, 90)).save(root / name)


def paths(benchmark: Benchmark, side: str, home: Path) -> list[str]:
    """Where the images of a side were found, below ``home``."""
    return [str(Path(path).resolve().relative_to(home.resolve())) for path in benchmark.pairs[f"{side}_path"]]


# ------------------------------------------------------------------------------------------------- two roots


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Numbered folders with names in them, references apart, and a table in a folder of its own."""
    names = [f"coded images/{number:05d}/{name}.png" for number in (1, 12) for name in ("a", "B")]
    images(tmp_path, "Originals/00001.png", "Originals/00012.png", *names)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "pairs.csv").write_text(
        "img_num,source,coded,opinion\n1,00001.png,00001/a.png,1\n1,00001.png,00001/B.png,2\n"
        "12,00012.png,00012/a.png,3\n12,00012.png,00012/b.png,4\n"
    )
    return tmp_path


FOLDERS = ["benchmark.reference_root=../Originals", "benchmark.distorted_root='../coded images'"]
NAMES = ["benchmark.columns={reference: source, distorted: coded}"]
CODED = "benchmark.columns.distorted=coded"
FOUND = ["coded images/00001/a.png", "coded images/00001/B.png", "coded images/00012/a.png", "coded images/00012/B.png"]


def test_two_folders_hold_references_and_distorted_images(home: Path) -> None:
    benchmark = load(home / "lists" / "pairs.csv", *FOLDERS, *NAMES)
    assert paths(benchmark, "reference", home) == [f"Originals/{n}.png" for n in ("00001", "00001", "00012", "00012")]
    assert paths(benchmark, "distorted", home) == FOUND
    assert benchmark.pairs["distorted"].tolist() == ["00001/a.png", "00001/B.png", "00012/a.png", "00012/b.png"]
    elsewhere = [f"benchmark.reference_root={home}/Originals", f"benchmark.distorted_root='{home}/coded images'"]
    assert paths(load(home / "lists" / "pairs.csv", *elsewhere, *NAMES), "distorted", home) == FOUND


def test_braces_make_paths_of_columns(home: Path) -> None:
    roots = [
        "benchmark.reference_root='../Originals/{img_num:05d}.png'",
        "benchmark.distorted_root='../coded images/{coded}'",
    ]
    benchmark = load(home / "lists" / "pairs.csv", *roots)  # without a column of references: their paths are names
    assert paths(benchmark, "distorted", home) == FOUND
    assert benchmark.pairs["reference"].tolist() == ["00001.png"] * 2 + ["00012.png"] * 2
    named = load(home / "lists" / "pairs.csv", *roots, *NAMES)
    assert paths(named, "reference", home) == paths(benchmark, "reference", home)
    by_image = "benchmark.distorted_root='../{folder}/{image}'"
    table = (
        (home / "lists" / "pairs.csv")
        .read_text()
        .replace("\n1", "\ncoded images,1")
        .replace("img_num", "folder,img_num")
    )
    (home / "lists" / "more.csv").write_text(table)
    assert paths(load(home / "lists" / "more.csv", FOLDERS[0], by_image, *NAMES), "distorted", home) == FOUND


def test_a_column_called_image_is_one_like_any_other(home: Path) -> None:
    file = home / "lists" / "pairs.csv"
    file.write_text(file.read_text().replace("img_num", "image"))
    assert paths(load(file, *FOLDERS, *NAMES), "distorted", home) == FOUND
    benchmark = load(file, "benchmark.reference_root='../Originals/{image:05d}.png'", FOLDERS[1], CODED)
    assert benchmark.pairs["reference"].tolist() == ["00001.png"] * 2 + ["00012.png"] * 2


def test_choices_take_both_images_from_the_root_of_distorted_ones(home: Path) -> None:
    file = home / "lists" / "choices.csv"
    file.write_text("reference,left,right,preference\n00001.png,a,b,0.25\n")
    roots = [FOLDERS[0], "benchmark.distorted_root='../coded images/00001/{image}.png'"]
    kind = ["benchmark.protocol=2afc", "benchmark.headline=agreement"]
    benchmark = load(file, *roots, *kind)
    assert paths(benchmark, "distorted", home) == FOUND[:2]
    assert benchmark.pairs["distorted"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("roots", "message"),
    [
        (["benchmark.reference_root=../Originales"], r"reference_root: there is no folder .*/lists/\.\./Originales"),
        (["benchmark.reference_root='/no/such/{img_num}'"], "reference_root: there is no folder /no/such"),
        (["benchmark.reference_root='{number:05d}.png'"], "pairs.csv has no column number: .*img_num"),
        (["benchmark.reference_root='{img_num.__class__}'"], r"has no column img_num.__class__"),
        (["benchmark.reference_root='{img_num[0]}'"], r"has no column img_num\[0\]"),
        (["benchmark.reference_root='{line}'"], r"has no column line"),
        (["benchmark.reference_root='{img_num!r}'"], "braces hold the name of a column and perhaps"),
        (["benchmark.reference_root='{img_num:>99999999d}'"], "braces hold the name of a column and perhaps"),
        (["benchmark.reference_root='{img_num:{source}}'"], "braces hold the name of a column and perhaps"),
        (["benchmark.reference_root='{}'"], "braces hold the name of a column and perhaps"),
        (["benchmark.reference_root='{img_num'"], "braces hold the name of a column"),
        (["benchmark.reference_root=''"], "reference_root is empty"),
        (["benchmark.reference_root='{source:05d}'"], "line 2: source='00001.png' is no whole number for '05d'"),
        (["benchmark.reference_root='{away}'"], "line 3 leads out of .*lists: '../Originals/00001.png'"),
        (["benchmark.reference_root='{dot}{dot}/x'"], "line 2 leads out of .*lists: '../x'"),
        (["benchmark.reference_root='{gone}'"], "line 3 has nothing in the column gone"),
        ([FOLDERS[0], "benchmark.columns.reference=away"], "line 3 leads out of .*Originals"),
        ([FOLDERS[0], "benchmark.columns.reference=root"], "line 3 leads out of .*: '/etc/x'"),
        (
            ["benchmark.reference_root='../{folder}/{img_num:05d}.png'", "benchmark.columns.reference=same"],
            "two references answer to the name photo: .*00001.png and .*00012.png; benchmark.columns.reference=same",
        ),
        (
            ["benchmark.distorted_root='../{coded}'", "benchmark.columns={distorted: same, reference: same}"],
            "two images of one reference answer to the name photo: photo: .*a.png and .*B.png",
        ),
    ],
)  # fmt: skip
def test_roots_that_cannot_be_meant_are_refused(home: Path, roots: list[str], message: str) -> None:
    file = home / "lists" / "pairs.csv"
    plain, odd = "x,x,.,x,photo,Originals", "../Originals/00001.png,/etc/x,.,,photo,Originals"
    more = ["away,root,dot,gone,same,folder", plain, odd, plain, plain]
    lines = file.read_text().splitlines()
    file.write_text("\n".join(f"{line},{added}" for line, added in zip(lines, more, strict=True)))
    names = [] if any("columns.distorted" in root or "{distorted" in root for root in roots) else [CODED]
    with pytest.raises(UserError) as refused:
        load(file, *roots, *names)
    assert refused.match(message)
    assert "\n" not in str(refused.value)


def test_roots_are_for_tables_only(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match="reference_root and distorted_root are for benchmark=table: tid2013 has its own"
    ):
        load_benchmark(composed("benchmark=tid2013", f"benchmark.reference_root={tmp_path}").benchmark)


def test_a_benchmark_may_name_the_table_in_its_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roots = ["benchmark.reference_root=Originals", "benchmark.distorted_root='coded images'"]
    (home / "data").mkdir()
    (home / "lists").rename(home / "data" / "lists")
    (home / "Originals").rename(home / "data" / "Originals")
    (home / "coded images").rename(home / "data" / "coded images")
    own = ["benchmark=table", "benchmark.folder=data", "benchmark.opinions=lists/pairs.csv", *roots, *NAMES]
    monkeypatch.setenv("IQA_LAB_DATA", str(home))
    assert paths(load_benchmark(composed(*own).benchmark), "distorted", home / "data") == FOUND
    at = load_benchmark(composed(*own, f"benchmark.path={home / 'data'}").benchmark)
    assert paths(at, "distorted", home / "data") == FOUND
