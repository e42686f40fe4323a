"""What mkdocs shows beside the files of docs/: the README, the changelog, the notebooks, and tables made from conf/.

Everything is read from the checkout while the site is built, so no table can be older than the files it describes.
"""

import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
CONF = ROOT / "conf"

# files outside docs/ that are pages of the site, or are copied into it; links to them lead there
ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "experiments/README.md": "studies.md",
    "CITATION.cff": "CITATION.cff",
    "LICENSE": "LICENSE.txt",
}
# what a browser would fetch from another server while it shows a page
LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^>]*>")
LINK = re.compile(r"\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The files of docs/, and those that are made."""
    for path, page in ELSEWHERE.items():
        files.append(File.generated(config, page, content=(ROOT / path).read_text(encoding="utf-8")))
    files.append(File.generated(config, "trainings.md", content=trainings(CONF)))
    files.append(File.generated(config, "benchmark-options.md", content=benchmarks(CONF)))
    for notebook in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        files.append(File.generated(config, f"notebooks/{notebook.stem}.md", content=notebook_page(notebook)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """The text of a page, with its links leading to other pages of the site."""
    source = next((path for path, made in ELSEWHERE.items() if made == page.file.src_uri), f"docs/{page.file.src_uri}")
    return LINK.sub(lambda link: relinked(link, Path(source), page.file.src_uri), markdown)


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """The finished page, if it loads nothing from elsewhere."""
    if foreign := LOADED.search(output):
        raise PluginError(f"{page.file.src_uri} loads something from another server: {foreign[0]}")
    return output


def relinked(link: re.Match[str], source: Path, page: str) -> str:
    """One link as the site needs it; a link to a folder of the checkout becomes its bare text."""
    target, anchor = link["target"], link["anchor"] or ""
    if "://" in target or target.startswith("mailto:"):
        return link[0]
    path = (ROOT / source.parent / target).resolve().relative_to(ROOT).as_posix()
    if path in ELSEWHERE:
        place = ELSEWHERE[path]
    elif path.endswith(".ipynb"):
        place = path.removeprefix("docs/").replace(".ipynb", ".md")
    elif path.startswith("docs/"):
        place = path.removeprefix("docs/")
    else:
        return "]"
    return f"]({'../' * page.count('/')}{place}{anchor})"


def read(path: Path) -> dict[str, Any]:
    """The values of a YAML file."""
    values = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    assert isinstance(values, dict), path
    return values


def text(value: object) -> str:
    """A value as a cell of a Markdown table."""
    return "" if value is None else " ".join(escape(str(value), quote=False).replace("|", "\\|").split())


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The lines of a Markdown table."""
    names = list(columns)
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(text(value) for value in row)} |"
    yield ""


# columns of the table of trainings, and the keys of their files
TRAINING = {
    "dataset": "dataset",
    "architecture": "architecture",
    "recipe": "recipe",
    "family": "family",
    "began with": "initialised_from",
    "ImageNet top-1, %": "top1",
    "licence": "licence",
    "publisher": "publisher",
}


def trainings(conf: Path) -> str:
    """Every training in ``conf/weights``, one table a goal."""
    lines = ["# All trainings", "", "Made from `conf/weights`, which `iqa-lab list weights` prints, too.", ""]
    for goal in sorted(path for path in (conf / "weights").iterdir() if path.is_dir()):
        cells = [read(path) for path in sorted(goal.rglob("*.yaml"))]
        published = [cell for cell in cells if cell["publisher"]]  # the others only say how a network is fed
        if published:
            task = read(conf / "goal" / f"{goal.name}.yaml")["description"]
            lines += [f"## `{goal.name}`", "", f"Trained to {task}." if goal.name != "baseline" else "Metrics.", ""]
            lines += table(TRAINING, ([cell[key] for key in TRAINING.values()] for cell in published))
    return "\n".join(lines)


OPINIONS = {"mos": "higher is better", "dmos": "lower is better"}
PROTOCOLS = {
    "mos": "an opinion of every image",
    "2afc": "a choice between two images",
    "quadruples": "which of two pairs differs more",
    "thresholds": "contrast thresholds",
}


def benchmarks(conf: Path) -> str:
    """Every option of ``conf/benchmark``: what people did, how much there is, where it comes from, how to cite it."""
    lines = [
        "# All benchmarks", "",
        "Made from `conf/benchmark`. What they have in common, and how to get them: [Benchmarks](benchmarks.md).", "",
    ]  # fmt: skip
    for path in sorted((conf / "benchmark").glob("*.yaml")):
        option = read(path)
        expected = option.get("expected", {})
        counts = [f"{expected[key]} {key}" for key in ("references", "pairs", "distortions") if expected.get(key)]
        facts = {
            "people gave": PROTOCOLS.get(option["protocol"], option["protocol"]),
            "opinion": OPINIONS.get(option["opinion"]) if option["protocol"] == "mos" else None,
            "human": None if option["human"] else "**no human judgement**",
            "a whole copy has": ", ".join(counts),
            "headline": f"`{option['headline']}`",
            "published SRCC of PSNR": option.get("psnr_srcc"),
            "same photographs as": ", ".join(f"`{name}`" for name in option.get("shares_references", [])),
            "folder in `data/`": f"`{option['folder']}`",
            "licence": option.get("licence"),
            "publisher": f"[{option['url']}]({option['url']})" if option.get("url") else None,
            "`iqa-lab fetch`": "downloads it" if option.get("archives") else None,
            "by hand": option.get("steps"),
        }
        lines += [f"## `{path.stem}`", "", f"{text(option['description'])}.", ""]
        lines += [f"- {fact}: {text(value)}" for fact, value in facts.items() if value]
        lines.append("")
        if option.get("bibtex"):
            lines += ["```bibtex", option["bibtex"].strip(), "```", ""]
    return "\n".join(lines)


def notebook_page(path: Path) -> str:
    """A notebook as a page: its text, its code, and what the code printed and drew."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    lines = []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            lines += [source, ""]
            if source.startswith("# "):
                lines += [f"[Download the notebook]({path.name}).", ""]
        elif cell["cell_type"] == "code":
            lines += ["```python", source, "```", ""]
            for output in cell["outputs"]:
                lines += shown(output)
    return "\n".join(lines)


def shown(output: dict[str, Any]) -> Iterator[str]:
    """The lines that show one output of a notebook's cell: a picture, else its text."""
    data = output.get("data", {})
    if "image/png" in data:
        picture = "".join("".join(data["image/png"]).split())
        yield from (f'<img alt="what the code above drew" src="data:image/png;base64,{picture}">', "")
    elif printed := "".join(output.get("text", data.get("text/plain", ""))).rstrip():
        yield from ("```text", printed, "```", "")
