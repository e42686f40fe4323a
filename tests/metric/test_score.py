"""``iqa-lab score``: the numbers of the pass, tables that go on where they ended, and opinions with their interval."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iqa_lab.metric.evaluated import Evaluated
from iqa_lab.statistics.intervals.predicted import opinion_curve
from tests.conftest import Finished
from tests.metric.conftest import WORDS, close

Command = Callable[..., Finished]
LPIPS = [*WORDS[:3], "layers=[features.4]", "readout=lpips"]


def test_two_images_make_a_table(iqa_lab: Command, rated: Path, evaluated: Evaluated) -> None:
    names = ["r0.png", "r0_0.png", "r0_2.png"]
    done = iqa_lab("score", *(str(rated / name) for name in names), *LPIPS, "--csv")
    assert done.code == 0, done.err
    expected = evaluated.scores.set_index("distorted").loc[names[1:], "lpips@features.4"]
    from io import StringIO

    assert close(pd.read_csv(StringIO(done.out))["lpips@features.4"], expected)
    shown = iqa_lab("score", *(str(rated / name) for name in names), *LPIPS)
    assert "lpips@features.4" in shown.out and "r0_2.png" in shown.out


def test_a_table_is_continued_by_the_same_metric_only(
    iqa_lab: Command, rated: Path, evaluated: Evaluated, tmp_path: Path
) -> None:
    pairs, out = rated / "pairs.csv", tmp_path / "scores.csv"
    column = f"{evaluated.folder}:lpips@features.4"
    done = iqa_lab("score", str(pairs), "--out", str(out), "--metric", column)
    assert done.code == 0, done.err
    whole = out.read_text()
    table = pd.read_csv(out)
    stored = evaluated.scores.set_index("distorted")["lpips@features.4"]
    assert close(table["lpips@features.4"], stored.loc[[Path(path).name for path in table["distorted"]]])
    # killed in the middle of a line
    out.write_text(whole[: len(whole) // 2])
    again = iqa_lab("score", str(pairs), "--out", str(out), "--metric", column)
    assert again.code == 0 and "are in" in again.err
    assert close(pd.read_csv(out)["lpips@features.4"], table["lpips@features.4"])
    first = f"{evaluated.folder}:lpips@features.1"
    other = iqa_lab("score", str(pairs), "--out", str(out), "--metric", first)
    assert other.code == 2 and "is another table" in other.error_line
    out.write_text(whole.replace("lpips@features.4", "lpips@features.1"))
    mixed = iqa_lab("score", str(pairs), "--out", str(out), "--metric", first)
    assert "made by another metric" in mixed.error_line


def test_an_image_that_changed_is_scored_anew(iqa_lab: Command, rated: Path, tmp_path: Path) -> None:
    import shutil

    for name in ("r0.png", "r0_0.png", "r0_2.png"):
        shutil.copy(rated / name, tmp_path / name)
    (tmp_path / "pairs.csv").write_text("reference,distorted\nr0.png,r0_0.png\nr0.png,r0_2.png\n")
    command = ["score", "pairs.csv", "--out", "scores.csv", *LPIPS]
    assert iqa_lab(*command).code == 0
    first = pd.read_csv("scores.csv")["lpips@features.4"]
    shutil.copy(rated / "r0_2.png", tmp_path / "r0_0.png")
    done = iqa_lab(*command)
    second = pd.read_csv("scores.csv")["lpips@features.4"]
    assert "1 of 2 pairs are in" in done.err and second[0] == second[1] == first[1] != first[0]


def test_what_fails_is_one_line_and_the_others_go_on(iqa_lab: Command, rated: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    rows = [(rated / "r0.png", rated / f"r0_{level}.png") for level in range(3)]
    others = [tmp_path / "broken.png", tmp_path / "none.png", rated / "r1_1.png"]
    rows += [(rated / "r1.png", path) for path in others]
    pd.DataFrame(rows, columns=["reference", "distorted"]).to_csv("pairs.csv", index=False)
    done = iqa_lab("score", "pairs.csv", "--out", "scores.csv", *LPIPS)
    assert done.code == 1 and "2 of 6 pairs were not scored" in done.error_line
    assert sum("broken.png" in line for line in done.err.splitlines()) == 1
    table = pd.read_csv("scores.csv")
    assert table["lpips@features.4"].notna().tolist() == [True, True, True, False, False, True]
    assert "damaged" in table["error"][3] and "no such image" in table["error"][4]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.png"], "give a reference and distorted images"),
        (["nothing.csv"], "there is no such file"),
        (["a.png", "b.png", "--metric", "none.safetensors"], "none.safetensors: there is no such file"),
        (["a.png", "b.png", "--metric", "none.safetensors", "readout=lpips"], "leave out readout=lpips"),
        (["a.png", "b.png"], "which network"),
        (["a.png", "b.png", "architecture=alexnett"], "architecture has no option alexnett; choose from alexnet"),
        (["a.png", "b.png", "--reference-folder", "x"], "give --reference-folder and --distorted-folder together"),
        (["a.png", "b.png", "--nonsense"], "iqa-lab score has no --nonsense"),
        (["--reference-folder", "x", "--distorted-folder", "y"], "x: there is no such folder"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line(iqa_lab: Command, arguments: list[str], said: str) -> None:
    done = iqa_lab("score", *arguments)
    assert done.code == 2 and said in done.error_line


def test_folders_are_joined_by_name(iqa_lab: Command, rated: Path, tmp_path: Path) -> None:
    from PIL import Image

    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    for number in range(2):
        Image.open(rated / f"r{number}.png").save(tmp_path / "a" / f"{number}.png")
        Image.open(rated / f"r{number}_1.png").save(tmp_path / "b" / f"{number}.bmp")
    folders = ["--reference-folder", "a", "--distorted-folder", "b"]
    done = iqa_lab("score", *folders, *LPIPS, "--csv")
    assert done.code == 0 and done.out.count(".bmp") == 2
    (tmp_path / "a" / "1.png").unlink()
    assert "no one image of the name of 1.bmp" in iqa_lab("score", *folders, *LPIPS).error_line


def test_opinions_are_predicted_by_the_results_own_logistic(
    iqa_lab: Command, rated: Path, evaluated: Evaluated
) -> None:
    from io import StringIO

    column = f"{evaluated.folder}:lpips@features.4"
    images = [str(rated / name) for name in ("r0.png", "r0_0.png", "r0_2.png")]
    done = iqa_lab("score", *images, "--metric", column, "--opinion-of", str(evaluated.folder), "--csv")
    assert done.code == 0, done.err
    assert "predicted on the scale of table" in done.err and "95 % of the opinions" in done.err
    table = pd.read_csv(StringIO(done.out))
    assert table["opinion"][0] > table["opinion"][1]
    scores = evaluated.scores
    curve = opinion_curve(scores["lpips@features.4"], scores["opinion"], scores["reference"])
    assert curve is not None
    predicted, low, high, _ = curve.predict(table["lpips@features.4"])
    assert close(table[["opinion", "opinion_low", "opinion_high"]], np.stack([predicted, low, high], 1))
    words, of = [*WORDS[:2], "readout=lpips"], ["--opinion-of", str(evaluated.folder)]
    other = iqa_lab("score", *images, *words, "architecture=alexnet", "layers=[features.4]", *of)
    assert "is of another network" in other.error_line
    same = iqa_lab("score", *images, *words, "architecture=squeezenet1_1", "layers=[features.7]", *of)
    assert "has no column lpips@features.7" in same.error_line
