"""Every database in its official layout with its traps, and its real opinions where they are at hand."""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from PIL import Image
from scipy.io import savemat
from scipy.stats import spearmanr

from iqa_lab.benchmarks import Benchmark, benchmark_options, load_benchmark
from iqa_lab.config import BenchmarkConfig, configuration_folder
from iqa_lab.errors import UserError
from iqa_lab.statistics.intervals.ceilings import opinion_ceilings
from iqa_lab.statistics.table import people_an_image, standard_errors
from tests.conftest import composed, needs_shared

LIVE_FOLDERS = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
LIVE_KEPT = {"jp2k": 169, "jpeg": 175, "wn": 145, "gblur": 145, "fastfading": 145}
CSIQ_TYPES = {
    "noise": ("awgn", "AWGN"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
    "fnoise": ("fnoise", "fnoise"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg 2000": ("jpeg2000", "jpeg2000"),
}


def load(name: str, path: Path, *overrides: str) -> Benchmark:
    return load_benchmark(composed(f"benchmark={name}", f"benchmark.path={path}", *overrides).benchmark)


def scatter(root: Path, names: Iterable[str], size: tuple[int, int] = (8, 8)) -> None:
    """One tiny image under many names."""
    original = root / "original.png"
    root.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(original)
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(original, root / name)


def real_opinions(name: str) -> pd.DataFrame:
    """Image, type, reference and opinion of a database, from somebody's list of the real ones."""
    file = needs_shared("data", "labels", "iqa-dataset", f"{name}.txt")
    return pd.read_csv(file).assign(name=lambda table: table["dis_img_path"].str.rpartition("/")[2])


def worse_with_level(benchmark: Benchmark) -> float:
    """How quality falls with the level of a distortion: near -1 where the opinions are the right way up."""
    pairs = benchmark.pairs.assign(quality=benchmark.opinion_sign * benchmark.pairs["opinion"])
    return float(np.mean([spearmanr(g["level"], g["quality"]).statistic for _, g in pairs.groupby("distortion")]))


# -------------------------------------------------------------------------------------------------- KADID-10k


def make_kadid(root: Path, opinion: Any) -> Path:
    lines = ["dist_img,ref_img,dmos,var"]
    names = []
    for reference in range(1, 82):
        names.append(f"images/I{reference:02}.png")
        for distortion in range(1, 26):
            for level in range(1, 6):
                name = f"I{reference:02}_{distortion:02}_{level:02}.png"
                names.append(f"images/{name}")
                lines.append(f"{name},I{reference:02}.png,{opinion(name, level)},0.5")
    scatter(root, names)
    (root / "dmos.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def kadid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_kadid(tmp_path_factory.mktemp("kadid10k"), lambda _name, level: 5 - 0.5 * level)


def test_kadid(kadid: Path) -> None:
    benchmark = load("kadid10k", kadid)
    pairs = benchmark.pairs
    assert benchmark.is_whole and len(pairs) == 10125
    assert pairs["distortion"].value_counts().eq(405).all() and set(pairs["level"]) == {1, 2, 3, 4, 5}
    assert benchmark.opinion_sign == 1  # the column called dmos is a mean opinion score
    assert worse_with_level(benchmark) == pytest.approx(-1)
    assert benchmark.config.opinion_std == "standard_deviation" and (pairs["opinion_std"] == 0.5).all()


def test_kadid_filters(kadid: Path) -> None:
    few = load(
        "kadid10k", kadid, "benchmark.distortions=[8,10]", "benchmark.levels=[5]", "benchmark.references=[i03.png]"
    )
    assert list(few.pairs["distorted"]) == ["I03_08_05.png", "I03_10_05.png"]
    assert few.n_expected == 2 and not few.is_whole
    with pytest.raises(UserError, match="benchmark.distortions: kadid10k has no 26; choose from"):
        load("kadid10k", kadid, "benchmark.distortions=[26]")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("I01_01_1.png,I01.png,3,0.5", "expected a name like I01_02_03.png, found I01_01_1.png"),
        ("I01_01_01.png,I02.png,3,0.5", "I01_01_01.png is listed with the reference I02.png"),
        ("I01_01_01.png,I01.png,6,0.5", "opinions outside of 1 to 5: I01_01_01.png"),
        ("I01_01_01.png,I01.png,,0.5", "1 opinions are no numbers: I01_01_01.png"),
    ],
)
def test_damaged_opinions_of_kadid_are_refused(tmp_path: Path, kadid: Path, line: str, message: str) -> None:
    lines = (kadid / "dmos.csv").read_text().splitlines()
    (tmp_path / "dmos.csv").write_text("\n".join([lines[0], line, *lines[2:]]))
    with pytest.raises(UserError, match=message):
        load("kadid10k", tmp_path)
    (tmp_path / "dmos.csv").write_text("dist_img,dmos\na,1\n")
    with pytest.raises(UserError, match="has no column ref_img: it has dist_img, dmos"):
        load("kadid10k", tmp_path)


def test_real_opinions_of_kadid(tmp_path: Path) -> None:
    real = real_opinions("KADID-10k").set_index("name")["score"]
    benchmark = load("kadid10k", make_kadid(tmp_path, lambda name, _level: real[name]))
    assert benchmark.pairs["opinion"].agg(["min", "max"]).tolist() == [1.0, 4.93]
    assert benchmark.pairs["opinion"].nunique() == 241
    assert worse_with_level(benchmark) < -0.5


def test_real_samples_of_kadid() -> None:
    counts = ["benchmark.expected.references=3", "benchmark.expected.pairs=8", "benchmark.expected.distortions=null"]
    pairs = load("kadid10k", needs_shared("data", "formats", "kadid10k"), *counts).pairs.set_index("distorted")
    published = {
        "I01_01_02": 40.254, "I01_01_05": 20.465, "I01_06_05": 17.837, "I01_15_05": 20.954,
        "I07_09_04": 33.330, "I07_21_05": 27.720, "I47_03_05": 27.849, "I47_22_02": 29.617,
    }  # fmt: skip
    for name, psnr in published.items():
        assert decibels(pairs.loc[f"{name}.png"]) == pytest.approx(psnr, abs=5e-4)


def decibels(pair: pd.Series) -> float:
    reference, distorted = (
        np.asarray(Image.open(pair[column]).convert("RGB"), float) for column in ("reference_path", "distorted_path")
    )
    return float(10 * np.log10(255**2 / np.mean((reference - distorted) ** 2)))


# -------------------------------------------------------------------------------------------------- TID2008


def test_real_opinions_of_tid2008(tmp_path: Path) -> None:
    real = real_opinions("TID2008")
    files = [path.removeprefix("TID2008/") for path in {*real["dis_img_path"], *real["ref_img_path"]}]
    scatter(tmp_path, files)
    lines = [f"{score} {name}" for name, score in zip(real["name"], real["score"], strict=True)]
    (tmp_path / "mos_with_names.txt").write_text("\n".join(lines))
    (tmp_path / "mos_std.txt").write_text("0.5\n" * 1700)
    benchmark = load("tid2008", tmp_path)
    pairs = benchmark.pairs
    assert benchmark.is_whole and pairs["distortion"].value_counts().eq(100).all()
    assert pairs["opinion"].agg(["min", "max"]).tolist() == [0.0, 7.7143] and (pairs["opinion_std"] == 0.5).all()
    assert worse_with_level(benchmark) < -0.5
    (tmp_path / "mos_std.txt").write_text("0.5\n" * 1699)
    with pytest.raises(UserError, match="mos_std.txt has 1699 lines, but there are 1700 opinions"):
        load("tid2008", tmp_path)
    assert "tid2013" in composed("benchmark=tid2008").benchmark.shares_references


# -------------------------------------------------------------------------------------------------- CSIQ


def make_csiq(root: Path, rows: list[tuple[str, str, int, float]]) -> Path:
    """The spreadsheet as it is: a title, the header in row 4 from column D, a photograph's name taken for a number."""
    book = openpyxl.Workbook()
    book.active.title = "all"
    sheet = book.create_sheet("all_by_image")
    sheet["A1"] = "CSIQ"
    for column, name in enumerate(["image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"], 4):
        sheet.cell(4, column, name)
    for number, (image, kind, level, opinion) in enumerate(rows, 5):
        index = list(CSIQ_TYPES).index(kind) + 1
        cells = [int(image) if image.isdigit() else image, index, kind, level, 0.1, opinion]
        for column, value in enumerate(cells, 4):
            sheet.cell(number, column, value)
    book.save(root / "csiq.DMOS.xlsx")
    images = {image for image, *_ in rows}
    scatter(root, [f"src_imgs/{image}.png" for image in images])
    scatter_names = [
        f"dst_imgs/{CSIQ_TYPES[kind][0]}/{image}.{CSIQ_TYPES[kind][1]}.{level}.png" for image, kind, level, _ in rows
    ]
    (root / "original.png").unlink()
    scatter(root, scatter_names)
    return root


def test_real_opinions_of_csiq(tmp_path: Path) -> None:
    words = {word: kind for kind, (_, word) in CSIQ_TYPES.items()}
    rows = []
    for name, score in real_opinions("CSIQ")[["name", "score"]].itertuples(index=False):
        image, word, level, _ = name.split(".")
        rows.append((image, words[word], int(level), score))
    benchmark = load("csiq", make_csiq(tmp_path, rows))
    pairs = benchmark.pairs
    assert benchmark.is_whole and benchmark.opinion_sign == -1
    assert pairs["distortion"].value_counts().to_dict() == {**dict.fromkeys(CSIQ_TYPES, 150), "contrast": 116}
    assert worse_with_level(benchmark) < -0.9
    assert "1600.png" in set(pairs["reference"])
    assert pairs["distorted_path"].map(lambda path: Path(path).parent.name).nunique() == 6


def test_a_damaged_spreadsheet_of_csiq_is_refused(tmp_path: Path) -> None:
    (tmp_path / "csiq.DMOS.xlsx").write_bytes(b"no spreadsheet")
    with pytest.raises(UserError, match="damaged or another spreadsheet"):
        load("csiq", tmp_path)
    book = openpyxl.Workbook()
    book.active.title = "all_by_image"
    book.save(tmp_path / "csiq.DMOS.xlsx")
    with pytest.raises(UserError, match="sheet all_by_image has no column image in row 4"):
        load("csiq", tmp_path)


# -------------------------------------------------------------------------------------------------- LIVE


def make_live(root: Path, real: pd.DataFrame | None = None) -> Path:
    """All 982 entries: where ``real`` names an image it is distorted, else a copy of a reference."""
    opinions, copies, references, names = [], [], [], []
    known = {} if real is None else real.set_index(real["dis_img_path"].str.removeprefix("LIVE/")).to_dict("index")
    for folder, images in LIVE_FOLDERS.items():
        for image in range(1, images + 1):
            name = f"{folder}/img{image}.bmp"
            entry = known.get(name)
            is_copy = entry is None if real is not None else image > LIVE_KEPT[folder]
            names.append(name)
            copies.append(int(is_copy))
            opinions.append(0.0 if is_copy else float(entry["score"]) if entry else float(image))
            references.append(entry["ref_img_path"].rpartition("/")[2] if entry else f"photo{image % 29}.bmp")
    cells = np.empty((1, 982), dtype=object)
    cells[0] = [np.array([name]) for name in references]
    savemat(root / "refnames_all.mat", {"refnames_all": cells})
    arrays = {
        "dmos_new": np.array([opinions]),
        "dmos_std": np.full((1, 982), 9.0),
        "orgs": np.array([copies], np.uint8),
    }
    savemat(root / "dmos_realigned.mat", arrays)
    scatter(root, [*names, *{f"refimgs/{name}" for name in references}])
    return root


def test_live_leaves_out_the_copies_of_references(tmp_path: Path) -> None:
    benchmark = load("live", make_live(tmp_path))
    assert benchmark.is_whole and len(benchmark.pairs) == 779
    assert benchmark.pairs["distortion"].value_counts().to_dict() == LIVE_KEPT
    assert (benchmark.pairs["opinion"] > 0).all() and benchmark.opinion_sign == -1
    row = benchmark.pairs.set_index("distorted").loc["wn/img7.bmp"]  # img7.bmp alone would stand for five images
    assert (row["reference"], row["opinion"], row["opinion_std"]) == ("photo7.bmp", 7.0, 9.0)
    assert Path(row["distorted_path"]).parent.name == "wn"
    everything = load("live", tmp_path, "benchmark.reference_copies=true")
    assert len(everything.pairs) == everything.n_expected == 982 and (everything.pairs["opinion"] == 0).sum() == 203
    assert not everything.is_whole  # PSNR's published correlation is of 779


def test_real_opinions_of_live(tmp_path: Path) -> None:
    real = real_opinions("LIVE")
    pairs = load("live", make_live(tmp_path, real)).pairs.set_index("distorted")
    real.index = real["dis_img_path"].str.removeprefix("LIVE/")
    assert len(pairs) == 779 and pairs["reference"].nunique() == 29
    np.testing.assert_allclose(pairs["opinion"], real.loc[pairs.index, "score"], rtol=0, atol=1e-12)


def test_arrays_of_live_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    make_live(tmp_path)
    savemat(
        tmp_path / "dmos_realigned.mat", {"dmos_new": np.zeros((1, 9)), "dmos_std": np.zeros((1, 982)), "orgs": [[0]]}
    )
    with pytest.raises(UserError, match="982 entries are expected, but dmos_new has 9, orgs has 1"):
        load("live", tmp_path)
    (tmp_path / "dmos_realigned.mat").write_bytes(b"no matrix")
    with pytest.raises(UserError, match="dmos_realigned.mat is damaged"):
        load("live", tmp_path)


# -------------------------------------------------------------------------------------------------- PIPAL


def test_real_opinions_of_pipal(tmp_path: Path) -> None:
    real = real_opinions("PIPAL")
    scatter(tmp_path, [path.removeprefix("PIPAL/") for path in {*real["dis_img_path"], *real["ref_img_path"]}])
    (tmp_path / "Train_Label").mkdir()
    for reference, group in real.groupby(real["name"].str[:5]):
        lines = [f"{name},{score:.4f}" for name, score in zip(group["name"], group["score"], strict=True)]
        (tmp_path / "Train_Label" / f"{reference}.txt").write_text("\n".join(lines) + "\n")
    benchmark = load("pipal", tmp_path)
    pairs = benchmark.pairs
    assert benchmark.is_whole and pairs["reference"].value_counts().eq(116).all()
    assert (pairs["distortion"].value_counts().sort_index() // 200).tolist() == [12, 16, 10, 24, 13, 14, 27]
    assert pairs["opinion"].agg(["min", "max"]).round(1).tolist() == [916.7, 1836.0]
    (tmp_path / "Train_Label" / "A0001.txt").write_text("A0001_00_00.bmp;1500\n")
    with pytest.raises(UserError, match=r"A0001.txt:1: expected a line like A0001_02_03.bmp,1500.25"):
        load("pipal", tmp_path)


def test_real_samples_of_pipal() -> None:
    counts = ["benchmark.expected.references=1", "benchmark.expected.pairs=2", "benchmark.expected.distortions=null"]
    pairs = load("pipal", needs_shared("data", "formats", "pipal"), *counts).pairs
    assert pairs["opinion"].tolist() == [1524.5352, 1393.0912]
    assert [decibels(row) for _, row in pairs.iterrows()] == pytest.approx([20.722, 21.112], abs=5e-4)


# -------------------------------------------------------------------------------------------------- lists

LISTED = {"live_md": "LIVE_MD", "mdid": "MDID2016", "vclfer": "VCLFER", "cidiq50": "CIDIQ_MOS50",
          "cidiq100": "CIDIQ_MOS100", "toyama": "Toyama", "a57": "A57", "mdid2013": "MDID2013",
          "mdivl": "MDIVL", "sdivl": "SDIVL"}  # fmt: skip
# levels that the names tell: steps, strengths, or both strengths of two distortions; of MDID none
LEVELS = {"live_md": 27, "mdid": 1, "vclfer": 6, "cidiq50": 5, "cidiq100": 5, "toyama": 12, "a57": 3, "mdid2013": 3,
          "mdivl": 75, "sdivl": 19}  # fmt: skip


@pytest.mark.parametrize("name", LISTED)
def test_real_opinions_of_databases_with_a_list(tmp_path: Path, name: str) -> None:
    real = real_opinions(LISTED[name])
    inside = {path.partition("/")[2] for path in {*real["dis_img_path"], *real["ref_img_path"]}}
    scatter(tmp_path, inside)
    file = needs_shared("data", "labels", "iqa-dataset", f"{LISTED[name]}.txt")
    (tmp_path / file.name).write_bytes(file.read_bytes())
    benchmark = load(name, tmp_path)
    judged = real[real["dis_type"] != "Reference"]
    assert benchmark.is_whole and len(benchmark.pairs) == len(judged)
    expected = judged.set_index(judged["dis_img_path"].str.partition("/")[2])["score"].astype(float)
    pairs = benchmark.pairs.set_index("distorted")
    np.testing.assert_array_equal(pairs["opinion"], expected[pairs.index])
    assert all(path.endswith(name) for path, name in zip(pairs["distorted_path"], pairs.index, strict=True))
    assert pairs["level"].astype(str).nunique() == LEVELS[name]
    if name in ("vclfer", "cidiq50", "cidiq100", "mdid2013"):
        assert worse_with_level(benchmark) < -0.5
    if name == "toyama":
        assert len(load(name, tmp_path, "benchmark.reference_copies=true").pairs) == 196
    (tmp_path / file.name).unlink()
    with pytest.raises(UserError, match=f"looked for .*{file.name}; get it from"):
        load(name, tmp_path)


def test_a_list_of_ivc_may_be_the_users_own(tmp_path: Path) -> None:
    kinds = ["JPEG2000", "JPEG", "LAR", "JPEG colour", "blur"]
    rows = [(f"IVC/fruit_{n}.bmp", kinds[n % 5], f"IVC/photo{n % 10}.bmp", 1 + n % 5) for n in range(185)]
    table = pd.DataFrame(rows, columns=["dis_img_path", "dis_type", "ref_img_path", "score"])
    table.to_csv(tmp_path / "IVC.txt", index=False)
    scatter(tmp_path, [path.removeprefix("IVC/") for path in {*table["dis_img_path"], *table["ref_img_path"]}])
    benchmark = load("ivc", tmp_path)
    assert benchmark.is_whole and benchmark.opinion_sign == 1 and set(benchmark.pairs["distortion"]) == set(kinds)
    table.iloc[:-1].to_csv(tmp_path / "IVC.txt", index=False)
    with pytest.raises(UserError, match=r"IVC.txt: 184 pairs \(185 expected\)"):
        load("ivc", tmp_path)


# -------------------------------------------------------------------------------------------------- a table


@pytest.fixture
def table(tmp_path: Path) -> Path:
    scatter(tmp_path, ["a/1600.png", "a/x.png", "b/1.png", "b/2.png", "b/3.png"])
    (tmp_path / "pairs.csv").write_text(
        "reference,distorted,opinion,distortion,level\n"
        "a/1600.png,b/1.png,3.5,blur,1\na/1600.png,b/2.png,2.5,blur,2\nA/X.png,b/3.png,1,noise,1\n"
    )
    return tmp_path / "pairs.csv"


def test_a_table(table: Path) -> None:
    benchmark = load("table", table)
    assert len(benchmark.pairs) == benchmark.n_expected == 3
    assert benchmark.pairs["opinion"].tolist() == [3.5, 2.5, 1.0]
    assert set(benchmark.pairs["distortion"]) == {"blur", "noise"}
    parquet = table.with_suffix(".parquet")
    pd.read_csv(table).to_parquet(parquet)
    assert load("table", parquet).pairs["opinion"].tolist() == [3.5, 2.5, 1.0]
    assert load("table", table, "benchmark.opinion=dmos").opinion_sign == -1


def test_images_of_a_table_may_lie_anywhere(table: Path) -> None:
    inside = table.parent / "lists" / "pairs.csv"
    inside.parent.mkdir()
    inside.write_text(f"reference,distorted,opinion\n../a/x.png,../b/1.png,1\n{table.parent}/a/x.png,../b/2.png,2\n")
    assert all(Path(path).is_file() for path in load("table", inside).pairs["reference_path"])


def test_a_table_with_other_names_separators_and_decimal_commas(table: Path) -> None:
    table.write_text("ref;dist;score\na/1600.png;b/1.png;3,5\na/x.png;b/2.png;2,25\n")
    names = ["benchmark.columns={reference: ref, distorted: dist, opinion: score}"]
    assert load("table", table, *names).pairs["opinion"].tolist() == [3.5, 2.25]
    with pytest.raises(UserError, match="has no column reference: it has .*benchmark.columns.reference=COLUMN"):
        load("table", table)
    with pytest.raises(UserError, match="has no column kind: it has ref, dist, score"):
        load("table", table, *names, "benchmark.columns.distortion=kind")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("reference,distorted,opinion\na/x.png,b/1.png,good\n", "1 opinions are no numbers: b/1.png"),
        ("reference,distorted,opinion\na/x.png,,1\n", "row 1 names no image"),
        ("reference,distorted,opinion\na/x.png,b/9.png,1\n", "0 of 1 pairs are there, missing are b/9.png"),
        ("reference,distorted,opinion\na/x.png,b/1.png,1\na/x.png,b/1.png,2\n", "1 opinions are there twice: b/1.png"),
    ],
)
def test_damaged_tables_are_refused(table: Path, content: str, message: str) -> None:
    table.write_text(content)
    with pytest.raises(UserError, match=message):
        load("table", table)


def test_a_table_that_is_not_there_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="benchmark=table needs benchmark.path=FILE"):
        load_benchmark(composed("benchmark=table").benchmark)
    with pytest.raises(UserError, match="there is no such file"):
        load("table", tmp_path / "no.csv")


def test_a_table_of_tid2013_gives_the_same_pairs(tid2013_kit: Path, tmp_path: Path) -> None:
    official = load("tid2013", tid2013_kit / "tid2013", "benchmark.allow_missing=true")
    rows = official.pairs.rename(columns={"reference_path": "r", "distorted_path": "d"})
    rows[["r", "d"]] = rows[["r", "d"]].map(lambda path: str(Path(path).relative_to(tid2013_kit)))
    rows.to_csv(tid2013_kit / "pairs.csv", index=False)
    own = load("table", tid2013_kit / "pairs.csv", "benchmark.columns={reference: r, distorted: d}")
    for column in ("opinion", "distortion", "reference_path", "distorted_path"):
        assert own.pairs[column].astype(str).tolist() == official.pairs[column].astype(str).tolist(), column


# -------------------------------------------------------------------------------------------------- facts


SOURCED = ("bapps", "bapps_jnd", "bapps_train", "csiq", "kadid10k", "live", "nights", "pieapp", "pieapp_scores",
           "tid2008", "tid2013")  # fmt: skip


@cache
def options() -> dict[str, BenchmarkConfig]:
    return {name: read() for name, read in benchmark_options([configuration_folder()]).items()}


def test_who_shows_whose_photographs_is_said_by_both_and_never_of_oneself() -> None:
    """Weights that are fitted to one and tested on the other are warned of, whichever way round."""
    sharing = {(name, other) for name, config in options().items() for other in config.shares_references}
    assert sharing == {(other, name) for name, other in sharing}
    assert all(other in options() and other != name for name, other in sharing)
    kodak = ("live", "tid2008", "tid2013", "toyama")
    assert all((one, other) in sharing for one in kodak for other in kodak if one != other)
    assert all(len(set(config.shares_references)) == len(config.shares_references) for config in options().values())


@pytest.mark.parametrize("name", SOURCED)
def test_what_a_benchmark_says_of_people_has_its_source_beside_it(name: str) -> None:
    """In the comment of the line, or just above it: people, opinion_std and licence, wherever they say something."""
    lines = (configuration_folder() / "benchmark" / f"{name}.yaml").read_text().splitlines()
    for key in ("people", "opinion_std", "licence"):
        (place,) = [number for number, line in enumerate(lines) if line.startswith(f"{key}:")]
        assert "#" in lines[place] or lines[place - 1].startswith("#"), f"{name}: {lines[place]}"


@pytest.mark.parametrize(("name", "spread", "mean"), [("csiq", 0.078, 0.4), ("live", 2.53, 40)])
def test_ceilings_of_csiq_and_live_are_those_of_their_published_spreads(name: str, spread: float, mean: float) -> None:
    """Of real opinions with the spread that was published, by the formula of classical test theory."""
    opinion = real_opinions({"csiq": "CSIQ", "live": "LIVE"}[name])["score"].to_numpy(dtype=float)
    scores = pd.DataFrame({"opinion": opinion, "opinion_std": spread})
    config = options()[name]
    errors = standard_errors(scores, config)
    assert errors is not None
    expected = spread if name == "live" else spread / np.sqrt(6)  # a standard error, and the deviation of 6 ratings
    assert errors.tolist() == pytest.approx([expected] * len(opinion))
    found = opinion_ceilings(opinion, errors, people_an_image(config))
    assert found.group == pytest.approx(1 - expected**2 / opinion.var(ddof=1)) and 0.9 < found.group < 0.998
    assert abs(opinion.mean() - mean) < mean and 0.5 < found.observer < found.group
