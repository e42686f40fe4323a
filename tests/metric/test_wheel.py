"""The metric from a wheel, as a stranger has it: the README's lines, the command line, and a file that travels."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.test_documentation import run, with_a_wheel

# the network that comes by pip, in place of those that are downloaded
DEMO = {
    'architecture="vgg16"': 'architecture="efficientnet_lite0"',
    'layers=["features.15"]': 'layers=["blocks.2.0"]',
    '"results/tid2013/.../<signature>"': "FOLDER",
    "tuned_insample@features.7": "tuned_insample@blocks.1.0",
    '"benchmark=tid2013", "architecture=resnet50"': '"benchmark=table", "benchmark.path=pairs.csv", "tracker=none"',
}
BEFORE = """
import json
import numpy as np
from pathlib import Path
from PIL import Image, ImageFilter
from skimage import data
import iqa_lab

lines = ["reference,distorted,opinion"]
for name in ("astronaut", "cat", "coffee", "hubble_deep_field", "retina", "rocket"):
    image = Image.fromarray(getattr(data, name)()).resize((96, 64))
    image.save(f"{name}.png")
    for level in (1, 2):
        image.filter(ImageFilter.GaussianBlur(level)).save(f"{name}_{level}.png")
        lines.append(f"{name}.png,{name}_{level}.png,{5 - 1.2 * level - 0.01 * len(name)}")
Path("pairs.csv").write_text("\\n".join(lines))
reference, distorted = "cat.png", ["cat_1.png", "cat_2.png"]
words = ["benchmark=table", "benchmark.path=pairs.csv", "tracker=none", "statistics.resamples=20"]
FOLDER = iqa_lab.evaluate(*words, "layers=[blocks.1.0]", readout=["plain", "tuned"]).folder
"""
AFTER = """
assert len(d) == 2 and (d > 0).all() and len(per_layer) == 2 and len(outcome.table)
metric.save("mine.safetensors")
Path("scores.json").write_text(json.dumps([value.hex() for value in d.tolist()]))
print(iqa_lab.__file__)
"""
ELSEWHERE = """
import json
from pathlib import Path
import iqa_lab

metric = iqa_lab.load_metric("mine.safetensors")
d = metric("../here/cat.png", ["../here/cat_1.png", "../here/cat_2.png"])
assert [value.hex() for value in d.tolist()] == json.loads(Path("../here/scores.json").read_text())
"""
COMMANDS = """
python3 -m venv iqa
source iqa/bin/activate
pip install --quiet --find-links dist 'iqa-lab[demo]'
cd here
python lines.py
iqa-lab score cat.png cat_1.png --metric mine.safetensors --csv
iqa-lab score cat.png cat_1.png cat_2.png 'layers=[blocks.2.0]' architecture=efficientnet_lite0 readout=lpips
iqa-lab score pairs.csv --metric mine.safetensors --out scores.csv
cd ../there
cp ../here/mine.safetensors .
python elsewhere.py
iqa-lab list metrics
iqa-lab score ../here/pairs.csv --metric mine.safetensors --out scores.csv
sed 's|\\.\\./here/||g' scores.csv | cut -d, -f1-3 | sort | diff - <(cut -d, -f1-3 ../here/scores.csv | sort)
"""


def python_of(page: Path) -> str:
    """The first lines of Python of a page that load a metric, with the network that is here."""
    (found, *_) = (
        text for text in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL) if "load_metric" in text
    )
    for theirs, ours in DEMO.items():
        found = found.replace(theirs, ours)
    return found


@pytest.mark.slow
def test_a_metric_travels_from_a_wheel(tmp_path: Path) -> None:
    environment = with_a_wheel(tmp_path)
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    lines = [BEFORE, python_of(ROOT / "README.md"), python_of(ROOT / "docs" / "metric.md"), AFTER]
    (tmp_path / "here" / "lines.py").write_text("".join(lines))
    (tmp_path / "there" / "elsewhere.py").write_text(ELSEWHERE)
    said = run([COMMANDS], tmp_path, environment)
    assert str(tmp_path / "iqa") in said, "the package that was installed"
    assert json.loads((tmp_path / "here" / "scores.json").read_text())
