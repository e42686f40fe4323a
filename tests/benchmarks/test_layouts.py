"""Databases as other programs keep them: pyiqa's folders, CSIQ in one folder, LIVE's two files of opinions."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from iqa_lab.benchmarks import load_benchmark
from iqa_lab.benchmarks.checks import say_layout
from iqa_lab.errors import UserError
from tests.benchmarks.test_databases import load, make_csiq, make_live, scatter
from tests.conftest import composed

NO_COUNTS = "benchmark.expected={references: null, pairs: null, distortions: null}"
WORDS = {
    "noise": "AWGN",
    "blur": "BLUR",
    "contrast": "contrast",
    "fnoise": "fnoise",
    "jpeg": "JPEG",
    "jpeg 2000": "jpeg2000",
}
CSIQ = [
    (image, kind, level, round(0.1 * level + 0.01, 2))
    for image in ("1600", "swarm")
    for kind in WORDS
    for level in (1, 2)
]


def csiq_names() -> list[str]:
    return [f"{image}.{WORDS[kind]}.{level}.png" for image, kind, level, _ in CSIQ]


@pytest.mark.parametrize("folder", ["dst_imgs_all", "dst_imgs"])
@pytest.mark.parametrize("line", ["{name} {opinion}", "{name}\t{opinion}", "{name},{opinion}"])
def test_csiq_in_one_folder_is_the_publishers(tmp_path: Path, folder: str, line: str) -> None:
    (tmp_path / "official").mkdir()
    official = load("csiq", make_csiq(tmp_path / "official", CSIQ), NO_COUNTS)
    flat = tmp_path / "flat"
    scatter(flat, [*(f"{folder}/{name}" for name in csiq_names()), "src_imgs/1600.png", "src_imgs/swarm.png"])
    rows = [line.format(name=name, opinion=row[3]) for name, row in zip(csiq_names(), CSIQ, strict=True)]
    (flat / "csiq_label.txt").write_text("\n".join(rows) + "\n")
    benchmark = load("csiq", flat, NO_COUNTS)
    columns = ["reference", "distorted", "distortion", "level", "opinion"]
    assert benchmark.pairs[columns].equals(official.pairs[columns])
    assert set(benchmark.pairs["distorted_path"].map(lambda path: Path(path).parent.name)) == {folder}
    assert benchmark.opinion_sign == official.opinion_sign == -1 and benchmark.pairs["opinion_std"].isna().all()
    assert (official.layout, benchmark.layout) == (
        "csiq.DMOS.xlsx, a folder a distortion",
        f"csiq_label.txt, {folder}",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "1600.AWGN.1.png\n",
            "csiq_label.txt:1: expected a line like 1600.AWGN.1.png 0.062, found '1600",
        ),
        ("1600.AWGN.1.png 0.1\n1600.FUZZ.1.png 0.1\n", "csiq_label.txt:2: expected a line like"),
        ("1600.AWGN.1.png 0,062\n", "csiq_label.txt:1: expected a line like"),
        ("1600.AWGN.1.png 0.062 0.938\n", "csiq_label.txt:1: expected a line like"),
        ("1600.AWGN.1.png 0.938\n1600.AWGN.2.png 0.8\n", "its scores fall where distortions grow"),
        ("1600.AWGN.1.png 0.8\n1600.AWGN.2.png 0.8\n", "its scores fall where distortions grow"),
        ("", "csiq_label.txt is empty: expected lines like"),
    ],
)
def test_lists_of_csiq_that_cannot_be_meant_are_refused(tmp_path: Path, text: str, message: str) -> None:
    scatter(tmp_path, ["src_imgs/1600.png", "dst_imgs_all/1600.AWGN.1.png", "dst_imgs_all/1600.AWGN.2.png"])
    (tmp_path / "csiq_label.txt").write_text(text)
    with pytest.raises(UserError, match=message):
        load("csiq", tmp_path, NO_COUNTS)


def test_live_has_two_files_of_opinions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_live(tmp_path)
    realigned = load("live", tmp_path)
    opinions = np.arange(982.0)[None] / 10
    copies = np.array([[0] * 169 + [1] * 58 + [0] * 175 + [1] * 58 + ([0] * 145 + [1] * 29) * 3], np.uint8)
    savemat(tmp_path / "dmos.mat", {"dmos": opinions, "orgs": copies})
    assert load("live", tmp_path).pairs.equals(realigned.pairs)  # beside the other it is not read
    (tmp_path / "dmos_realigned.mat").unlink()
    benchmark = load("live", tmp_path)
    assert benchmark.is_whole and benchmark.opinion_sign == -1
    pairs = benchmark.pairs.set_index("distorted")
    assert pairs["reference"].equals(realigned.pairs.set_index("distorted")["reference"])
    found = [pairs.loc[name, "opinion"] for name in ("jp2k/img1.bmp", "jpeg/img1.bmp", "fastfading/img145.bmp")]
    assert found == [0.0, 22.7, (227 + 233 + 174 + 174 + 144) / 10]
    assert pairs["opinion_std"].isna().all()
    # another file than the published correlation of PSNR and the kind of spread are of
    assert benchmark.config.psnr_srcc is None and benchmark.config.opinion_std == "none"
    assert realigned.config.psnr_srcc == 0.8730
    assert benchmark.layout == f"{tmp_path.name}/dmos.mat" and realigned.layout == f"{tmp_path.name}/dmos_realigned.mat"
    say_layout(benchmark)
    captured = capsys.readouterr()
    assert "dmos.mat" in captured.err + captured.out
    savemat(tmp_path / "dmos.mat", {"dmos": opinions[:, :779]})
    with pytest.raises(UserError, match=r"dmos.mat or refnames_all.mat does not hold 'orgs'"):
        load("live", tmp_path)
    savemat(tmp_path / "dmos.mat", {"dmos": opinions[:, :779], "orgs": copies})
    with pytest.raises(UserError, match="982 entries are expected, but dmos has 779"):
        load("live", tmp_path)
    (tmp_path / "dmos.mat").unlink()
    with pytest.raises(UserError, match=r"looked for .*dmos_realigned.mat"):
        load("live", tmp_path)


def answer(file: Path, share: float) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    np.save(file, np.array([share], np.float32))


def make_pyiqas(datasets: Path) -> None:
    """The ``datasets`` of pyiqa, with a pair or two of each."""
    (datasets / "LIVEIQA_release2").mkdir(parents=True)
    make_live(datasets / "LIVEIQA_release2")
    scatter(
        datasets / "CSIQ", [*(f"dst_imgs/{name}" for name in csiq_names()), "src_imgs/1600.png", "src_imgs/swarm.png"]
    )
    lines = [f"{name} {row[3]}" for name, row in zip(csiq_names(), CSIQ, strict=True)]
    (datasets / "CSIQ" / "csiq_label.txt").write_text("\n".join(lines))
    tid = ["reference_images/I01.BMP", "distorted_images/i01_01_1.bmp", "distorted_images/I01_01_2.bmp"]
    for year in ("2008", "2013"):
        scatter(datasets / f"tid{year}", tid)
        (datasets / f"tid{year}" / "mos_with_names.txt").write_text("5.5 I01_01_1.bmp\n4.5 I01_01_2.bmp\n")
    scatter(datasets / "kadid10k", ["images/I01.png", "images/I01_01_01.png"])
    (datasets / "kadid10k" / "dmos.csv").write_text("dist_img,ref_img,dmos,var\nI01_01_01.png,I01.png,4.57,0.496\n")
    scatter(datasets / "PIPAL", ["Train_Ref/A0001.bmp", "Dist_Imgs/A0001_00_00.bmp"])
    (datasets / "PIPAL" / "Train_Label").mkdir()
    (datasets / "PIPAL" / "Train_Label" / "A0001.txt").write_text("A0001_00_00.bmp,1500.5\n")
    pieapp = datasets / "PieAPP_dataset_CVPR_2018"
    names = [f"distorted_images/test/ref_1/distort_1_{n}.png" for n in (1, 2)]
    scatter(pieapp, ["reference_images/test/ref_1.png", *names])
    (pieapp / "labels" / "test").mkdir(parents=True)
    (pieapp / "labels" / "test" / "ref_1_pairwise_labels.csv").write_text(
        "ref. image, distorted image A, distorted image B, preference for A\n"
        "ref_1.png,distort_1_1.png,distort_1_2.png,0.75\n"
    )
    bapps = datasets / "PerceptualSimilarity" / "dataset"
    scatter(bapps, [f"2afc/val/cnn/{name}/000000.png" for name in ("ref", "p0", "p1")])
    answer(bapps / "2afc" / "val" / "cnn" / "judge" / "000000.npy", 0.8)


def test_the_folders_of_pyiqa_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pyiqas(tmp_path)
    monkeypatch.setenv("IQA_LAB_DATA", str(tmp_path))
    found = {
        name: load_benchmark(composed(f"benchmark={name}", NO_COUNTS).benchmark)
        for name in ("live", "csiq", "tid2008", "tid2013", "kadid10k", "pipal", "pieapp", "bapps")
    }
    counts = {name: len(benchmark.pairs) for name, benchmark in found.items()}
    assert counts == {
        "live": 779,
        "csiq": 24,
        "tid2008": 2,
        "tid2013": 2,
        "kadid10k": 1,
        "pipal": 1,
        "pieapp": 2,
        "bapps": 2,
    }
    assert {name: benchmark.layout for name, benchmark in found.items() if benchmark.layout} == {
        "live": "LIVEIQA_release2/dmos_realigned.mat", "csiq": "csiq_label.txt, dst_imgs", "pipal": "Dist_Imgs",
        "pieapp": "PieAPP_dataset_CVPR_2018", "bapps": "dataset",
    }  # fmt: skip
    for place in ("PerceptualSimilarity", "PerceptualSimilarity/dataset"):
        assert len(load("bapps", tmp_path / place, NO_COUNTS).pairs) == 2


def test_the_publishers_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIVEIQA_release2", "databaserelease2"):
        (tmp_path / name).mkdir()
        make_live(tmp_path / name)
    monkeypatch.setenv("IQA_LAB_DATA", str(tmp_path))
    assert load_benchmark(composed("benchmark=live").benchmark).layout == "databaserelease2/dmos_realigned.mat"
