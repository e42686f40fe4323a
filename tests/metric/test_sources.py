"""A metric of code of somebody's own is of that code: where it was changed since, the metric is refused."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import iqa_lab
from iqa_lab.errors import UserError
from iqa_lab.metric.files import FileScorer
from iqa_lab.metric.load import load_metric
from iqa_lab.metric.opinion import opinions_of

NETWORK = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.conv(x)
"""
READOUT = "def distance(response):\n    return response.squared_difference\n"
WORDS = [
    "architecture=custom", "architecture.constructor=code_of_mine.net.Net", "architecture.layers=[conv]",
    "goal=untrained", "dataset=none", "readouts.plain.function=code_of_mine.readout.distance",
]  # fmt: skip


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of one's own: a network and a readout."""
    folder = tmp_path / "code_of_mine"
    folder.mkdir()
    (folder / "net.py").write_text(NETWORK)
    (folder / "readout.py").write_text(READOUT)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.startswith("code_of_mine")]:
        del sys.modules[name]


def of_result(rated: Path, results: Path) -> Path:
    done = iqa_lab.evaluate(*WORDS, "benchmark=table", f"benchmark.path={rated / 'pairs.csv'}", f"results={results}",
                            "tracker=none", "statistics.resamples=20", "runtime.device=cpu")  # fmt: skip
    return done.folder


@pytest.mark.parametrize(("file", "what"), [("net.py", "net.Net"), ("readout.py", "readout.distance")])
def test_a_metric_is_refused_where_its_code_is_another(
    code: Path, rated: Path, tmp_path: Path, file: str, what: str
) -> None:
    folder = of_result(rated, tmp_path / "results")
    metric = load_metric(folder, column="plain@conv", trust=True)
    saved = metric.save(tmp_path / "mine.safetensors")
    words = load_metric(overrides=WORDS)
    assert words.about["sources"] == metric.about["sources"] and len(metric.about["sources"]) == 2
    for again in (load_metric(saved, trust=True), load_metric(folder, column="plain@conv", trust=True)):
        assert FileScorer(again).fingerprint == FileScorer(metric).fingerprint
    (code / file).write_text((code / file).read_text().replace("return ", "return 2 * "))
    said = f"was made with other code than code_of_mine.{what} is now"
    with pytest.raises(UserError, match=f"mine.safetensors {said}"):
        load_metric(saved, trust=True)
    with pytest.raises(UserError, match=said):
        load_metric(folder, column="plain@conv", trust=True)
    changed = load_metric(overrides=WORDS)
    assert FileScorer(changed).fingerprint != FileScorer(words).fingerprint  # of a table of scores that goes on
    with pytest.raises(UserError, match=said):
        opinions_of(folder, changed)


def test_code_of_ours_is_not_listed() -> None:
    metric = load_metric(goal="untrained", dataset="none", architecture="squeezenet1_1", layers=[0], readout="plain")
    assert "sources" not in metric.about
