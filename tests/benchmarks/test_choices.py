"""Choices between two images: BAPPS, NIGHTS and tables of one's own, from the disk to the agreement with people."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from iqa_lab.benchmarks import Benchmark, examine, load_benchmark
from iqa_lab.benchmarks.checks import say_left_out
from iqa_lab.errors import UserError
from tests.conftest import Finished, composed, needs_shared

KINDS = ("cnn", "color", "deblur", "frameinterp", "superres", "traditional")
ANSWERS = (0.0, 0.2, 0.6, 1.0)


def load(name: str, path: Path, *overrides: str) -> Benchmark:
    return load_benchmark(composed(f"benchmark={name}", f"benchmark.path={path}", *overrides).benchmark)


@pytest.fixture
def bapps(tmp_path: Path) -> Path:
    """Four triplets of each kind in the official layout."""
    generator = np.random.default_rng(0)
    for kind in KINDS:
        folder = tmp_path / "2afc" / "val" / kind
        for part in ("ref", "p0", "p1", "judge"):
            (folder / part).mkdir(parents=True)
        for number, share in enumerate(ANSWERS):
            for part in ("ref", "p0", "p1"):
                pixels = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / part / f"{number:06}.png")
            np.save(folder / "judge" / f"{number:06}.npy", np.array([share], np.float32))
    return tmp_path


FEW = ["benchmark.expected.pairs=24", "benchmark.expected.references=24"]


def test_bapps(bapps: Path) -> None:
    pairs = load("bapps", bapps, *FEW).pairs
    assert len(pairs) == 48 and set(pairs["distortion"]) == set(KINDS)
    left, right = pairs.iloc[0::2], pairs.iloc[1::2]
    assert right["opinion"].tolist() == list(ANSWERS) * 6  # .6, not .6000000238
    np.testing.assert_allclose(left["opinion"].to_numpy() + right["opinion"].to_numpy(), 1)
    for first, second in zip(left.itertuples(), right.itertuples(), strict=True):
        assert first.reference_path == second.reference_path
        assert Path(first.distorted_path).parent.name == "p0" and Path(second.distorted_path).parent.name == "p1"
        assert Path(first.distorted_path).name == Path(second.distorted_path).name == Path(first.reference_path).name
    with pytest.raises(UserError, match=r"24 pairs \(36344 expected\), 24 references \(36344 expected\)"):
        load("bapps", bapps)


def test_just_noticeable_differences_of_bapps(tmp_path: Path) -> None:
    for kind in ("cnn", "traditional"):
        folder = tmp_path / "jnd" / "val" / kind
        for part in ("p0", "p1", "same"):
            (folder / part).mkdir(parents=True)
        for number, share in enumerate((0, 1 / 3, 1)):
            for part in ("p0", "p1"):
                Image.new("RGB", (8, 8)).save(folder / part / f"{number:06}.png")
            np.save(folder / "same" / f"{number:06}.npy", np.array([share], np.float32))
    few = ["benchmark.expected.references=6", "benchmark.expected.pairs=6"]
    benchmark = load("bapps_jnd", tmp_path, *few)
    assert benchmark.config.protocol == "mos" and benchmark.opinion_sign == 1
    assert benchmark.pairs["opinion"].tolist() == [0, 0.333333, 1] * 2
    paths = benchmark.pairs[["reference_path", "distorted_path"]].map(lambda path: Path(path).parent.name)
    assert (paths["reference_path"] == "p0").all() and (paths["distorted_path"] == "p1").all()


@pytest.fixture
def pieapp(tmp_path: Path) -> Path:
    """Two references in the official layout: names of columns begin with blanks, a reference stands on either side."""
    for reference in ("ref_1", "ref_2"):
        scores = tmp_path / "labels" / "test" / f"{reference}_per_image_score.csv"
        scores.parent.mkdir(parents=True, exist_ok=True)
        names = [f"distort_{reference[4:]}_{kind}.png" for kind in ("blur_inter_0", "blur_intra_1", "a_hue_inter_0")]
        lines = ["ref. image, distorted image, score for distorted image", f"{reference}.png,{reference}.png,0"]
        lines += [f"{reference}.png,{name},{number - 0.5}" for number, name in enumerate(names)]
        scores.write_text("\n".join(lines))
        lines = ["ref. image, distorted image A, distorted image B, preference for A"]
        lines += [f"{reference}.png,{names[0]},{names[1]},0.75", f"{reference}.png,{reference}.png,{names[2]},0.9",
                  f"{reference}.png,{names[0]},{names[2]},0.2", f"{reference}.png,{names[1]},{reference}.png,0.1",
                  f"{reference}.png,{names[1]},{names[2]},0.3"]  # fmt: skip
        scores.with_name(f"{reference}_pairwise_labels.csv").write_text("\n".join(lines))
        for folder, images in {"reference_images/test": [f"{reference}.png"],
                               f"distorted_images/test/{reference}": names}.items():  # fmt: skip
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            for image in images:
                Image.new("RGB", (8, 8)).save(tmp_path / folder / image)
    return tmp_path


PIEAPP = ["benchmark.expected.references=2", "benchmark.expected.pairs=6"]


def test_choices_of_pieapp(pieapp: Path) -> None:
    benchmark = load("pieapp", pieapp, *PIEAPP)
    pairs = benchmark.pairs
    assert pairs["opinion"].tolist() == pytest.approx([0.75, 0.25, 0.2, 0.8, 0.3, 0.7] * 2)
    assert benchmark.is_whole and benchmark.n_copies == 4 and benchmark.config.people == 40
    assert pairs["distortion"].tolist()[::2] == ["blur", "several types", "several types"] * 2
    everything = load("pieapp", pieapp, *PIEAPP, "benchmark.reference_copies=true")
    paths = [str(Path(path).relative_to(pieapp)) for path in everything.pairs["distorted_path"]]
    assert paths[:4] == [
        "distorted_images/test/ref_1/distort_1_blur_inter_0.png",
        "distorted_images/test/ref_1/distort_1_blur_intra_1.png",
        "reference_images/test/ref_1.png", "distorted_images/test/ref_1/distort_1_a_hue_inter_0.png",
    ]  # fmt: skip
    assert len(everything.pairs) == 20 and everything.n_copies == 0 and not everything.is_whole
    assert everything.pairs["distortion"].tolist()[2:10:6] == ["a_hue", "several types"]
    assert len(load("pieapp", pieapp, *PIEAPP, "benchmark.distortions=[blur]").pairs) == 4
    with pytest.raises(UserError, match=r"there are no files \*_pairwise_labels.csv in .*train"):
        load("pieapp", pieapp, "benchmark.opinions=train")


def test_the_training_part_of_pieapp_has_processed_preferences(pieapp: Path) -> None:
    for folder in ("labels", "reference_images", "distorted_images"):
        (pieapp / folder / "test").rename(pieapp / folder / "train")
    for file in (pieapp / "labels" / "train").glob("*_pairwise_labels.csv"):
        header, *lines = file.read_text().splitlines()
        header = header.replace("preference for A", "raw preference for A, processed preference for A")
        file.write_text("\n".join([header, *(line.replace(",0.75", ",0.7,0.6") for line in lines[:1])]))
    options = ["benchmark.opinions=train", "benchmark.expected.references=2", "benchmark.expected.pairs=2"]
    assert load("pieapp", pieapp, *options).pairs["opinion"].tolist() == pytest.approx([0.6, 0.4] * 2)


def test_scores_of_pieapp_are_errors(pieapp: Path) -> None:
    benchmark = load("pieapp_scores", pieapp, *PIEAPP)
    assert benchmark.is_whole and benchmark.n_copies == 2
    assert benchmark.opinion_sign == -1 and sorted(benchmark.pairs["opinion"]) == sorted([-0.5, 0.5, 1.5] * 2)
    assert benchmark.pairs["distorted"].tolist()[0] == "ref_1/distort_1_a_hue_inter_0.png"
    assert benchmark.pairs["distortion"].tolist() == ["a_hue", "blur", "blur"] * 2


def few_of(*kinds: str) -> list[str]:
    return [*FEW, "benchmark.allow_missing=true", f"benchmark.distortions=[{','.join(kinds)}]"]


def test_opinions_that_lie_in_files_of_their_own_may_be_missing_where_that_is_allowed(bapps: Path) -> None:
    """One kind of BAPPS downloaded: refused with what to say, scored when it is said, counted after the filter."""
    for kind in KINDS[1:]:
        shutil.rmtree(bapps / "2afc" / "val" / kind)
    said = (
        r"4 pairs \(24 expected\), 4 references \(24 expected\), 1 distortions \(6 expected\); benchmark.allow_missing"
    )
    for asked in ([], ["benchmark.distortions=[cnn]"]):
        with pytest.raises(UserError, match=said):
            load("bapps", bapps, *FEW, *asked)
    partial = load("bapps", bapps, *FEW, "benchmark.allow_missing=true")
    assert (len(partial.pairs), partial.n_expected, partial.n_unlisted) == (8, 48, 20)
    filtered = load("bapps", bapps, *few_of("cnn"))
    assert (len(filtered.pairs), filtered.n_expected, filtered.n_unlisted) == (8, 8, 20)
    with pytest.raises(UserError, match="has no color; choose from cnn"):
        load("bapps", bapps, *few_of("color"))
    with pytest.raises(UserError, match=r"4 pairs \(3 expected\)"):  # more than a complete copy has is never right
        load("bapps", bapps, "benchmark.expected.pairs=3", "benchmark.allow_missing=true")


@pytest.mark.parametrize("name", ["pieapp", "pieapp_scores"])
def test_lists_of_references_may_be_missing_but_not_cut_short(pieapp: Path, name: str) -> None:
    whole = ["benchmark.expected.references=4", "benchmark.expected.pairs=12"]
    with pytest.raises(
        UserError, match=r"6 pairs \(12 expected\), 2 references \(4 expected\); benchmark.allow_missing"
    ):
        load(name, pieapp, *whole)
    partial = load(name, pieapp, *whole, "benchmark.allow_missing=true")
    rows = 2 if name == "pieapp" else 1
    assert (len(partial.pairs), partial.n_expected, partial.n_unlisted) == (6 * rows, 12 * rows, 6)
    ending = "pairwise_labels" if name == "pieapp" else "per_image_score"
    file = pieapp / "labels" / "test" / f"ref_2_{ending}.csv"
    file.write_text("\n".join(file.read_text().splitlines()[:-1]))
    with pytest.raises(UserError, match="the list of opinions of ref_2.png has 2 of 3"):
        load(name, pieapp, *whole, "benchmark.allow_missing=true")


def test_one_list_of_all_opinions_is_whole_or_refused(tmp_path: Path) -> None:
    for name in ("r.png", "d.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    (tmp_path / "t.csv").write_text("reference,distorted,opinion\nr.png,d.png,1\n")
    with pytest.raises(UserError, match=r"1 pairs \(2 expected\)$"):
        load("table", tmp_path / "t.csv", "benchmark.expected.pairs=2", "benchmark.allow_missing=true")


SIDES = {
    "left": ("r.png,r.png,a.png,0", "r.png,a.png,b.png,.25"),
    "right": ("r.png,a.png,r.png,1", "r.png,a.png,b.png,.25"),
    "another path": ("r.png,./r.png,a.png,0", "r.png,a.png,b.png,.25"),
    "another case": ("r.png,R.PNG,a.png,0", "r.png,a.png,b.png,.25"),
    "missing": ("lost.png,lost.png,a.png,0", "r.png,a.png,b.png,.25"),
    "votes": ("r.png,r.png,a.png,0\nr.png,r.png,a.png,1", "r.png,a.png,b.png,.25\nr.png,b.png,a.png,.75"),
}


@pytest.mark.parametrize("sides", SIDES)
def test_a_triplet_that_shows_the_reference_asks_nothing(
    tmp_path: Path, sides: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Such as the sanity trials of CLIC: no metric can fail them, and every agreement would be higher for them."""
    for name, grey in {"r.png": 0, "a.png": 20, "b.png": 40, "copy.png": 0}.items():
        Image.new("RGB", (8, 8), (grey, grey, grey)).save(tmp_path / name)
    (tmp_path / "t.csv").write_text("reference,left,right,preference\n" + "\n".join(SIDES[sides]) + "\n")
    choices = ["benchmark.protocol=2afc", f"benchmark.votes={sides == 'votes'}"]
    benchmark = examine(load("table", tmp_path / "t.csv", *choices))
    assert benchmark.pairs["opinion"].tolist() == [0.75, 0.25] and benchmark.n_expected == 2
    assert benchmark.n_copies == (2 if sides == "votes" else 1)
    assert benchmark.config.people == (2 if sides == "votes" else None)
    say_left_out(benchmark)
    assert "compare a reference with itself" in capfd.readouterr().err
    if sides != "missing":
        asked = examine(load("table", tmp_path / "t.csv", *choices, "benchmark.reference_copies=true"))
        assert len(asked.pairs) == 4 and asked.n_copies == 0 and asked.n_identical == 1


def test_a_table_of_nothing_but_references_is_refused_and_so_is_a_wrong_share_among_them(tmp_path: Path) -> None:
    for name in ("r.png", "a.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    (tmp_path / "t.csv").write_text("reference,left,right,preference\nr.png,r.png,a.png,0\n")
    with pytest.raises(UserError, match="every opinion is of a reference and itself"):
        load("table", tmp_path / "t.csv", "benchmark.protocol=2afc")
    (tmp_path / "t.csv").write_text("reference,left,right,preference\nr.png,r.png,a.png,7\n")
    with pytest.raises(UserError, match="outside of 0 to 1"):
        load("table", tmp_path / "t.csv", "benchmark.protocol=2afc", "benchmark.reference_copies=true")


def test_what_is_said_of_identical_pixels_can_be_done_for_choices_too(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A copy of a reference under another name, say of a lossless codec: counted, and its triplet left out if asked."""
    for name, grey in {"r.png": 0, "a.png": 20, "b.png": 40, "copy.png": 0}.items():
        Image.new("RGB", (8, 8), (grey, grey, grey)).save(tmp_path / name)
    lines = ["reference,left,right,preference", "r.png,a.png,copy.png,1", "r.png,a.png,b.png,.25"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    told = examine(load("table", tmp_path / "t.csv", "benchmark.protocol=2afc"))
    assert told.n_identical == 1 and len(told.pairs) == 4
    say_left_out(told)
    assert "benchmark.exclude_identical=true leaves their triplets out" in capfd.readouterr().err
    out = examine(load("table", tmp_path / "t.csv", "benchmark.protocol=2afc", "benchmark.exclude_identical=true"))
    assert out.pairs["opinion"].tolist() == [0.75, 0.25] and (out.n_expected, out.n_identical) == (2, 1)
    (tmp_path / "t.csv").write_text("\n".join(lines[:2]))
    with pytest.raises(UserError, match="exclude_identical leaves no pair"):
        examine(load("table", tmp_path / "t.csv", "benchmark.protocol=2afc", "benchmark.exclude_identical=true"))


def test_a_triplet_is_there_with_all_of_its_images(bapps: Path) -> None:
    (bapps / "2afc" / "val" / "color" / "p1" / "000002.png").unlink()
    with pytest.raises(UserError, match="46 of 48 pairs are there, missing are color/p1/000002.png"):
        load("bapps", bapps, *FEW)
    partial = load("bapps", bapps, *FEW, "benchmark.allow_missing=true")
    assert (len(partial.pairs), partial.n_expected) == (46, 48)
    (bapps / "2afc" / "val" / "color" / "judge" / "000001.npy").write_bytes(b"no array")
    with pytest.raises(UserError, match="000001.npy is damaged"):
        load("bapps", bapps, *FEW)


def test_nights(tmp_path: Path) -> None:
    lines = ["id,left_vote,right_vote,votes,ref_path,left_path,right_path,prompt,split,is_imagenet"]
    names = set()
    for number in range(8):
        images = [f"ref/000/{number:03}.png", f"distort/000/{number:03}_0.png", f"distort/000/{number:03}_1.png"]
        names.update(images)
        votes, split = (5, "test") if number == 0 else (7, "train") if number == 1 else (6 + number % 2, "test")
        right = number % 2
        row = [number, 1 - right, right, votes, *images, "a cat, a hat", split, number > 4]
        lines.append(",".join(f'"{value}"' if "," in str(value) else str(value) for value in row))
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    (tmp_path / "data.csv").write_text("\n".join(lines))
    benchmark = load("nights", tmp_path)
    pairs = benchmark.pairs
    assert benchmark.config.people == [6, 7] and load("nights", tmp_path, "benchmark.people=9").config.people == 9
    assert len(pairs) == 12  # neither five votes nor the training part
    assert pairs["opinion"].iloc[1::2].tolist() == [0, 1, 0, 1, 0, 1]
    assert pairs["distortion"].iloc[::2].tolist() == ["no_imagenet"] * 3 + ["imagenet"] * 3


def test_a_run_gives_the_agreement_that_one_computes_by_hand(
    bapps: Path, iqa_lab: Callable[..., Finished], tmp_path: Path
) -> None:
    command = ["goal=untrained", "dataset=none", "architecture=alexnet", "layers=[0]", "benchmark=bapps", *FEW,
               f"benchmark.path={bapps}", "readout=[plain,mean]"]  # fmt: skip
    done = iqa_lab("run", *command)
    assert done.code == 0, done.err
    assert "24 of 24 triplets, 24 references" in done.out and "agreement [95 %]" in done.out
    assert "A metric can reach 0.850 (always with the majority); two people agree 0.750" in done.out
    (folder,) = [path.parent for path in Path("results").glob("bapps/*/*/result.json")]
    table = pd.read_csv(folder / "correlations.csv").set_index(["layer", "readout"])
    assert "srcc" not in table and set(table["n"]) == {24}
    scores = pd.read_parquet(folder / "scores.parquet")
    assert list(scores.columns[:5]) == ["reference", "distorted", "distortion", "level", "opinion"]
    for (layer, readout), row in table.iterrows():
        distances = scores[f"{readout}@{layer}"].to_numpy()
        agreed = []
        for left, right, chose_right in zip(distances[::2], distances[1::2], scores["opinion"][1::2], strict=True):
            agreed.append(0.5 if left == right else chose_right if right < left else 1 - chose_right)
        assert row["agreement"] == pytest.approx(np.mean(agreed), abs=1e-12)
        assert row["agreement_low"] <= row["agreement"] <= row["agreement_high"]
        kinds = scores["distortion"][::2].to_numpy()
        assert row["agreement_color"] == pytest.approx(np.mean(np.array(agreed)[kinds == "color"]), abs=1e-12)
    again = iqa_lab("run", *command)
    assert again.code == 0 and "Nothing to do" in again.out
    refused = iqa_lab("run", *command, "readout=[tuned]")
    assert refused.code == 2 and "tuned fits opinions of images, but bapps has choices" in refused.error_line


def test_a_table_of_choices_and_a_real_triplet(tmp_path: Path, iqa_lab: Callable[..., Finished]) -> None:
    folder = needs_shared("data", "formats", "lpips_example")
    for name in ("ex_ref.png", "ex_p0.png", "ex_p1.png"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "triplets.csv").write_text("reference,left,right,preference\nex_ref.png,ex_p0.png,ex_p1.png,1\n")
    table = ["benchmark=table", "benchmark.protocol=2afc", f"benchmark.path={tmp_path / 'triplets.csv'}"]
    done = iqa_lab("run", "goal=baseline", "dataset=none", "architecture=rmse", *table, "tracker=none")
    assert done.code == 0, done.err
    (result,) = Path("results").glob("table/*/*/result.json")
    scores = pd.read_parquet(result.parent / "scores.parquet")
    # the squared errors that the sample's description gives; people and LPIPS prefer the other image
    np.testing.assert_allclose(scores["plain@pixels"] ** 2 / 3, [1019.8, 2668.9], rtol=1e-4)
    assert pd.read_csv(result.parent / "correlations.csv")["agreement"].tolist() == [0.0, 0.0]
    wrong = iqa_lab("run", "goal=baseline", "dataset=none", "architecture=rmse", *table[:1], table[2])
    assert wrong.code == 2 and "has no column distorted: it has" in wrong.error_line
    unknown = iqa_lab("run", "goal=baseline", "dataset=none", "architecture=rmse", *table, "benchmark.protocol=3afc")
    known = "benchmark.protocol=3afc: choose 2afc, mos, quadruples or thresholds"
    assert unknown.code == 2 and known in unknown.error_line
