"""Every command in README.md and docs/ is one that exists; and each document runs from its first block to its last.

Blocks of ```bash are run in their order, in one empty folder for each document. A comment just before a block says what
of it is not run, and why: ``<!-- not run: it talks to a server -->`` the whole block, and with words in brackets,
``<!-- not run (alexnet, resnet50): they download weights -->``, the lines that hold one of them. Also commands that are
not run have to be right: their settings are composed. What a page shows of a command's output, in ```text after it, is
compared with the output, whatever its digits. The notebooks run, too.
"""

import os
import re
import shlex
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from jupyter_client import KernelManager
from omegaconf import OmegaConf

from iqa_lab.benchmarks import benchmark_options
from iqa_lab.cli.catalogue import KINDS, list_options
from iqa_lab.cli.commands import app
from iqa_lab.config import configuration_folder
from iqa_lab.statistics.table import COLUMNS
from iqa_lab.store.headline import headline
from iqa_lab.tracking.content import facts_of
from tests.conftest import ROOT, composed
from tests.notebooks import run as run_notebook

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FIRST_STEPS = ROOT / "docs" / "first-steps.md"
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
BLOCK = re.compile(r"(?:<!-- not run(?: \(([^)]*)\))?: ([^\n]*?) -->\n)?```bash\n(.*?)```", re.DOTALL)
SHOWN = re.compile(r"```text\n(.*?)```", re.DOTALL)
EXPANDED = re.compile(r"=.*(glob|range|choice|sort|shuffle)\(")


# commands of these pages are meant for whole benchmarks; here two levels of five photographs (tuned has folds) will do
FEWER = """iqa-lab() {
  case "$*" in
    run*) command iqa-lab "$@" "benchmark.levels=[1,5]" \\
      "benchmark.references=[chelsea.png,coffee.png,rocket.png,china.png,flower.png]" ;;
    *) command iqa-lab "$@" ;;
  esac
}"""


@dataclass(frozen=True)
class Block:
    """A block of commands, and the lines of it that are run."""

    document: str
    text: str
    runs: str


def blocks(document: Path) -> list[Block]:
    found = []
    for words, reason, text in BLOCK.findall(document.read_text(encoding="utf-8")):
        if words:
            left_out = [word.strip() for word in words.split(",")]
            assert all(word in text for word in left_out), (document.name, left_out)
            lines = [line for line in text.splitlines() if not any(word in line for word in left_out)]
            runs = "\n".join(lines)
        else:
            runs = "" if reason else text
        found.append(Block(document.name, text, runs))
    return found


def commands(text: str) -> list[list[str]]:
    """The words of each ``iqa-lab`` command, without what stands before it."""
    found = []
    for line in re.sub(r"<<'(\w+)'.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE).replace("\\\n", " ").splitlines():
        if "iqa-lab " in line:
            words = shlex.split(line, comments=True)
            words = words[words.index("iqa-lab") + 1 :] if "iqa-lab" in words else []
            if words:
                found.append([word for word in words if "$" not in word])  # an array of the shell's
    return found


COMMANDS = [
    (document.name, words) for document in DOCUMENTS for block in blocks(document) for words in commands(block.text)
]
# what is composed with the configuration; a folder of one's own is not there without the blocks before
COMPOSED = [(name, words) for name, words in COMMANDS if words[0] in ("run", "sweep") and "--config-dir" not in words]


def test_there_are_documents_with_commands() -> None:
    assert {"README.md", "concepts.md", "adding.md", "wandb.md"} <= {document.name for document in DOCUMENTS}
    assert len(COMMANDS) > 20 and len(COMPOSED) > 10


def test_every_command_exists() -> None:
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    unknown = [(name, words[0]) for name, words in COMMANDS if words[0] not in known]
    assert not unknown


@pytest.mark.parametrize(("document", "words"), COMPOSED, ids=[" ".join(words) for _, words in COMPOSED])
def test_a_run_can_be_composed(document: str, words: list[str]) -> None:
    """Of a comma list its first value; what the sweep expands itself is left out, and so are Hydra's own settings."""
    overrides = [word for word in words[1:] if not word.startswith(("-", "hydra")) and not EXPANDED.search(word)]
    composed(*(re.sub(r"^([^\[{]*?),.*", r"\1", override) for override in overrides))


def test_what_is_listed_and_fetched_exists() -> None:
    folders = [configuration_folder()]
    for name, words in COMMANDS:
        if "--config-dir" in words:
            continue
        filters = dict(word.split("=", 1) for word in words[1:] if "=" in word)
        if words[0] == "list":
            assert words[1] in KINDS, (name, words)
        if words[0] == "fetch":
            benchmarks = filters.pop("benchmark", "")
            assert set(benchmarks.split(",")) <= {"", *benchmark_options(folders)}, (name, words)
            assert not filters or list_options("weights", filters, folders), (name, words)


def test_everything_that_wandb_is_told_is_explained() -> None:
    text = (ROOT / "docs" / "wandb.md").read_text(encoding="utf-8")
    table = pd.DataFrame(
        [dict.fromkeys(COLUMNS, 1.0) | {"layer": layer, "readout": "plain"} for layer in ("pixels", "a")]
    )
    result = dict.fromkeys(["signature", "weights_digest", "n_expected", "n_scored", "device", "versions"])
    told = [*facts_of(table, result, composed(), 25), *headline(table, "srcc")]
    assert len(told) > 20 and not [key for key in told if f"`{key}`" not in text]


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    assert [line for line in lines if len(line) > 120] == []


def test_every_readout_has_its_formula() -> None:
    text = (ROOT / "docs" / "readouts.md").read_text(encoding="utf-8")
    names = {path.stem for path in (configuration_folder() / "readout").glob("*.yaml")} - {"all"}
    assert names <= set(re.findall(r"^### `(\w+)`\n\n(?=[^#]*```)", text, re.MULTILINE))


def test_every_family_is_described() -> None:
    text = (ROOT / "docs" / "grid.md").read_text(encoding="utf-8")
    options = [OmegaConf.load(path) for path in (configuration_folder() / "family").glob("*.yaml")]
    assert [one.name for one in options if f"| `{one.name}` | {one.description} | {one.held} |" not in text] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_it_gave(path: Path) -> None:
    """Each was run before it was committed, without errors, and names nothing of the machine that ran it."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert "error" not in {output.output_type for output in outputs}
    assert re.findall(r"/(?:home|root|tmp|work)/\S*", path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, kernel: KernelManager) -> None:
    outputs = run_notebook(nbformat.read(path, as_version=4), tmp_path, kernel)
    assert any("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.slow
@pytest.mark.parametrize("document", [path for path in DOCUMENTS if path != FIRST_STEPS], ids=lambda path: path.name)
def test_a_document_runs(document: Path, levels_home: Path, tmp_path: Path) -> None:
    runs = [block.runs for block in blocks(document) if block.runs.strip()]
    if not runs:
        pytest.skip("no commands that can run here")
    if document.name in ("README.md", "using.md", "sweeps.md"):
        runs.insert(0, FEWER)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "IQA_LAB_DATA": str(levels_home),
        "OMP_NUM_THREADS": "1",
        "WANDB_MODE": "offline",
    }
    run(runs, tmp_path, environment)


@pytest.mark.slow
def test_a_stranger_gets_from_the_wheel_to_a_figure(tmp_path: Path) -> None:
    """The first steps, from ``pip install`` on; the packages that iqa_lab needs are those of this environment."""
    said = run([block.runs for block in blocks(FIRST_STEPS)], tmp_path, with_a_wheel(tmp_path))
    shown = [line for text in SHOWN.findall(FIRST_STEPS.read_text(encoding="utf-8")) for line in text.splitlines()]
    printed = {without_digits(line) for line in said.splitlines()}
    assert [line for line in shown if line != "..." and without_digits(line) not in printed] == []
    assert list((tmp_path / "reports" / "results" / "figures").glob("*.png"))
    own = next((tmp_path / "iqa").rglob("site-packages/iqa_lab/__init__.py"))
    assert own.is_file() and not own.is_symlink()


def with_a_wheel(folder: Path) -> dict[str, str]:
    """The wheel in ``dist/``, and an environment in which pip finds all that it needs, but no ``iqa_lab``."""
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", folder / "dist", ROOT], check=True)
    libraries = folder / "libraries"
    libraries.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "iqa_lab" not in entry.name:
            (libraries / entry.name).symlink_to(entry)
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(libraries),
        "PIP_NO_INDEX": "1",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "100",
    }


def without_digits(line: str) -> str:
    """A line of which the words count and not the numbers, which differ a little between machines."""
    return re.sub(r"\d", "0", line).strip()


def run(commands: list[str], folder: Path, environment: dict[str, str]) -> str:
    """What the commands printed, one after the other in one shell."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
