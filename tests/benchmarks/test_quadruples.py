"""Which of two pairs of images differs more: RAID's answers, from the disk to the agreement with people."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from iqa_lab.benchmarks import Benchmark
from iqa_lab.benchmarks.benchmark import two_rows_a_triplet
from iqa_lab.errors import UserError
from iqa_lab.scoring.batches import distinct
from iqa_lab.statistics.correlation.choices import agreement, ceilings, two_afc
from tests.benchmarks.test_databases import load, scatter
from tests.conftest import Finished, needs_shared, noisy, picture
from tests.report.made import without_drawing

KINDS = {"rotation": "rot", "translation": "trans", "scale": "scale", "gaussian_noise": "gn"}
LEVELS = ["distortion_level_11", "distortion_level_12", "distortion_level_21", "distortion_level_22"]
HEADER = f"gender,age_group,transformation,image_id_01,{','.join(LEVELS)},reaction_time_ms,answer"


@pytest.fixture(scope="module")
def raid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RAID with its real answers and responses; all of its images are one tiny image."""
    root = tmp_path_factory.mktemp("raid")
    for name in ("answers.csv", "responses.csv"):
        (root / name).write_bytes(needs_shared("data", "labels", "raid", name).read_bytes())
    pictures = [f"img_{number:02}" for number in range(1, 25)]
    levels = [f"{name}_level_{level:02}" for name in pictures for level in range(1, 11)]
    names = [f"{kind}_{level}" for kind in KINDS.values() for level in levels]
    scatter(root, [f"imagenes_bd/{name}.png" for name in [*pictures, *names]])
    return root


@pytest.fixture(scope="module")
def asked(raid: Path) -> Benchmark:
    """Its quadruples."""
    return load("raid_quadruples", raid)


def test_the_responses_of_raid(raid: Path) -> None:
    benchmark = load("raid", raid)
    assert len(benchmark.pairs) == 864 and benchmark.opinion_sign == -1
    assert set(benchmark.pairs["level"]) == set(range(2, 11)) and set(benchmark.pairs["distortion"]) == set(KINDS)
    assert {Path(path).parent.name for path in benchmark.pairs["reference_path"]} == {"imagenes_bd"}
    everything = load("raid", raid, "benchmark.reference_copies=true").pairs
    assert len(everything) == 960 and (everything.loc[everything["level"] == 1, "opinion"] == 0).all()
    real = pd.read_csv(raid / "responses.csv").set_index("Distorted")["Response"]
    assert (everything.set_index("distorted")["opinion"] == real.reindex(everything["distorted"])).all()


def test_the_answers_of_raid_are_what_one_counts_by_hand(raid: Path, asked: Benchmark) -> None:
    """Against the raw answers, counted without any of the program's functions."""
    right = asked.pairs.iloc[1::2]
    assert (
        asked.is_whole
        and len(asked.pairs) == 40320
        and asked.config.people == 2
        and asked.pairs["reference"].nunique() == 24
    )
    answers = pd.read_csv(raid / "answers.csv")
    assert len(answers) == 40320
    levels = answers[LEVELS].to_numpy()
    pairs = np.sort(levels.reshape(-1, 2, 2), axis=2)  # the lower level first
    swapped = pairs[:, 0, 0] > pairs[:, 1, 0]  # and the pair of lower levels, which never overlap
    pairs[swapped] = pairs[swapped][:, ::-1]
    lower_differs_more = (answers["answer"] == 1) ^ swapped
    keys = pd.DataFrame(pairs.reshape(-1, 4)).assign(kind=answers["transformation"], picture=answers["image_id_01"])
    counted = lower_differs_more.groupby([keys[name] for name in keys]).agg(["mean", "size"])
    assert len(counted) == 20160 and (counted["size"] == 2).all()
    both_say = counted["mean"].isin([0, 1]).mean()
    limits = ceilings(right["opinion"], people=2)
    assert limits.person == pytest.approx(both_say, abs=1e-12)
    assert limits.majority == pytest.approx(both_say + 0.5 * (1 - both_say), abs=1e-12)
    # the number of levels between two images as a distance
    steps = np.abs(levels[:, [0, 2]] - levels[:, [1, 3]])
    by_hand = np.where(steps[:, 0] == steps[:, 1], 0.5, (steps[:, 0] > steps[:, 1]) == (answers["answer"] == 1))
    ends = asked.pairs["distorted"].str.extract(r"level_(\d\d)\.png and .*level_(\d\d)\.png").astype(int)
    between = (ends[1] - ends[0]).to_numpy()
    assert (between > 0).all()
    found = two_afc(between[0::2], between[1::2], right["opinion"])
    assert float(found) == pytest.approx(by_hand.mean(), abs=1e-12)
    assert float(found) == pytest.approx(0.762 * 0.726 + 0.238 * 0.5, abs=1e-3)  # as somebody else counted


def test_a_pair_is_scored_once_however_many_questions_ask_about_it(asked: Benchmark) -> None:
    pairs = asked.pairs
    once, places = distinct(pairs)
    paths = ["reference_path", "distorted_path"]
    assert (len(pairs), len(once)) == (40320, 3936)  # 41 pairs of levels of 24 pictures in 4 distortions
    assert once.loc[places, paths].reset_index(drop=True).equals(pairs[paths])
    same, places = distinct(once)
    assert same[paths].equals(once[paths]) and places.tolist() == list(range(len(once)))


def test_a_choice_between_two_images_is_a_question_about_two_pairs_of_one_reference() -> None:
    """2AFC is the special case in which both pairs begin with the reference: the same rows, the same agreement."""
    choices = pd.DataFrame(
        {"reference": "r", "left": ["a", "b"], "right": ["c", "d"], "preference": [0.2, 1.0], "distortion": "",
         "left_file": ["a", "b"], "right_file": ["c", "d"]}
    )  # fmt: skip
    triplets = two_rows_a_triplet(choices.assign(reference_file="r"))
    quadruples = two_rows_a_triplet(choices.assign(left_reference_file="r", right_reference_file="r"))
    columns = ["reference", "distorted", "distortion", "level", "opinion", "reference_file", "distorted_file"]
    assert triplets[columns].equals(quadruples[columns])
    assert agreement([1, 2], [2, 1], choices["preference"]).tolist() == [0.8, 1.0]


def made(root: Path, lines: list[str]) -> Benchmark:
    (root / "answers.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    return load("raid_quadruples", root, *FEW)


FEW = ["benchmark.expected={references: null, pairs: null, distortions: null}", "benchmark.people=null"]


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures with nine levels of noise in RAID's layout; level 1 is the picture itself."""
    root = tmp_path_factory.mktemp("noise")
    (root / "imagenes_bd").mkdir()
    for number in range(1, 7):
        image = picture(number, 40, 48)
        for level in range(1, 11):
            made_image = noisy(image, 100 * number + level, 6.0 * (level - 1)) if level > 1 else image
            Image.fromarray(made_image).save(root / "imagenes_bd" / f"gn_img_{number:02}_level_{level:02}.png")
    return root


def test_votes_are_one_question_whichever_side_and_whichever_way_round(noise: Path) -> None:
    """The pair 1-2 against 4-9: three say that 4-9 differs more, one that 1-2 does, on four different displays."""
    lines = ["man,18-30,gaussian_noise,1,1,2,4,9,900,2", "woman,18-30,gaussian_noise,1,9,4,2,1,900,1",
             "man,18-30,gaussian_noise,1,4,9,1,2,900,1", "man,18-30,gaussian_noise,1,2,1,9,4,900,1",
             "man,18-30,gaussian_noise,2,1,3,4,5,900,1"]  # fmt: skip
    pairs = made(noise, lines).pairs
    assert len(pairs) == 4
    differed_less = dict(zip(pairs["distorted"], pairs["opinion"], strict=True))
    assert differed_less["gn_img_01_level_01.png and gn_img_01_level_02.png"] == 0.75
    assert differed_less["gn_img_01_level_04.png and gn_img_01_level_09.png"] == 0.25
    assert differed_less["gn_img_02_level_01.png and gn_img_02_level_03.png"] == 0
    assert pairs["reference"].tolist() == ["img_01.png"] * 2 + ["img_02.png"] * 2


def test_a_pair_that_is_one_image_twice_asks_nothing(noise: Path) -> None:
    """Its distance is 0 whatever the metric, so that whoever differs more is known beforehand."""
    lines = ["man,18-30,gaussian_noise,1,2,2,4,9,900,2", "man,18-30,gaussian_noise,2,1,3,4,5,900,1"]
    benchmark = made(noise, lines)
    assert benchmark.n_copies == 1 and benchmark.pairs["reference"].unique().tolist() == ["img_02.png"]
    settings = [*FEW, "benchmark.reference_copies=true"]
    assert len(load("raid_quadruples", noise, *settings).pairs) == 4


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("man,18-30,shear,1,1,2,4,9,900,2", "answers.csv:2: unknown transformation 'shear', expected rotation"),
        ("man,18-30,rotation,1,1,2,4,11,900,2", r"answers.csv:2: distortion_level_22 is '11', expected .* 1 to 10"),
        ("man,18-30,rotation,1,1,2,4,9,900,3", "answers.csv:2: answer is '3', expected a number from 1 to 2"),
        ("man,18-30,rotation,1,1,2,4,9,900,", "answers.csv:2: answer is '', expected a number from 1 to 2"),
        ("man,18-30,rotation,x,1,2,4,9,900,1", "image_id_01 are no numbers: rotation"),
        ("man,18-30,rotation,1,1,2,4,9,900", "answers.csv:2: 9 fields, but the header names 10"),
    ],
)
def test_answers_that_cannot_be_meant(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        made(tmp_path, [line])


def test_two_images_of_one_name_are_refused(noise: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        scatter(tmp_path / folder, [f"gn_img_01_level_{level:02}.png" for level in range(1, 11)])
    with pytest.raises(UserError, match=r"a/gn_img_01_level_01.png, b/gn_img_01_level_01.png all answer to the name"):
        made(tmp_path, ["man,18-30,gaussian_noise,1,1,2,4,9,900,2"])


def test_a_run_on_quadruples_and_its_report(
    noise: Path, iqa_lab: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_drawing(monkeypatch)  # tests/report draws what is chosen between images
    rng = np.random.default_rng(3)
    fours = list(combinations(range(1, 11), 4))
    lines = [
        f"man,18-30,gaussian_noise,{number},{','.join(map(str, fours[chosen]))},900,{answer}"
        for number in range(1, 7)
        for chosen in rng.choice(len(fours), 6, replace=False)
        for answer in rng.integers(1, 3, 2)
    ]
    made(noise, lines)
    command = ["goal=baseline", "dataset=none", "architecture=rmse", "benchmark=raid_quadruples", *FEW, "tracker=none",
               f"benchmark.path={noise}"]  # fmt: skip
    done = iqa_lab("run", *command)
    assert done.code == 0, done.err
    assert "quadruples, 6 references" in done.out
    assert "agreement: share of people to whom the pair with the larger distance differed more" in done.out
    (folder,) = [path.parent for path in Path("results").glob("raid_quadruples/*/*/result.json")]
    table = pd.read_csv(folder / "correlations.csv")
    agreed = []
    for line in lines:  # one answer at a time, from the images
        _, _, _, number, *levels, _, answer = line.split(",")
        images = [
            np.asarray(Image.open(noise / f"imagenes_bd/gn_img_{int(number):02}_level_{int(level):02}.png"), float)
            for level in levels
        ]
        first, second = (np.sqrt(np.mean((a - b) ** 2)) for a, b in (images[:2], images[2:]))
        agreed.append(0.5 if first == second else float((first > second) == (answer == "1")))
    assert len(pd.read_parquet(folder / "scores.parquet")) == 72 and (table["n"] == 36).all()
    assert table["agreement"].to_numpy() == pytest.approx(np.mean(agreed), abs=1e-12)
    assert "Nothing to do" in iqa_lab("run", *command).out
    report = iqa_lab("report", "results", "--out", "page")
    assert report.code == 0, report.err


QUESTIONS = "reference,left_reference,left,right_reference,right,preference\ncat,a.png,b.png,c.png,d.png,{}\n"


def test_a_table_of_quadruples(tmp_path: Path) -> None:
    scatter(tmp_path / "versions", [f"{name}.png" for name in "abcd"])
    table = tmp_path / "questions.csv"
    table.write_text(QUESTIONS.format(0.25))
    settings = ["benchmark.protocol=quadruples", "benchmark.distorted_root=versions"]
    pairs = load("table", table, *settings).pairs
    assert pairs["opinion"].tolist() == [0.75, 0.25] and pairs["reference"].tolist() == ["cat", "cat"]
    assert pairs["distorted"].tolist() == ["a.png and b.png", "c.png and d.png"]
    images = pairs[["reference_path", "distorted_path"]].map(lambda path: Path(path).name)
    assert images.to_numpy().tolist() == [["a.png", "b.png"], ["c.png", "d.png"]]
    # the same question the other way round is another person's answer to it
    table.write_text(QUESTIONS.format(1) + "cat,c.png,d.png,a.png,b.png,1\n")
    with pytest.raises(UserError, match="1 opinions are there twice"):
        load("table", table, *settings)
    votes = load("table", table, *settings, "benchmark.votes=true")
    assert votes.pairs["opinion"].tolist() == [0.5, 0.5] and votes.config.people == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("left_reference,", "first,"), "has no column left_reference: it has"),
        (("cat,", ","), "row 1 names no image"),
        (("c.png", ""), "row 1 names no image"),
        (("c.png", "x.png"), r"0 of 2 pairs are there, missing are .*x\.png"),
        ((",0.5", ",2"), "1 opinions outside of 0 to 1: c.png and d.png"),
    ],
)
def test_tables_of_quadruples_that_cannot_be_meant(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    scatter(tmp_path, [f"{name}.png" for name in "abcd"])
    (tmp_path / "questions.csv").write_text(QUESTIONS.format(0.5).replace(*change))
    with pytest.raises(UserError, match=said):
        load("table", tmp_path / "questions.csv", "benchmark.protocol=quadruples")
