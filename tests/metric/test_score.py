"""``iqa-lab score``: the numbers of the pass, tables that go on where they ended, and opinions with their interval."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from iqa_lab.cli.score import _pairs as pairs_asked
from iqa_lab.errors import UserError
from iqa_lab.metric.evaluated import Evaluated
from iqa_lab.metric.growing import GrowingTable, files_digest, row_digest
from iqa_lab.metric.load import load_metric
from iqa_lab.metric.opinion import Opinions, opinions_of
from iqa_lab.statistics.intervals.predicted import opinion_curve
from tests.conftest import Finished, composed
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
        (["pairs.csv", "a.png"], "pairs.csv is a table of pairs: give it alone"),
        (["a.png", "b.png", "--batch-size", "0"], "--batch-size"),
        (["a.png", "b.png", "--workers", "-1"], "--workers"),
        (["a.png", "b.png", "--out", "scores.xlsx"], "ends with .csv"),
        (["a.png", "b.png", "--metric", "."], ". holds no result.json; give the folder of one result"),
        (["a.png", "b.png", "--metric", "nowhere"], "nowhere: there is no such folder"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line(iqa_lab: Command, arguments: list[str], said: str) -> None:
    done = iqa_lab("score", *arguments)
    assert done.code == 2 and said in done.error_line


PAIRS = {
    "semicolons": b"reference;distorted\nr0.png;r0_0.png\n",
    "tabs, blank lines, blanks": b"reference\tdistorted\n\n r0.png \t r0_0.png\n\n",
    "a byte order mark": b"\xef\xbb\xbfreference,distorted\r\nr0.png,r0_0.png\r\n",
    "UTF-16": "reference,distorted\nr0.png,r0_0.png\n".encode("utf-16"),
    "more columns": b'opinion,distorted,reference\n"3,5",r0_0.png,r0.png\n',
    "twice": b"reference,distorted\nr0.png,r0_0.png\nr0.png,r0_0.png\n",
}
WRONG = {
    "no column": (b"ref,distorted\na,b\n", "has no column reference: its columns are ref, distorted"),
    "no rows": (b"reference,distorted\n", "has no rows"),
    "nothing": (b"", "it is empty"),
    "an empty field": (b"reference,distorted\nr0.png,\n", "line 2 names no image"),
    "a short line": (b"reference,distorted\nr0.png\n", "pairs.csv:2"),
    "a column twice": (b"reference,distorted,distorted\na,b,c\n", "has the column distorted twice"),
    "another encoding": (b"reference,distorted\n\xe9.png,b\n", "no text in UTF-8"),
    "a spreadsheet": (b"PK\3\4", "a spreadsheet or an archive"),
}


@pytest.mark.parametrize("case", PAIRS)
def test_tables_are_read_as_those_of_a_run(case: str, rated: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_bytes(PAIRS[case])
    table = pairs_asked([str(tmp_path / "pairs.csv")], None, None)
    assert set(map(tuple, table.to_numpy())) == {(str(tmp_path / "r0.png"), str(tmp_path / "r0_0.png"))}
    assert len(table) == (2 if case == "twice" else 1)


def test_a_spreadsheet_is_read(tmp_path: Path) -> None:
    pd.DataFrame([("a.png", "b.png")], columns=["reference", "distorted"]).to_excel(tmp_path / "p.xlsx", index=False)
    table = pairs_asked([str(tmp_path / "p.xlsx")], None, None)
    assert table["distorted"].tolist() == [str(tmp_path / "b.png")]


@pytest.mark.parametrize("case", WRONG)
def test_wrong_tables_are_one_line(case: str, tmp_path: Path) -> None:
    content, said = WRONG[case]
    (tmp_path / "pairs.csv").write_bytes(content)
    with pytest.raises(UserError, match=said) as error:
        pairs_asked([str(tmp_path / "pairs.csv")], None, None)
    assert "\n" not in str(error.value)


COLUMNS = ["reference", "distorted", "plain@a", "metric", "files", "error"]


def grown(tmp_path: Path) -> tuple[GrowingTable, pd.DataFrame, list[str]]:
    """A table of three pairs, and its lines."""
    for name in "rabc":
        (tmp_path / name).write_text(name)
    pairs = pd.DataFrame([(str(tmp_path / "r"), str(tmp_path / one)) for one in "abc"], columns=COLUMNS[:2])
    table = GrowingTable(tmp_path / "new" / "scores.csv", COLUMNS, ["plain@a"], "m")
    assert len(table.begun(pairs)) == 0
    values = [1 / 3, 2.5e-7, 0.0]
    digests = [
        row_digest(files_digest(f, g), np.array([value]))
        for (f, g), value in zip(pairs.to_numpy(), values, strict=True)
    ]
    table.add(pairs.assign(**{"plain@a": values, "metric": "m", "files": digests, "error": ""}))
    assert table.begun(pairs)["plain@a"].tolist() == values
    return table, pairs, table.file.read_text().splitlines()


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        (",0.3333333333333333,", ",0.3333,", 2),  # a spreadsheet's rounding
        (",0.3333333333333333,", ",99,", 2),
        (",0.3333333333333333,", ",abc,", 2),
        (",0.3333333333333333,", ",,", 2),
        (",m,", ",m,x", 0),
        ("\n", "\r\n", 3),
    ],
)
def test_what_was_edited_is_scored_anew(tmp_path: Path, before: str, after: str, left: int) -> None:
    table, pairs, lines = grown(tmp_path)
    table.file.write_bytes("\n".join([*lines, ""]).replace(before, after).encode())
    assert len(table.begun(pairs)) == left


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "cannot be continued"),
        (b"a,b\n1,2\n", "is another table"),
        (b"PK\3\4\n", "is another table"),
    ],
)
def test_what_is_no_such_table_is_not_overwritten(tmp_path: Path, content: bytes, said: str) -> None:
    table, pairs, lines = grown(tmp_path)
    table.file.write_bytes(content)
    with pytest.raises(UserError, match=said):
        table.begun(pairs)
    assert table.file.read_bytes() == content
    table.file.write_text(lines[0] + "\n")  # killed behind the header
    assert len(table.begun(pairs)) == 0


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
    Image.open(rated / "r0.png").save(tmp_path / "a" / "1.jpg")
    assert "several images in a are named like 1.bmp in b" in iqa_lab("score", *folders, *LPIPS).error_line
    (tmp_path / "a" / "1.png").unlink()
    (tmp_path / "a" / "1.jpg").rename(tmp_path / "a" / "2.jpg")
    assert "no image in a is named like 1.bmp in b" in iqa_lab("score", *folders, *LPIPS).error_line
    (tmp_path / "b" / "1.bmp").unlink()
    assert len(pairs_asked([], tmp_path / "a", tmp_path / "b")) == 1
    assert "2.jpg" in iqa_lab("score", *folders, *LPIPS).err


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


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "order of channels": ({"overrides": ["weights.input.order=bgr"]}, "made with another input than this metric"),
    "normalisation": ({"overrides": ["weights.input.mean=[.1,.2,.3]"]}, "made with another input than this metric"),
    "resize": ({"overrides": ["preprocess.resize=32"]}, "made with another resize than this metric"),
    "seed": ({"overrides": ["weights.seed=3"]}, "is of another network"),
    "two readouts": ({"readout": ["lpips", "plain"]}, "this metric gives 2"),
    "weights of channels": ({"channel_weights": {"features.4": [1.0] * 128}}, "is computed in another way"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_opinions_of_another_metric_are_refused(case: str, evaluated: Evaluated) -> None:
    more, said = OTHERS[case]
    words = {"goal": "untrained", "dataset": "none", "architecture": "squeezenet1_1", "layers": ["features.4"]}
    metric = load_metric(**{**words, "readout": "lpips", **more})
    with pytest.raises(UserError, match=said):
        opinions_of(evaluated.folder, metric)


def test_opinions_of_no_result_are_refused(evaluated: Evaluated, tmp_path: Path) -> None:
    metric = evaluated.metric("lpips@features.4")
    for folder in (tmp_path / "nowhere", tmp_path, evaluated.folder / "result.json"):
        with pytest.raises(UserError, match=str(folder)):
            opinions_of(folder, metric)


@pytest.mark.parametrize(("pairs", "said"), [(14, "it needs 6 references and 19 pairs"), (24, "95 % of the opinions")])
def test_why_there_is_no_interval(pairs: int, said: str) -> None:
    distance = np.arange(pairs) + 0.3 * np.sin(np.arange(pairs))
    curve = opinion_curve(distance, -distance, [str(row // 2) for row in range(pairs)])
    assert curve is not None
    assert said in Opinions(curve, composed("benchmark=tid2013").benchmark, "plain@a").said
