"""Tables that people have already: where their images lie, whose form they have, and how their numbers are written."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from iqa_lab.benchmarks import Benchmark, examine, load_benchmark
from iqa_lab.benchmarks.images import decode
from iqa_lab.errors import UserError
from tests.conftest import Finished, composed, picture


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


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["benchmark=tid2013", "benchmark.reference_root=x"], "are for benchmark=table: tid2013 has its own"),
        (["benchmark=tid2013", "benchmark.columns.opinion=x"], "columns is for benchmark=table: tid2013 has its own"),
        (["benchmark=tid2013", "benchmark.opinions=x.txt"], "opinions=x.txt: tid2013 has a list of its own; other"),
        (["benchmark.name=tid2013"], "benchmark.name=tid2013 is the name of another benchmark: benchmark=tid2013 ch"),
        (["benchmark=csiq", "benchmark.name=live"], "benchmark.name=live is the name of another benchmark"),
    ],
)
def test_settings_of_a_published_benchmark_are_its_own(overrides: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_benchmark(composed(*overrides).benchmark)


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


# ------------------------------------------------------------------------------------------------- pyiqa's tables


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    """Small folders of pyiqa, with its tables in ``meta_info``."""
    images(tmp_path, "tid2013/reference_images/I01.BMP", "tid2013/reference_images/i02.bmp")
    images(tmp_path, *(f"tid2013/distorted_images/i{n}_01_{k}.bmp" for n in ("01", "02") for k in (1, 2)))
    images(tmp_path, "kadid10k/images/I01.png", "kadid10k/images/I01_01_01.png", "kadid10k/images/I01_01_02.png")
    images(tmp_path, "LIVEIQA_release2/refimgs/bikes.bmp", *(f"LIVEIQA_release2/wn/img{n}.bmp" for n in (1, 2)))
    images(tmp_path, "CSIQ/src_imgs/1600.png", "CSIQ/dst_imgs/1600.AWGN.1.png", "CSIQ/dst_imgs/1600.AWGN.2.png")
    images(tmp_path, "PIPAL/Train_Ref/A0001.bmp", *(f"PIPAL/Dist_Imgs/A0001_00_0{n}.bmp" for n in (1, 2)))
    split = "official_split,ratio802_seed123_split_01"
    tables = {
        "TID2013": f"ref_name,dist_name,mos,std,{split}\nI01.BMP,I01_01_1.bmp,5.51429,0.13013,train,test\n"
        "I01.BMP,i01_01_2.bmp,5.5,0.1,train,test\nI02.BMP,i02_01_1.bmp,4.5,0.2,val,train\nI02.BMP,i02_01_2.bmp,4,.2,val,train\n",
        "KADID10k": "ref_name,dist_name,dmos,std\nI01.png,I01_01_01.png,4.57,0.496\nI01.png,I01_01_02.png,4.33,0.869\n",
        "LIVEIQA": "ref_name,dist_name,mos\nrefimgs/bikes.bmp,wn/img1.bmp,20.5\nrefimgs/bikes.bmp,wn/img2.bmp,60.25\n",
        "CSIQ": "ref_name,dist_name,dmos\n1600.png,1600.AWGN.1.png,0.062\n1600.png,1600.AWGN.2.png,0.206\n",
        "PIPAL": "hq_name,dist_name,elo_score\nA0001.bmp,A0001_00_01.bmp,1399.3\nA0001.bmp,A0001_00_02.bmp,1512.1\n",
        "KonIQ10k": "img_name,mos,std\n1.jpg,50,10\n",
    }  # fmt: skip
    (tmp_path / "meta_info").mkdir()
    for name, text in tables.items():
        (tmp_path / "meta_info" / f"meta_info_{name}Dataset.csv").write_text(text)
    return tmp_path


ROOTS = {
    "TID2013": ("tid2013/reference_images", "tid2013/distorted_images"),
    "KADID10k": ("kadid10k/images", "kadid10k/images"),
    "LIVEIQA": ("LIVEIQA_release2", "LIVEIQA_release2"),
    "CSIQ": ("CSIQ/src_imgs", "CSIQ/dst_imgs"),
    "PIPAL": ("PIPAL/Train_Ref", "PIPAL/Dist_Imgs"),
}


def load_pyiqas(datasets: Path, name: str, *overrides: str) -> Benchmark:
    reference, distorted = ROOTS.get(name, ("", ""))
    roots = [f"benchmark.reference_root={datasets / reference}", f"benchmark.distorted_root={datasets / distorted}"]
    return load(datasets / "meta_info" / f"meta_info_{name}Dataset.csv", *roots, *overrides)


@pytest.mark.parametrize(
    ("name", "opinion", "better"),  # the opinion that has to be said, and the opinion of the better image of two
    [("TID2013", "mos", 5.51429), ("KADID10k", "mos", 4.57), ("LIVEIQA", "dmos", 20.5), ("CSIQ", "dmos", 0.062),
     ("PIPAL", "mos", 1512.1)],
)  # fmt: skip
def test_tables_of_pyiqa_are_read_the_right_way_up(datasets: Path, name: str, opinion: str, better: float) -> None:
    benchmark = load_pyiqas(datasets, name, f"benchmark.opinion={opinion}")
    pairs = benchmark.pairs
    assert (pairs["reference_path"] != "").all() and benchmark.n_expected == len(pairs)
    best = pairs.loc[(benchmark.opinion_sign * pairs["opinion"]).idxmax(), "opinion"]
    assert best == better
    other = "dmos" if opinion == "mos" else "mos"
    with pytest.raises(UserError, match=f"the column .* where higher is .*: say benchmark.opinion={opinion}; if it"):
        load_pyiqas(datasets, name, f"benchmark.opinion={other}")


def test_spreads_and_splits_of_pyiqa(datasets: Path) -> None:
    pairs = load_pyiqas(datasets, "TID2013").pairs
    assert pairs["opinion_std"].tolist() == [0.13013, 0.1, 0.2, 0.2]
    with pytest.raises(
        UserError, match="official_split, ratio802_seed123_split_01: say benchmark.columns.split=COLUMN"
    ):
        load_pyiqas(datasets, "TID2013", "benchmark.split.part=validation")
    official = "benchmark.columns.split=official_split"
    part = load_pyiqas(datasets, "TID2013", "benchmark.split.part=validation", official).pairs
    assert set(part["reference"]) == {"I02.BMP"}
    table = datasets / "meta_info" / "meta_info_TID2013Dataset.csv"
    table.write_text("\n".join(line.rpartition(",")[0] for line in table.read_text().splitlines()))
    assert set(load_pyiqas(datasets, "TID2013", "benchmark.split.part=train").pairs["reference"]) == {"I01.BMP"}
    table.write_text(table.read_text().replace("official_split", "split").replace("train", "0").replace("val", "1"))
    assert set(load_pyiqas(datasets, "TID2013", "benchmark.split.part=validation").pairs["reference"]) == {"I02.BMP"}


def test_a_list_without_references_says_so(datasets: Path) -> None:
    with pytest.raises(UserError, match="has no column reference: .*a list of images without references"):
        load_pyiqas(datasets, "KonIQ10k")


@pytest.mark.parametrize(
    ("column", "settings", "refused"),
    [
        ("dmos", [], True),
        ("DMOS", ["benchmark.columns.opinion=DMOS"], True),
        ("DMOSscores", ["benchmark.columns.opinion=DMOSscores"], True),
        ("mean d-mos", ["benchmark.columns.opinion='mean d-mos'"], True),
        ("standard_mos", ["benchmark.columns.opinion=standard_mos"], False),
        ("dmos", ["benchmark.opinion=dmos"], False),
        ("mos", [], False),
        ("mos", ["benchmark.opinion=dmos"], True),
        ("mos", ["benchmark.opinion=dmos", "benchmark.columns={opinion: mos, split: split}"], False),
        ("opinion", ["benchmark.opinion=dmos"], False),
    ],
)
def test_a_column_that_says_its_direction_is_not_contradicted(
    home: Path, column: str, settings: list[str], refused: bool
) -> None:
    file = home / "lists" / "pairs.csv"
    file.write_text(file.read_text().replace("opinion", column))
    names = ["++benchmark.columns.reference=source", CODED]
    if refused:
        with pytest.raises(UserError, match="say benchmark.opinion="):
            load(file, *FOLDERS, *settings, *names)
    else:
        assert load(file, *FOLDERS, *settings, *names).pairs["opinion"].tolist() == [1, 2, 3, 4]


# ------------------------------------------------------------------------------------------------- images in a table


def encoded(colour: int, kind: str = "PNG") -> bytes:
    """A small image as the bytes of a file."""
    with io.BytesIO() as file:
        Image.fromarray(picture(colour, 16, 24)).save(file, kind)
        return file.getvalue()


def write_images(file: Path, rows: Sequence[tuple[Any, Any, float]], names: bool = True, **columns: Any) -> Path:
    """A table as ``datasets`` writes it: ``Image`` features are columns of {bytes, path}."""
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    sides = [
        pa.array([{"bytes": row[side][0], "path": row[side][1] if names else None} for row in rows], image)
        for side in (0, 1)
    ]
    arrays = {"reference": sides[0], "distorted": sides[1], "mos": pa.array([row[2] for row in rows]), **columns}
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(arrays), file, row_group_size=2)
    return file


# two references, the second of which is told apart by its bytes only; the last two images are the same bytes
HELD = [
    ((encoded(1), "I01.BMP"), (encoded(10), "i01_01_1.bmp"), 5.5),
    ((encoded(1), "I01.BMP"), (encoded(11, "JPEG"), "i01_01_2.bmp"), 4.5),
    ((encoded(2), "I02.BMP"), (encoded(12, "BMP"), "i02_01_1.bmp"), 3.5),
    ((encoded(2), "I02.BMP"), (encoded(12, "BMP"), "i02_01_2.bmp"), 2.5),
]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IQA_LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "table_images"


def test_a_table_may_hold_its_images(tmp_path: Path, cache: Path) -> None:
    benchmark = examine(load(write_images(tmp_path / "tid.parquet", HELD)))
    pairs = benchmark.pairs
    assert pairs["opinion"].tolist() == [5.5, 4.5, 3.5, 2.5]
    assert pairs["reference"].tolist() == ["I01.BMP", "I01.BMP", "I02.BMP", "I02.BMP"]
    assert pairs["distorted"].tolist() == ["i01_01_1.bmp", "i01_01_2.bmp", "i02_01_1.bmp", "i02_01_2.bmp"]
    assert pairs["distorted_path"].is_unique and pairs["reference_path"].nunique() == 2
    for row, held in enumerate(HELD):  # the same pixels as of files with these bytes
        for side, column in enumerate(("reference_pixels", "distorted_pixels")):
            (tmp_path / "same").write_bytes(held[side][0])
            assert pairs[column].iloc[row] == decode(str(tmp_path / "same")).digest
    files = tmp_path / "files"
    for side, folder in enumerate(("r", "d")):
        for held in HELD:
            (files / folder).mkdir(parents=True, exist_ok=True)
            (files / folder / held[side][1]).write_bytes(held[side][0])
    rows = [f"{held[0][1]},{held[1][1]},{held[2]}" for held in HELD]
    (files / "t.csv").write_text("\n".join(["reference,distorted,opinion", *rows]))
    same = examine(load(files / "t.csv", "benchmark.reference_root=r", "benchmark.distorted_root=d"))
    assert benchmark.index_digest() == same.index_digest()


def test_images_without_names_are_told_apart_by_their_bytes(tmp_path: Path, cache: Path) -> None:
    pairs = load(write_images(tmp_path / "x.parquet", HELD[:3], names=False)).pairs
    assert pairs["reference"].nunique() == 2 and pairs["distorted"].nunique() == 3
    assert pairs["reference"].str.fullmatch("[0-9a-f]{16}").all()
    with pytest.raises(UserError, match="1 opinions are there twice"):
        load(write_images(tmp_path / "y.parquet", HELD, names=False))
    image = [((held[0][0], f"{n}.png"), (held[1][0], "image.png"), held[2]) for n, held in enumerate(HELD[:3])]
    pairs = load(write_images(tmp_path / "z.parquet", image)).pairs
    assert pairs["reference"].value_counts().to_dict() == {"0.png": 2, "2.png": 1}  # by bytes, under the first name
    assert pairs["distorted"].nunique() == 3


def test_parts_of_a_table_are_one(tmp_path: Path, cache: Path) -> None:
    for part in (0, 1):
        write_images(tmp_path / "data" / f"train-0000{part}-of-00002.parquet", HELD[2 * part : 2 * part + 2])
    pairs = load(tmp_path / "data").pairs
    assert pairs["opinion"].tolist() == [5.5, 4.5, 3.5, 2.5] and pairs["reference"].nunique() == 2
    write_images(tmp_path / "data" / "train-2.parquet", HELD[:1], more=pa.array([1]))
    with pytest.raises(UserError, match=r"train-2.parquet has other columns than .*train-00000-of-00002.parquet"):
        load(tmp_path / "data")
    with pytest.raises(UserError, match=r"is a folder without files \*.parquet"):
        load(tmp_path / "cache")


def test_images_in_the_cache_are_made_again_and_mended(tmp_path: Path, cache: Path) -> None:
    file = write_images(tmp_path / "tid.parquet", HELD)
    first = examine(load(file)).index_digest()
    kept = sorted(cache.iterdir())
    assert len(kept) == 6 and not any(path.name.startswith(".") for path in kept)  # 2 + 3, and one a second time
    kept[0].write_bytes(encoded(99))  # overwritten
    kept[1].write_bytes(b"")  # what a full disk leaves
    kept[2].unlink()
    (cache / ".123-unfinished").write_bytes(b"half")  # of a killed process
    assert examine(load(file)).index_digest() == first


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ((None, None), "row 2 holds no image in the column distorted"),
        ((b"", "a.png"), "row 2 holds no image in the column distorted, only the path 'a.png'"),
        ((b"no image", "a.png"), "is damaged or no image"),
        ((encoded(10)[:-30], "a.png"), "is damaged or no image"),
    ],
)
def test_cells_without_an_image_are_refused(tmp_path: Path, cache: Path, cell: tuple[Any, Any], message: str) -> None:
    file = write_images(tmp_path / "x.parquet", [HELD[0], (HELD[1][0], cell, 1.0)])
    with pytest.raises(UserError, match=message):
        examine(load(file))


def test_bare_bytes_and_choices_and_a_root_that_has_no_use(tmp_path: Path, cache: Path) -> None:
    sides = {name: pa.array([encoded(n), encoded(n + 1)]) for n, name in enumerate(("reference", "left", "right"))}
    pq.write_table(
        pa.table({**sides, "preference": [0.25, 0.5], "large": pa.array([b"x", b"y"])}), tmp_path / "c.parquet"
    )
    kind = ["benchmark.protocol=2afc", "benchmark.headline=agreement"]
    pairs = load(tmp_path / "c.parquet", *kind).pairs
    assert len(pairs) == 4 and pairs["distorted_path"].nunique() == 3
    with pytest.raises(UserError, match="distorted_root: the column left of .*c.parquet holds the images themselves"):
        load(tmp_path / "c.parquet", *kind, "benchmark.distorted_root=.")


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, cache: Path) -> None:
    file = write_images(tmp_path / "tid.parquet", HELD)
    cache.parent.write_text("a file where the cache should be")
    with pytest.raises(UserError, match="cannot be kept in .*: .*; set IQA_LAB_CACHE"):
        load(file)


# ------------------------------------------------------------------------------------------------- numbers and text

HEADER = ["reference", "distorted", "opinion"]


def written(separator: str, *values: str, mark: str = "", encoding: str = "utf-8", quoted: bool = False) -> bytes:
    """A table of the fixture's first images whose opinions are written so."""
    cells = [f'"{value}"' if quoted else value for value in values]
    rows = [["00001.png", f"00001/{name}.png", value] for name, value in zip("aB", cells, strict=True)]
    return (mark + "\n".join(separator.join(row) for row in [HEADER, *rows]) + "\n").encode(encoding)


@pytest.mark.parametrize(
    ("content", "opinions"),
    [
        (written(";", "3,5", "35"), [3.5, 35.0]),
        (written(";", "3.5", "35"), [3.5, 35.0]),
        (written("\t", "3,5", "1,25"), [3.5, 1.25]),
        (written(",", "3,5", "1,25", quoted=True), [3.5, 1.25]),
        (written(",", "3.5", "1e1", mark="\ufeff"), [3.5, 10.0]),
        (written(";", "3,5", "0,125", mark="\ufeff"), [3.5, 0.125]),
        (written(",", "3.5", "2", mark="\ufeff", encoding="utf-16-le"), [3.5, 2.0]),
        (written("|", " 3.5 ", "-2"), [3.5, -2.0]),
        (written(";", "1234,5", "3"), [1234.5, 3.0]),
        (b"sep=;\n" + written(";", "3,5", "4"), [3.5, 4.0]),
    ],
)
def test_numbers_are_what_was_written(home: Path, content: bytes, opinions: list[float]) -> None:
    file = home / "lists" / "numbers.csv"
    file.write_bytes(content)
    assert load(file, *FOLDERS).pairs["opinion"].tolist() == opinions


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (written(",", "3,5", "4,5"), r"numbers.csv:2: 4 fields, but the header names 3; a number with a decimal comma"),
        (written(";", "1,234", "2,500"), "2 opinions are no numbers: .*'1,234'; write decimal points"),
        (written(",", "1,234", "12,500", quoted=True), "2 opinions are no numbers: .*'1,234'"),
        (written(";", "1.234,5", "3"), r"1 opinions are no numbers: .*'1.234,5'"),
        (written(";", "1,234.5", "3"), r"1 opinions are no numbers: .*'1,234.5'"),
        (written(";", "3,5", "2.5"), "1 opinions are no numbers: .*'3,5'; write decimal points"),
        (written(";", "1 234", "3"), "1 opinions are no numbers: .*'1 234'"),
        (written(";", "1'234", "3"), "1 opinions are no numbers: .*1'234"),
        (written(";", "3.5", "35%"), "1 opinions are no numbers: .*'35%'"),
        (written(";", "3.5", "\u0663"), "1 opinions are no numbers"),
        (written(",", "3.5", "2", encoding="utf-16-le"), "is no text in UTF-8: see line 1"),
        (written(",", "3.5", "\u00bd", encoding="latin-1"), "is no text in UTF-8: see line 3"),
        (written(":", "3.5", "2"), "has no column reference"),
    ],
)
def test_numbers_that_may_mean_two_things_are_refused(home: Path, content: bytes, message: str) -> None:
    file = home / "lists" / "numbers.csv"
    file.write_bytes(content)
    with pytest.raises(UserError) as refused:
        load(file, *FOLDERS)
    assert refused.match(f".*{message}") and "\n" not in str(refused.value)


def test_a_run_of_a_table_of_pyiqa(datasets: Path, iqa_lab: Callable[..., Finished]) -> None:
    roots = [
        f"benchmark.{side}_root={datasets / root}"
        for side, root in zip(("reference", "distorted"), ROOTS["TID2013"], strict=True)
    ]
    done = iqa_lab(
        "run", "goal=baseline", "dataset=none", "architecture=psnr", "benchmark=table", "tracker=none", "results=out",
        f"benchmark.path={datasets}/meta_info/meta_info_TID2013Dataset.csv", *roots,
    )  # fmt: skip
    assert done.code == 0, done.err
    (result,) = (Path("out") / "table").rglob("result.json")
    kept = pd.read_parquet(result.parent / "scores.parquet")
    assert kept["opinion"].tolist() == [5.51429, 5.5, 4.5, 4.0] and json.loads(result.read_text())["layout"] is None
