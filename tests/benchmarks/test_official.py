"""Databases in their publishers' own layout, label files of exactly that form; and what does not fit is refused."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.io import savemat

from iqa_lab.benchmarks import Benchmark, benchmark_options, examine, load_benchmark
from iqa_lab.benchmarks.layouts import LAYOUTS
from iqa_lab.config import configuration_folder
from iqa_lab.errors import UserError
from tests.benchmarks.test_databases import scatter, worse_with_level
from tests.conftest import needs_shared

OPTIONS = benchmark_options([configuration_folder()])


def load(name: str, path: Path | None, **changes: Any) -> Benchmark:
    return load_benchmark(replace(OPTIONS[name](), path=str(path) if path else None, **changes))


PHOTOGRAPHS = [f"photo{number}" for number in range(15)]
STEPS = {
    "blurjpeg": [*(f"blur{b}" for b in (1, 2, 3)), *(f"jpeg{j}" for j in (1, 2, 3)),
                 *(f"blur{b}_jpeg{j}" for b in (1, 2, 3) for j in (1, 2, 3))],
    "blurnoise": [*(f"blur{b}" for b in (1, 2, 3)), *(f"noise{j}" for j in (1, 2, 3)),
                  *(f"blur{b}_noise{j}" for b in (1, 2, 3) for j in (1, 2, 3))],
}  # fmt: skip


def cells(texts: list[str]) -> np.ndarray:
    """A column of MATLAB cells."""
    made = np.empty((len(texts), 1), dtype=object)
    made[:, 0] = texts
    return made


def make_live_md(root: Path, home: str = "To_Release/", parts: tuple[str, str] = ("Part 1", "Part 2")) -> Path:
    """References beside the distorted images; 19 and 18 observers, whose mean difference is the opinion."""
    for part, (folder, steps), people in zip(parts, STEPS.items(), (19, 18), strict=True):
        names = [f"{photograph}_{step}.bmp" for photograph in PHOTOGRAPHS for step in steps]
        here = root / home / part
        scatter(here, [f"{folder}/{name}" for name in [*names, *(f"{photograph}.bmp" for photograph in PHOTOGRAPHS)]])
        which = np.repeat(np.arange(1, 16, dtype=np.uint8), 15)[:, None]
        lists = {"distimgs": cells(names), "refimgs": cells([f"{name}.bmp" for name in PHOTOGRAPHS])}
        savemat(here / "Imagelists.mat", {**lists, "ref4dist": which})
        differences = np.random.default_rng(people).integers(0, 101, (people, 225))
        scores = {"DMOSscores": differences.mean(axis=0, keepdims=True), "dist_diffscores": differences}
        savemat(here / "Scores.mat", {**scores, "Zscores": np.zeros((1, 225))})
    return root


def make_mdid2013(root: Path, home: str = "") -> Path:
    names = [*(f"img{n:03}.png" for n in range(1, 325)), *(f"org{n:03}.png" for n in range(1, 13))]
    scatter(root / home / "MDID2013", names)
    opinions = np.array([[0.3 + 0.1 * (n % 3) + n / 1e4] for n in range(324)])
    savemat(root / home / "MDID_dmos.mat", {"MDID_dmos": opinions})
    return root


def make_mdid(root: Path, levels: bool = False) -> Path:
    references = [f"reference_images/img{r:02}.bmp" for r in range(1, 21)]
    scatter(
        root, [*references, *(f"distortion_images/img{r:02}_{d:02}.bmp" for r in range(1, 21) for d in range(1, 81))]
    )
    (root / "mos.txt").write_text("".join(f"{8 - n / 201:.4f}\r\n" for n in range(1600)))
    for reference in range(1, 21) if levels else ():
        lines = [f"{reference}\t0\t{image}\t0\t0\t1" for image in range(1, 81)]
        (root / f"{reference:02}.txt").write_text("\n".join(lines))
    return root


CIDIQ = ["1_JPEG2000_Compression", "2_JPEG_Compression", "3_Poisson_Noise", "4_Gaussian_Blur", "5_SGCK_Gamut_Mapping",
         "6_DeltaE_Gamut_Mapping"]  # fmt: skip


def make_cidiq(root: Path) -> Path:
    order = [(d, i, level) for d in range(1, 7) for i in range(1, 24) for level in range(1, 6)]
    files = [f"Images/Reproduction/{CIDIQ[d - 1]}/final{i:02}_d{d}_l{level}.bmp" for d, i, level in order]
    scatter(root, [*files, *(f"Images/Original/final{i:02}.bmp" for i in range(1, 24))])
    for variable, sign in (("MOS50", 1), ("MOS100", -1)):
        savemat(
            root / f"{variable}.mat",
            {variable: np.array([[5 - sign * lv / 2 + d / 100 + i / 1e4] for d, i, lv in order])},
        )
    return root


def make_ivc(root: Path) -> Path:
    """Ten photographs; each type on as many of them as in the published table."""
    kinds = {"j2000_r": ("j2000", 10), "jpeg_r": ("jpeg", 10), "lar_r": ("lar", 8),
             "jpeg_lumichr_r": ("jpeg_lumichr", 5), "flou_f": ("flou", 4)}  # fmt: skip
    rows = [
        f"photo{p},photo{p}_{ending}{level},{kind},{level},{5 - level / 2}"
        for ending, (kind, count) in kinds.items()
        for p in range(count)
        for level in range(1, 6)
    ]
    scatter(root / "IVC_SubQualityDB" / "color", [f"{row.split(',')[1]}.bmp" for row in rows])
    scatter(root / "IVC_SubQualityDB" / "color", [f"photo{p}.bmp" for p in range(10)])
    (root / "IVC.MOS.csv").write_text("\n".join(["ref_img,dist_img,dst_type,dst_lev,mos", *rows]))
    return root


MAKERS: dict[str, Callable[[Path], Path]] = {
    "live_md": make_live_md, "mdid2013": make_mdid2013, "mdid": make_mdid, "cidiq50": make_cidiq,
    "cidiq100": make_cidiq, "ivc": make_ivc,
}  # fmt: skip


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every database once, not to be changed."""
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in MAKERS.items()}


@pytest.mark.parametrize("name", MAKERS)
def test_the_publishers_own_layout_is_read_without_a_list(homes: dict[str, Path], name: str) -> None:
    benchmark = load(name, homes[name])
    pairs = benchmark.pairs
    assert benchmark.is_whole and benchmark.config.expected.distortions == pairs["distortion"].nunique()
    assert pairs["reference"].nunique() == benchmark.config.expected.references
    assert all(Path(path).is_file() for path in [*pairs["reference_path"], *pairs["distorted_path"]])
    layout = LAYOUTS[str(benchmark.config.opinions)]
    assert all(layout.name.fullmatch(name) for name in pairs["distorted"])


def test_live_md_has_two_studies_and_the_spread_of_its_observers(homes: dict[str, Path]) -> None:
    pairs = load("live_md", homes["live_md"]).pairs.set_index("distorted")
    row = pairs.loc["To_Release/Part_2/blurnoise/photo3_blur2_noise1.bmp"]
    assert row["reference"] == "photo3.bmp" and Path(row["distorted_path"]).parts[-3:-1] == ("Part 2", "blurnoise")
    place = 3 * 15 + STEPS["blurnoise"].index("blur2_noise1")
    ratings = np.random.default_rng(18).integers(0, 101, (18, 225))[:, place]
    assert row["opinion"] == pytest.approx(ratings.mean(), abs=1e-12)
    assert row["opinion_std"] == pytest.approx(np.sqrt(ratings.var(ddof=1) / 18), abs=1e-12)
    assert row[["distortion", "level"]].tolist() == ["blurnoise", "blur2_noise1"]
    assert pairs["reference_path"].nunique() == 15  # though every photograph lies in both parts
    part = load("live_md", homes["live_md"], distortions=["blurjpeg"], levels=["blur1_jpeg3"])
    assert len(part.pairs) == 15 and set(part.pairs["distortion"]) == {"blurjpeg"}


def test_a_spread_that_does_not_belong_to_the_opinions_is_not_taken(tmp_path: Path) -> None:
    make_live_md(tmp_path)
    scores = tmp_path / "To_Release" / "Part 1" / "Scores.mat"
    savemat(scores, {"DMOSscores": np.full((1, 225), 7.0), "dist_diffscores": np.zeros((19, 225))})
    pairs = load("live_md", tmp_path).pairs
    assert pairs.groupby("distortion")["opinion_std"].apply(lambda spread: spread.notna().mean()).to_dict() == {
        "blurjpeg": 0, "blurnoise": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("home", "parts"),
    [("", ("Part 1", "Part 2")), ("LIVEmultidistortiondatabase/To_Release/", ("Part 1", "Part 2")),
     ("LIVEmultidistortiondatabase/", ("Part1", "Part2")), ("to_release/", ("PART 1", "part 2"))],
)  # fmt: skip
def test_live_md_may_lie_in_its_wrapping_folders(tmp_path: Path, home: str, parts: tuple[str, str]) -> None:
    assert load("live_md", make_live_md(tmp_path, home, parts)).is_whole


def test_a_database_is_found_in_the_data_folder_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IQA_LAB_DATA", str(tmp_path))
    make_mdid(tmp_path / "MDID")
    assert load("mdid", None).is_whole


def test_the_order_of_opinions_is_the_publishers(homes: dict[str, Path]) -> None:
    cidiq = load("cidiq50", homes["cidiq50"]).pairs.set_index("distorted")
    row = cidiq.loc["Images/Reproduction/4_Gaussian_Blur/final07_d4_l5.bmp"]
    assert (
        row["opinion"] == pytest.approx(5 - 2.5 + 0.04 + 0.0007) and row["distortion"] == "GBLUR" and row["level"] == 5
    )
    far = load("cidiq100", homes["cidiq100"])
    assert worse_with_level(far) > 0.9  # made the other way round: the other variable was read
    mdid = load("mdid", homes["mdid"]).pairs.set_index("distorted")["opinion"]
    assert mdid["distortion_images/img02_03.bmp"] == pytest.approx(8 - 82 / 201, abs=1e-4)
    mdid2013 = load("mdid2013", homes["mdid2013"]).pairs.set_index("distorted")
    row = mdid2013.loc["MDID2013/img028.png"]
    assert (row["reference"], row["level"], row["opinion"]) == ("org002.png", 1, pytest.approx(0.3 + 27 / 1e4))
    ivc = (
        load("ivc", homes["ivc"]).pairs.set_index("distorted").loc["IVC_SubQualityDB/color/photo2_jpeg_lumichr_r4.bmp"]
    )
    assert (ivc["reference"], ivc["distortion"], ivc["level"], ivc["opinion"]) == ("photo2.bmp", "jpeg_lumichr", 4, 3.0)


def test_levels_of_mdid_come_from_the_publishers_files(tmp_path: Path) -> None:
    assert set(load("mdid", make_mdid(tmp_path, levels=True)).pairs["level"]) == {
        f"{reference}-0-{image}-0-0-1" for reference in range(1, 21) for image in range(1, 81)
    }
    few = load("mdid", tmp_path, levels=["7-0-12-0-0-1"]).pairs
    assert few["distorted"].tolist() == ["distortion_images/img07_12.bmp"]
    (tmp_path / "20.txt").unlink()
    with pytest.raises(UserError, match=r"01.txt is there, but 20.txt is not"):
        load("mdid", tmp_path)


def test_a_list_and_the_publishers_files_name_the_same_images(tmp_path: Path) -> None:
    """The real list with images in the publisher's layout; and read both ways the pairs are the same."""
    file = needs_shared("data", "labels", "iqa-dataset", "LIVE_MD.txt")
    real = pd.read_csv(file)
    paths = [path.partition("/To_Release/")[2] for path in real["dis_img_path"]]
    places = [path.replace("Part_", "Part ") for path in paths]
    references = {
        place.rpartition("/")[0] + "/" + path.rpartition("/")[2]
        for place, path in zip(places, real["ref_img_path"], strict=True)
    }
    scatter(tmp_path, [*places, *references])
    (tmp_path / file.name).write_bytes(file.read_bytes())
    listed = load("live_md", tmp_path)
    assert listed.is_whole and listed.pairs["opinion_std"].isna().all()
    for part in (1, 2):
        rows = real[real["dis_img_path"].str.contains(f"/Part_{part}/")]
        photographs = sorted(rows["ref_img_path"].str.rpartition("/")[2].unique())
        which = [photographs.index(path.rpartition("/")[2]) + 1 for path in rows["ref_img_path"]]
        names = rows["dis_img_path"].str.rpartition("/")[2].tolist()
        lists = {"distimgs": cells(names), "refimgs": cells(photographs), "ref4dist": np.array([which]).T}
        savemat(tmp_path / f"Part {part}" / "Imagelists.mat", lists)
        savemat(tmp_path / f"Part {part}" / "Scores.mat", {"DMOSscores": rows["score"].to_numpy()[None]})
    official = load("live_md", tmp_path)
    pd.testing.assert_frame_equal(official.pairs, listed.pairs, check_like=True)


@pytest.mark.parametrize("name", ["vclfer", "mdid2013"])
def test_a_list_finds_the_images_of_the_publisher(tmp_path: Path, name: str) -> None:
    """References beside distorted images, in one folder, in another case."""
    opinions = str(OPTIONS[name]().opinions)
    file = needs_shared("data", "labels", "iqa-dataset", opinions)
    real = pd.read_csv(file)
    names = {path.rpartition("/")[2].upper() for path in [*real["dis_img_path"], *real["ref_img_path"]]}
    folder = {"vclfer": "vcl_fer", "mdid2013": "mdid2013"}[name]
    scatter(tmp_path, [f"{folder}/{each}" for each in names])
    (tmp_path / file.name).write_bytes(file.read_bytes())
    assert load(name, tmp_path).is_whole


@pytest.mark.parametrize("wrapped", [["A57"], ["A57", "list"], []], ids=["images", "images and list", "in data"])
def test_what_waterloo_repacked_may_stay_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrapped: list[str]
) -> None:
    file = needs_shared("data", "labels", "iqa-dataset", "A57.txt")
    real = pd.read_csv(file)
    home = tmp_path / "A57" if wrapped else tmp_path  # unpacked into data/A57, or into data
    scatter(home, {*real["dis_img_path"], *real["ref_img_path"]})
    (home / ("A57" if wrapped != ["A57"] else "") / "A57.txt").write_bytes(file.read_bytes())
    monkeypatch.setenv("IQA_LAB_DATA", str(tmp_path))
    pairs = load("a57", None).pairs
    assert len(pairs) == 54 and pairs["distorted"].str.startswith("images/dst_imgs/").all()


# ---------------------------------------------------------------------------------------------------- bad input


Damage = Callable[[Path], object]


def mat(name: str, **variables: Any) -> Damage:
    return lambda root: savemat(root / name, variables)


def text(name: str, content: str) -> Damage:
    return lambda root: (root / name).write_text(content)


PART = "To_Release/Part 1"
IVC_HEADER = "ref_img,dist_img,dst_type,dst_lev,mos"


def part_1(name: str, reference: str, which: float) -> Damage:
    """Image lists of one image."""
    lists = {"distimgs": cells([name]), "refimgs": cells([reference]), "ref4dist": np.full((1, 1), which)}
    return mat(f"{PART}/Imagelists.mat", **lists)


def one_image(root: Path) -> None:
    part_1("photo0_blur1.bmp", "photo0.bmp", 1)(root)
    mat(f"{PART}/Scores.mat", DMOSscores=np.ones((1, 1)))(root)


BAD: dict[str, tuple[str, Damage, str]] = {
    "too few": ("mdid2013", mat("MDID_dmos.mat", MDID_dmos=np.ones(323)), "MDID_dmos has 323 .* 324 are expected"),
    "too many": ("cidiq50", mat("MOS50.mat", MOS50=np.ones(691)), "MOS50.mat: MOS50 has 691 opinions, 690 are expect"),
    "other variable": ("cidiq50", mat("MOS50.mat", MOS100=np.ones(690)), "has no variable MOS50: it has MOS100"),
    "no row": ("cidiq50", mat("MOS50.mat", MOS50=np.ones((23, 30))), "MOS50 is no row or column, but 23 x 30"),
    "texts": ("cidiq50", mat("MOS50.mat", MOS50=cells(["x"] * 690)), "MOS50.mat: MOS50 holds no real numbers"),
    "complex": ("cidiq50", mat("MOS50.mat", MOS50=np.full(690, 1j)), "MOS50.mat: MOS50 holds no real numbers"),
    "not a number": ("cidiq50", mat("MOS50.mat", MOS50=np.full(690, np.nan)), "MOS50.mat: 690 of 690 .*no finite"),
    "no mat": ("mdid2013", text("MDID_dmos.mat", "mine"), "MDID_dmos.mat is damaged or no MATLAB file"),
    "empty mat": ("mdid2013", text("MDID_dmos.mat", ""), "MDID_dmos.mat is damaged or no MATLAB file"),
    "a line too few": ("mdid", text("mos.txt", "1\n" * 1599), "mos.txt has 1599 opinions, 1600 are expected"),
    "a line too many": ("mdid", text("mos.txt", "1\n" * 1601), "mos.txt has 1601 opinions, 1600 are expected"),
    "no number": ("mdid", text("mos.txt", "1\ngood\n"), "mos.txt:2: expected one number, found 'good'"),
    "two numbers": ("mdid", text("mos.txt", "1 2\n" * 1600), "mos.txt:1: expected one number, found '1 2'"),
    "an empty file": ("mdid", text("mos.txt", "\n"), "mos.txt has 0 opinions, 1600 are expected"),
    "other columns": ("ivc", text("IVC.MOS.csv", "ref,dist,mos\na,b,1\n"), "no column ref_img: it has ref, dist, mos"),
    "a row too few": ("ivc", text("IVC.MOS.csv", f"{IVC_HEADER}\na,a_jpeg_r1,jpeg,1,3\n"), "csv has 1 opinions, 185 a"),
    "no scores": ("live_md", mat(f"{PART}/Scores.mat", Zscores=np.ones(225)), "no variable DMOSscores: it has Zscores"),
    "fewer scores": ("live_md", mat(f"{PART}/Scores.mat", DMOSscores=np.ones(224)), "DMOSscores has 224 entries, 225"),
    "another reference": ("live_md", part_1("a_blur1.bmp", "b.bmp", 1), "a_blur1.bmp is listed with the reference b"),
    "no reference": ("live_md", part_1("a_blur1.bmp", "a.bmp", 0), "ref4dist holds other numbers than those of"),
    "half a reference": ("live_md", part_1("a_blur1.bmp", "a.bmp", 1.5), "ref4dist holds other numbers than those"),
    "fewer images": ("live_md", one_image, "Scores.mat and .*Scores.mat has 226 opinions, 450 are expected"),
    "no names": ("live_md", mat(f"{PART}/Imagelists.mat", distimgs=np.ones(225)), "distimgs holds something else than"),
    "a part missing": ("live_md", lambda root: (root / PART / "Scores.mat").unlink(),
                       "To_Release/Part 1/Scores.mat is not there, beside others of its publisher's files"),
    "no label": ("mdid2013", lambda root: (root / "MDID_dmos.mat").unlink(),
                 "looked for .*MDID_dmos.mat or .*MDID2013.txt; get it from"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_label_files_that_do_not_fit_are_refused_in_one_line(tmp_path: Path, homes: dict[str, Path], case: str) -> None:
    name, damage, message = BAD[case]
    for path in homes[name].rglob("*"):  # linked, but label files copied: they are written over
        there = tmp_path / path.relative_to(homes[name])
        if path.is_dir():
            there.mkdir(parents=True, exist_ok=True)
        elif path.suffix in (".mat", ".txt", ".csv"):
            there.write_bytes(path.read_bytes())
    damage(tmp_path)
    before = sorted(Path(os.environ["IQA_LAB_CACHE"]).rglob("*"))
    with pytest.raises(UserError, match=message) as refused:
        examine(load(name, tmp_path))
    assert "\n" not in str(refused.value)
    assert sorted(Path(os.environ["IQA_LAB_CACHE"]).rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "other", "message"),
    [
        (
            "cidiq50",
            "CIDIQ_MOS100.txt",
            r"CIDIQ_MOS50.txt:2: expected a path like CIDIQ_MOS50/Images/.*another database",
        ),
        ("live_md", "TID2013.txt", r"LIVE_MD.txt:2: expected a path like LIVE_MD/To_Release/.*another database"),
        ("vclfer", None, r"VCLFER.txt:2: expected a path like vcl_fer/IMG_01_AWGN_1.bmp, found 'IMG_01_AWGN_1.bmp'"),
    ],
)
def test_a_list_of_another_database_or_layout_is_refused(
    tmp_path: Path, name: str, other: str | None, message: str
) -> None:
    opinions = str(OPTIONS[name]().opinions)
    file = needs_shared("data", "labels", "iqa-dataset", other or opinions)
    content = file.read_text()
    (tmp_path / opinions).write_text(content if other else content.replace("VCLFER/vcl_fer/", "VCLFER/"))
    with pytest.raises(UserError, match=message):
        load(name, tmp_path)


def test_rows_are_counted_and_the_file_named(tmp_path: Path) -> None:
    file = needs_shared("data", "labels", "iqa-dataset", "A57.txt")
    lines = file.read_text().splitlines()
    for few, found in ((lines[:-1], 53), ([*lines, lines[-1]], 55)):
        (tmp_path / "A57.txt").write_text("\n".join(few))
        with pytest.raises(UserError, match=rf"A57.txt: {found} pairs \(54 expected\)"):
            load("a57", tmp_path)


def test_paths_that_were_looked_for_are_named(tmp_path: Path, homes: dict[str, Path]) -> None:
    root = make_mdid2013(tmp_path)
    (root / "MDID2013" / "img007.png").unlink()
    with pytest.raises(
        UserError, match=rf"323 of 324 .*first was looked for as {root}/MDID2013/img007.png; benchmark.allow"
    ):
        load("mdid2013", root)
    assert len(load("mdid2013", root, allow_missing=True).pairs) == 323
    for image in (root / "MDID2013").iterdir():
        image.unlink()
    with pytest.raises(UserError, match="0 of 324 pairs are there; .*looked for as MDID2013/img001.png, img001.png"):
        load("mdid2013", root)


def test_two_images_that_answer_to_one_name_are_refused(tmp_path: Path) -> None:
    root = make_mdid2013(tmp_path)
    (root / "Ref").mkdir()
    os.link(root / "MDID2013" / "org003.png", root / "Ref" / "org003.png")
    assert load("mdid2013", root).is_whole  # the same image twice
    (root / "Ref" / "org003.png").unlink()
    Image.new("RGB", (8, 8)).save(root / "Ref" / "org003.png", compress_level=0)
    assert load("mdid2013", root).is_whole  # the same pixels in another file
    Image.new("RGB", (8, 8), (1, 0, 0)).save(root / "Ref" / "org003.png")
    with pytest.raises(
        UserError, match=r"Ref/org003.png and .*MDID2013/org003.png are different images, but both may be"
    ):
        load("mdid2013", root)
    (root / "Ref" / "org003.png").unlink()
    for name in ("IMG007.png", "Img007.png"):
        os.link(root / "MDID2013" / "img008.png", root / "MDID2013" / name)
    (root / "MDID2013" / "img007.png").unlink()
    if len(list((root / "MDID2013").glob("[iI][mM][gG]007.png"))) == 2:  # a file system that tells them apart
        with pytest.raises(
            UserError, match=r"has no img007.png, but IMG007.png, Img007.png, which differ in upper and"
        ):
            load("mdid2013", root)


def test_what_is_not_read_without_a_list_says_so() -> None:
    for name in ("vclfer", "mdivl", "sdivl", "toyama", "a57"):
        config = OPTIONS[name]()
        layout = LAYOUTS[str(config.opinions)]
        assert layout.read is None and "not read" in str(config.steps) and str(config.opinions) in str(config.steps)
    for name in MAKERS:
        config = OPTIONS[name]()
        assert LAYOUTS[str(config.opinions)].read and "not read" not in str(config.steps)
    assert OPTIONS["vclfer"]().archives == []  # its terms forbid to hand it on
