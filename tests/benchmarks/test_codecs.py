"""Databases of codecs and of images near the threshold of vision: each in its publisher's form, made up and tiny."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import spearmanr

from iqa_lab.benchmarks import Benchmark, benchmark_options, examine, load_benchmark
from iqa_lab.config import StatisticsConfig, configuration_folder
from iqa_lab.errors import UserError
from iqa_lab.statistics.table import correlation_table
from tests.benchmarks.test_databases import load, scatter
from tests.conftest import needs_shared, noisy, picture

ANY = "benchmark.expected={references: null, pairs: null, distortions: null}"


def relative(benchmark: Benchmark, root: Path, side: str = "distorted") -> list[str]:
    return [Path(path).relative_to(root).as_posix() for path in benchmark.pairs[f"{side}_path"]]


# ---------------------------------------------------------------------------------------------------------- CID22

CID22 = """reference_img,distorted_img,encoder,setting,bpp,MCOS,RMOS,Elo,nb_pc_opinions
original/1025469.png,original/1025469.png,Reference,,24,91.2,90,2000,10
original/1025469.png,compressed/1025469/AVIF_aom_s1/q30.png,AVIF_aom_s1,q30,0.5,61.5,60,1500,12
original/1025469.png,compressed/1025469/JPEG/q75.png,JPEG,q75,0.9,71.5,70,1600,14
original/844297.png,compressed/844297/JPEG/q75.png,JPEG,,0.9,70.5,70,1600,14
original/3316926_opo25u.png,compressed/3316926_opo25u/JPEG/q75.png,JPEG,q75,0.9,69.5,70,1600,14
"""


def cid22(root: Path) -> None:
    (root / "CID22_validation_set.csv").write_text(CID22)
    lines = [line.split(",") for line in CID22.splitlines()[1:]]
    scatter(root, {*(line[0] for line in lines), *(line[1] for line in lines)})


def test_cid22_has_one_picture_under_two_names(tmp_path: Path) -> None:
    cid22(tmp_path)
    benchmark = load("cid22", tmp_path, ANY)
    pairs = benchmark.pairs.set_index("distorted")
    assert benchmark.opinion_sign == 1 and len(pairs) == 4  # without the row of the reference
    known = pairs.loc["compressed/1025469/JPEG/q75.png", ["distortion", "level", "opinion"]]
    assert known.tolist() == ["JPEG", "q75", 71.5]
    assert pairs.loc["compressed/844297/JPEG/q75.png", "level"] == ""
    assert sorted(set(pairs["reference"])) == ["1025469.png", "844297.png"]
    assert "original/3316926_opo25u.png" in relative(benchmark, tmp_path, "reference")  # the file is its own
    assert len(load("cid22", tmp_path, ANY, "benchmark.reference_copies=true").pairs) == 5
    with pytest.raises(UserError, match=r"4 pairs \(4292 expected\), 3 references \(49 expected\)"):
        load("cid22", tmp_path)


def test_an_answer_of_mucped23_names_the_worse_image(tmp_path: Path) -> None:
    good, poor = "mozjpeg-q95-yuv444", "jpegli-q55-yuv444"
    lines = [f"{good},{poor},70497,B", f"{poor},{good},70497,A", f"{good},{poor},70497,A"]
    lines.append(f"{good},{poor},3316926_opo25u,B")
    (tmp_path / "answers.csv").write_text("\n".join(["methodA,methodB,originalName,answerValue", *lines]))
    scatter(
        tmp_path,
        [f"{method}/{name}.png" for method in ("originals", good, poor) for name in ("70497", "3316926_opo25u")],
    )
    pairs = load("mucped23", tmp_path, ANY).pairs
    # two of three found quality 55 worse, whichever side it stood on
    chosen = dict(zip(pairs["distorted"], pairs["opinion"], strict=True))
    assert chosen["mozjpeg-q95-yuv444/70497.png"] == pytest.approx(2 / 3)
    assert chosen["jpegli-q55-yuv444/70497.png"] == pytest.approx(1 / 3)
    assert sorted(set(pairs["reference"])) == ["70497.png", "844297.png"]
    (tmp_path / "answers.csv").write_text("methodA,methodB,originalName,answerValue\na,b,70497,tie\n")
    with pytest.raises(UserError, match="answers.csv:2: the answer is 'tie', expected A or B"):
        load("mucped23", tmp_path)


# ------------------------------------------------------------------------------------------------------ JPEG AIC


def test_aic3_keeps_what_people_said_and_skips_its_separators(tmp_path: Path) -> None:
    header = "score.jnd,codec,img.number,img.name,quality,quality.selected,method"
    rows = [(-0.25 * quality, codec, number, name, quality, 20 + quality, "estimated" if quality == 3 else "subjective")
            for number, name in ((1, "00001_1192x832"), (2, "00002_853x945")) for codec in ("AVIF", "JPEG-1")
            for quality in (1, 2, 3)]  # fmt: skip
    (tmp_path / "decoded").mkdir()
    text = "\n".join(
        [
            header,
            *(",".join(map(str, row)) for row in rows[:6]),
            ",,,,,,",
            *(",".join(map(str, row)) for row in rows[6:]),
        ]
    )
    (tmp_path / "decoded" / "info.csv").write_text(text)
    scatter(tmp_path, {f"original/{row[3]}.png" for row in rows})
    scatter(tmp_path / "decoded", [f"{row[3]}/{row[1]}_{row[3]}_{row[4]}.png" for row in rows])
    benchmark = load("aic3", tmp_path, ANY)
    assert len(benchmark.pairs) == 8 and benchmark.opinion_sign == 1  # -.25 is better than -.5
    first = benchmark.pairs.iloc[0]
    assert (first["distorted"], first["opinion"], first["level"]) == ("AVIF_00001_1192x832_1.png", -0.25, "1")
    assert relative(benchmark, tmp_path)[0] == "decoded/00001_1192x832/AVIF_00001_1192x832_1.png"
    (tmp_path / "decoded" / "info.csv").write_text(text.replace("estimated", "guessed"))
    with pytest.raises(UserError, match="info.csv:4: the method is 'guessed', expected subjective or estimated"):
        load("aic3", tmp_path, ANY)


AIC4 = """img_num,codec,dlevel,img_source,img_distorted,distortion,CI_min,CI_max
2,1,1,PTC_00002_0ref_00.png,PTC_00002_AVIF_01.png,0.12031473,0.09630131,0.145992485
2,3,2,PTC_00002_0ref_00.png,PTC_00002_JPEG-2000_02.png,1.299510991,1.191390529,1.412400127
10,6,10,PTC_00010_0ref_00.png,PTC_00010_JPEG-AI_10.png,2.6,2.4,2.8
"""


def aic4(root: Path) -> None:
    (root / "JPEG_AIC_reconstructed_jnd_scores.csv").write_text(AIC4)
    lines = [line.split(",") for line in AIC4.splitlines()[1:]]
    scatter(root, {f"PTC_images/{int(line[0]):05}/{name}" for line in lines for name in line[3:5]})


def test_aic4(tmp_path: Path) -> None:
    aic4(tmp_path)
    benchmark = load("aic4", tmp_path, ANY)
    pairs = benchmark.pairs
    assert benchmark.opinion_sign == -1 and benchmark.config.opinion_std == "standard_error"
    assert pairs["distortion"].tolist() == ["AVIF", "JPEG-2000", "JPEG-AI"]
    assert pairs["level"].tolist() == ["1", "2", "10"]
    # the publisher's 95 % interval, 2 x 1.96 standard errors
    assert pairs["opinion_std"].tolist() == pytest.approx(
        [(high - low) / 3.92 for low, high in ((0.09630131, 0.145992485), (1.191390529, 1.412400127), (2.4, 2.8))]
    )
    assert relative(benchmark, tmp_path)[2] == "PTC_images/00010/PTC_00010_JPEG-AI_10.png"


def test_the_nine_metrics_of_aic4() -> None:
    """The publisher's scores of the 300 images -> the published rank correlations, to their four digits.

    The file, JPEG-AIC_metric_scores.csv of jpeg-aic/JPEG-AIC-4-datasets, states no licence, so it is not here.
    """
    published = {"PSNR-Y": 0.8163, "SSIM": 0.9046, "MS-SSIM": 0.9409, "IW-SSIM": 0.9507, "VMAF-neg": 0.9209,
                 "SSIMULACRA2": 0.9125, "HDR-VDP-3 Q": 0.9328, "CVVDP": 0.9609}  # fmt: skip
    table = pd.read_csv(needs_shared("data", "labels", "aic4", "JPEG-AIC_metric_scores.csv"))
    assert len(table) == 300
    scores = pd.DataFrame({metric: -table[metric] for metric in published})  # of qualities, distances
    pairs = scores.assign(reference=table["img_num"], distortion=table["codec"], opinion=table["distortion"])
    found = correlation_table(pairs, list(published), -1, StatisticsConfig(resamples=10))
    assert dict(zip(published, found["srcc"].round(4), strict=True)) == published


# ----------------------------------------------------------------------------------------------------------- CLIC


CLIC = {
    "clic2021": "clic2021_perceptual_test_answers.csv",
    "clic2021_valid": "clic2021_perceptual_valid_answers.csv",
    "clic2022": "clic2022_perceptual_test_answers.csv",
    "clic2024": "clic2024_perceptual_image_test_answers.csv",
}


def clic(root: Path, lines: list[str], name: str = "clic2021") -> None:
    (root / CLIC[name]).write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(("name", "below"), list(zip(CLIC, ["", "crops/", "x/y/", ""], strict=True)))
def test_clic(tmp_path: Path, name: str, below: str) -> None:
    """The second was chosen twice of three times; trials with the original among the choices test people."""
    clic(tmp_path, ["o1.png,a1.png,b1.png,1", "o1.png,b1.png,a1.png,0", "o1.png,a1.png,b1.png,0",
                    "o1.png,o1.png,b1.png,0", "o1.png,a1.png,o1.png,1", "o1.png,a1.png,a1.png,1", "",
                    "o2.png,a2.png,b2.png,0"], name)  # fmt: skip
    scatter(tmp_path, [f"{below}{kind}{number}.png" for kind in "oab" for number in (1, 2)])
    benchmark = load(name, tmp_path)
    assert benchmark.pairs["distorted"].tolist() == ["a1.png", "b1.png", "a2.png", "b2.png"]
    assert benchmark.pairs["opinion"].tolist() == pytest.approx([1 / 3, 2 / 3, 1, 0])
    assert relative(benchmark, tmp_path)[1] == f"{below}b1.png"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["o.png,a.png,b.png,2"], "answers.csv:1: expected the names of an original and two images, and 0 or 1"),
        (["o.png,a.png,b.png,1", "o.png,a.png,1"], "answers.csv:2: expected the names"),
        (["original,a,b,answer"], "answers.csv:1: expected the names"),
        (["o.png,,b.png,1"], "answers.csv:1: expected the names"),
        (["o.png,o.png,b.png,1"], "answers.csv holds no question"),
        (["o.png,a.png,b.png,1"], "0 of 2 pairs are there, missing are o.png, a.png, b.png"),
    ],
)
def test_answers_of_clic_that_cannot_be_meant(tmp_path: Path, lines: list[str], said: str) -> None:
    clic(tmp_path, lines)
    with pytest.raises(UserError, match=said):
        load("clic2021", tmp_path)


# ----------------------------------------------------------------------------------------------------------- UPIQ

UPIQ = """condition_id,dataset,content_id,dist_id,dist_level,is_hdr,test_file,reference_file,pix_per_deg,distortion_name,repeating_content_id,JOD
t-i05-01-1,tid2013,t-i05,01,1,0,tid2013/05/i05_01_1.png,tid2013/05/i05.png,51,Additive noise,l-01,-1.5
l-i01-j-01,live,l-i01,j,1,0,live/01/jpeg_1.png,live/01/i01.png,27,JPEG,t-05,-2.5
l-i02-j-01,live,l-i02,j,2,0,live/02/jpeg_1.png,live/02/i02.png,27,JPEG,-,-3.5
n-i01-01,narwaria,n-i01,01,1,1,narwaria/i01_1.exr,narwaria/i01.exr,60,JPEG,-,-1
"""  # noqa: E501


def upiq(root: Path) -> None:
    (root / "upiq_subjective_scores.csv").write_text(UPIQ)
    lines = [line.split(",") for line in UPIQ.splitlines()[1:4]]
    scatter(root / "images", {name for line in lines for name in line[6:8]})


@pytest.mark.parametrize("who", ["both", "TID2013's rows", "LIVE's rows"])
def test_upiq_draws_a_photograph_of_both_databases_once(tmp_path: Path, who: str) -> None:
    upiq(tmp_path)
    without = {"both": None, "TID2013's rows": ",t-05,", "LIVE's rows": ",l-01,"}[who]
    if without:
        (tmp_path / "upiq_subjective_scores.csv").write_text(UPIQ.replace(without, ",-,"))
    benchmark = load("upiq", tmp_path, ANY)
    assert benchmark.opinion_sign == 1 and len(benchmark.pairs) == 3  # without the one in high dynamic range
    named = benchmark.pairs.set_index("distorted")["reference"]
    assert named["live/01/jpeg_1.png"] == named["tid2013/05/i05_01_1.png"] == "t-i05"
    assert named["live/02/jpeg_1.png"] == "l-i02"
    assert "images/live/01/i01.png" in relative(benchmark, tmp_path, "reference")


# ----------------------------------------------------------------------------------------------------------- NITS


def nits(root: Path, rows: list[tuple[object, ...]] | None = None, columns: tuple[str, ...] | None = None) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Sheet1"
    sheet.append(columns or ("Distorted Image Name", "Score", "Original Image Name"))
    made = [(f"I1D{kind}L{level}.bmp", 90 - 10 * level, "I1.bmp") for kind in (1, 7) for level in (1, 2)]
    for row in rows or made:
        sheet.append(row)
    (root / "Database").mkdir()
    book.save(root / "Database" / "Score.xlsx")


def test_nits_has_jpeg_files_that_are_called_bmp(tmp_path: Path) -> None:
    nits(tmp_path)
    image = picture(0, 32, 32)
    Image.fromarray(image).save(tmp_path / "Database" / "I1.bmp")
    for kind, form in ((1, "bmp"), (7, "jpeg")):
        for level in (1, 2):
            Image.fromarray(noisy(image, level, 9.0)).save(tmp_path / "Database" / f"I1D{kind}L{level}.bmp", form)
    benchmark = examine(load("nits", tmp_path, ANY))
    assert benchmark.opinion_sign == 1 and benchmark.n_identical == 0
    assert benchmark.pairs[["distortion", "level", "opinion"]].to_numpy().tolist() == [
        ["D1", 1, 80.0], ["D1", 2, 70.0], ["D7", 1, 80.0], ["D7", 2, 70.0]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        ([("I1X1L1.bmp", 50, "I1.bmp")], None, "row 2: expected a name like I1D2L3.bmp, found 'I1X1L1.bmp'"),
        ([("I1D1L1.bmp", 50, "I2.bmp")], None, "I1D1L1.bmp is listed with the reference I2.bmp"),
        ([("I1D1L1.bmp", 150, "I1.bmp")], None, "1 opinions outside of 0 to 100: I1D1L1.bmp"),
        ([("I1D1L1.bmp", "good", "I1.bmp")], None, "1 opinions are no numbers: I1D1L1.bmp"),
        (None, ("Image", "Score", "Original Image Name"), "sheet Sheet1 has no column Distorted Image Name"),
    ],
)
def test_spreadsheets_of_nits_that_cannot_be_meant(
    tmp_path: Path, rows: list[tuple[object, ...]] | None, columns: tuple[str, ...] | None, said: str
) -> None:
    nits(tmp_path, rows, columns)
    with pytest.raises(UserError, match=said):
        load("nits", tmp_path, ANY)


# --------------------------------------------------------------------------------------------------------- KonFiG


def test_konfig_averages_the_answers_and_leaves_out_level_0(tmp_path: Path) -> None:
    lines = ["Source,Distortion Type,BoostType,Distortion Level,HIT id,Assignment id,Worker id,Answer,Time"]
    answers = {0: (0, 0), 1: (0, 1, 2), 12: (4, 3)}
    for level, given in answers.items():
        lines += [f"SRC01,jitter,O,{level},h,a,w{number},{answer},9" for number, answer in enumerate(given)]
    (tmp_path / "DATA" / "EXP_III").mkdir(parents=True)
    (tmp_path / "DATA" / "EXP_III" / "data3.csv").write_text("\n".join(lines))
    folder = "IMAGES/PartA/SRC01/jitter/SRC01_jitter"
    scatter(tmp_path, ["IMAGES/reference_images/SRC01_0.png", *(f"{folder}_{level}.png" for level in answers)])
    benchmark = load("konfig", tmp_path, ANY)
    assert benchmark.opinion_sign == -1 and benchmark.config.opinion_std == "standard_error"
    pairs = benchmark.pairs.set_index("level")
    assert pairs["opinion"].to_dict() == {"1": 1.0, "12": 3.5}
    assert pairs["opinion_std"].to_dict() == pytest.approx({"1": 1 / np.sqrt(3), "12": 0.5})


# --------------------------------------------------------------------------------------------------------- KonJND

HEADER = "image_id,Compression type,No. of ratings,mean,std,ratings"
RATINGS = {"SRC0001": ("JPEG", [34, 34, 51, 99]), "SRC0505": ("BPG", [20, 25])}
KONJND = [f'{stem}.png,{kind},{len(given)},0,0,"{given}"' for stem, (kind, given) in RATINGS.items()]


@pytest.fixture(scope="module")
def konjnd(tmp_path_factory: pytest.TempPathFactory) -> Mapping[bool, Path]:
    """One photograph a compression, whose numbers grow with the distortion (True), or with the quality."""
    roots = {}
    image = Image.fromarray(noisy(picture(5, 48, 48), 1, 12.0))
    for worse in (True, False):
        root = tmp_path_factory.mktemp("konjnd")
        for folder in ("source_image", "jpeg", "bpg"):
            (root / folder).mkdir()
        for stem in RATINGS:
            image.save(root / "source_image" / f"{stem}.png")
        for number in range(1, 101):
            quality = 101 - number if worse else number
            image.save(root / "jpeg" / f"SRC0001_JPEG_{number:03}.jpg", quality=quality)
        for number in range(1, 52):
            steps = number if worse else 52 - number
            image.quantize(max(2, 256 // steps)).convert("RGB").save(root / "bpg" / f"SRC0505_BPG_{number:03}.png")
        roots[worse] = root
    return roots


@pytest.mark.parametrize("worse", [True, False])
def test_konjnd_reads_the_direction_of_its_numbers_from_the_files(konjnd: Mapping[bool, Path], worse: bool) -> None:
    root = konjnd[worse]
    (root / "subjective_ratings.csv").write_text("\n".join([HEADER, *KONJND]))
    benchmark = load("konjnd", root, ANY)
    assert len(benchmark.pairs) == 151 and benchmark.opinion_sign == 1
    for stem, (kind, given) in RATINGS.items():
        pairs = benchmark.pairs[benchmark.pairs["reference"] == f"{stem}.png"]
        for number, same in zip(pairs["level"], pairs["opinion"], strict=True):
            saw = [number >= rating if worse else number <= rating for rating in given]
            assert same == 1 - np.mean(saw), (kind, number)
    jpeg = benchmark.pairs[benchmark.pairs["distortion"] == "JPEG"]
    first, last = jpeg["opinion"].iloc[[0, -1]]
    assert (first, last) == ((1.0, 0.0) if worse else (0.0, 1.0))
    sizes = [Path(path).stat().st_size for path in jpeg["distorted_path"]]
    assert float(spearmanr(sizes, jpeg["opinion"]).statistic) > 0  # the larger the file, the more it looked the same


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('SRC0001.png,JPEG,4,0,0,"[34, 34, 51]"', "ratings.csv:2: 4 ratings are expected, found '.34, 34, 51.'"),
        ('SRC0001.png,JPEG,3,0,0,"34, 34, 51"', "ratings.csv:2: ratings are expected as .34, 51., found '34, 34, 51'"),
        ('SRC0001.png,JPEG,2,0,0,"[34, null]"', "ratings.csv:2: 2 ratings are expected"),
        ('SRC0001.png,WEBP,1,0,0,"[34]"', "ratings.csv:2: unknown compression 'WEBP', expected JPEG or BPG"),
        ('SRC0009.png,JPEG,1,0,0,"[34]"', "sizes of the images 001 and 100 of jpeg/, but no source has both"),
    ],
)
def test_ratings_of_konjnd_that_cannot_be_meant(konjnd: Mapping[bool, Path], row: str, said: str) -> None:
    (konjnd[True] / "subjective_ratings.csv").write_text(f"{HEADER}\n{row}\n")
    with pytest.raises(UserError, match=said):
        load("konjnd", konjnd[True], ANY)


# -------------------------------------------------------------------------------------------------------- MCL-JCI


def mcl_jci(root: Path, lines: list[str]) -> None:
    (root / "JND_samples").mkdir()
    (root / "JND_samples" / "JND_image_01.txt").write_text("\n".join(lines) + "\n")
    scatter(root, [f"distorted_image/ImageJND_SRC01/ImageJND_SRC01_{quality:03}.jpg" for quality in range(1, 101)])


def test_mcl_jci_counts_the_steps_down_to_a_quality(tmp_path: Path) -> None:
    people = ["47 30 12", "50, 28", "9"] * 10
    mcl_jci(tmp_path, people)
    benchmark = load("mcl_jci", tmp_path, ANY)
    pairs = benchmark.pairs.set_index("level")
    assert len(pairs) == 99 and benchmark.opinion_sign == -1
    assert set(relative(benchmark, tmp_path, "reference")) == {"distorted_image/ImageJND_SRC01/ImageJND_SRC01_100.jpg"}
    noticed = {99: (0, 0, 0), 50: (0, 1, 0), 47: (1, 1, 0), 29: (2, 1, 0), 28: (2, 2, 0), 12: (3, 2, 0), 9: (3, 2, 1)}
    for quality, steps in noticed.items():
        assert pairs.loc[quality, "opinion"] == pytest.approx(np.mean(steps))
        assert pairs.loc[quality, "opinion_std"] == pytest.approx(np.std(steps * 10, ddof=1))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["47 30"] * 29, "JND_image_01.txt has the answers of 29 people, 30 are expected"),
        (["47 30"] * 31, "JND_image_01.txt has the answers of 31 people, 30 are expected"),
        ([*["47 30"] * 29, "47 x"], "JND_image_01.txt:30: expected JPEG qualities from 0 to 100, found '47 x'"),
        ([*["47 30"] * 29, "101"], "JND_image_01.txt:30: expected JPEG qualities from 0 to 100, found '101'"),
    ],
)
def test_answers_of_mcl_jci_that_cannot_be_meant(tmp_path: Path, lines: list[str], said: str) -> None:
    mcl_jci(tmp_path, lines)
    with pytest.raises(UserError, match=said):
        load("mcl_jci", tmp_path, ANY)


# ----------------------------------------------------------------------------------------------------------- MIDD


@pytest.mark.parametrize(
    ("name", "size", "patches"), [("midd_cap", 496, 0), ("midd_cap_248", 248, 2), ("midd_cap_124", 124, 4)]
)
@pytest.mark.parametrize("saw", [False, True], ids=["saw none", "saw one"])
def test_midd_cap(tmp_path: Path, name: str, size: int, patches: int, saw: bool) -> None:
    """The list has no names; which answer it counts is told by its numbers."""
    photographs = [f"kodak{number}" for number in range(1, 25)]
    stems = [f"{photograph}_{patch}" for photograph in photographs for patch in range(1, patches + 1)] or photographs
    same = {f"{stem}_{quality}": round((quality - 10 + number / 100) / 0.9, 3)
            for number, stem in enumerate(stems) for quality in range(20, 100, 10)}  # fmt: skip
    (tmp_path / "data_vlrate").mkdir()
    text = "\n".join(f"{100 - share if saw else share:.3f}" for share in same.values())
    (tmp_path / "data_vlrate" / f"result_{size}.csv").write_text(text)
    scatter(tmp_path / f"source_image_{size}", [f"{stem}.png" for stem in stems])
    scatter(tmp_path / f"distortion_image_{size}", [f"{image}.png" for image in same])
    benchmark = load(name, tmp_path)
    assert benchmark.is_whole and benchmark.opinion_sign == 1 and set(benchmark.pairs["reference"]) == {
        f"{photograph}.png" for photograph in photographs}  # fmt: skip
    for image, opinion in zip(benchmark.pairs["distorted"], benchmark.pairs["opinion"], strict=True):
        assert opinion == pytest.approx(same[image.removesuffix(".png")] / 100, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda numbers: numbers[1:], "result_496.csv has 191 numbers, 192 are expected"),
        (lambda numbers: ["ratio", *numbers], "result_496.csv has 193 numbers, 192 are expected"),
        (lambda numbers: ["high", *numbers[1:]], "result_496.csv: 'high' is no number"),
        (lambda numbers: ["101", *numbers[1:]], "result_496.csv: percentages are expected, found 101"),
        (lambda numbers: ["50"] * len(numbers), "JPEG qualities 20 and 90 have 50 and 50 % on average"),
    ],
)
def test_lists_of_midd_cap_that_cannot_be_meant(
    tmp_path: Path, change: Callable[[list[str]], list[str]], said: str
) -> None:
    (tmp_path / "data_vlrate").mkdir()
    numbers = [str(quality) for _ in range(24) for quality in range(20, 100, 10)]
    (tmp_path / "data_vlrate" / "result_496.csv").write_text("\n".join(change(numbers)))
    with pytest.raises(UserError, match=said):
        load("midd_cap", tmp_path)


# ------------------------------------------------------------------------------------------------------------ all

MADE: dict[str, tuple[Callable[[Path], None], str]] = {
    "cid22": (cid22, "CID22_validation_set.csv"),
    "aic4": (aic4, "JPEG_AIC_reconstructed_jnd_scores.csv"),
    "upiq": (upiq, "upiq_subjective_scores.csv"),
}


@pytest.mark.parametrize("name", MADE)
def test_a_list_without_one_of_its_columns_is_refused(tmp_path: Path, name: str) -> None:
    make, file = MADE[name]
    make(tmp_path)
    whole = pd.read_csv(tmp_path / file, dtype=str, keep_default_na=False)
    config = load(name, tmp_path, ANY).config
    unread = {"bpp", "RMOS", "Elo", "nb_pc_opinions", "codec", "condition_id", "dataset", "dist_id", "pix_per_deg"}
    for column in set(whole) - unread:
        whole.drop(columns=column).to_csv(tmp_path / file, index=False)
        with pytest.raises(UserError, match=f"{file} has no column {column}"):
            load_benchmark(config)


@pytest.mark.parametrize("name", MADE)
def test_a_row_twice_and_an_image_too_few_are_refused(tmp_path: Path, name: str) -> None:
    make, file = MADE[name]
    make(tmp_path)
    text = (tmp_path / file).read_text()
    (tmp_path / file).write_text(text + text.splitlines()[2] + "\n")
    with pytest.raises(UserError, match="1 opinions are there twice"):
        load(name, tmp_path, ANY)
    (tmp_path / file).write_text(text)
    benchmark = load(name, tmp_path, ANY)
    image = Path(benchmark.pairs["distorted_path"].iloc[-1])
    image.unlink()
    with pytest.raises(UserError, match=f"missing are .*{image.name}"):
        load_benchmark(benchmark.config)


def test_benchmarks_of_the_same_photographs_name_each_other() -> None:
    """Of those that are new here; what an older one says of a new one is not asked."""
    options = {name: read() for name, read in benchmark_options([configuration_folder()]).items()}
    new = [name for name in options if name.startswith(("raid", "midd", "upiq", "cid22", "mucped", "aic"))]
    assert len(new) == 11 - 1
    for name in new:
        for other in options[name].shares_references:
            assert other in options
            assert other not in new or name in options[other].shares_references, (name, other)
