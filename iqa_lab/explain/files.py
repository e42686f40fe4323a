"""An explanation as files in a folder."""

from pathlib import Path

from iqa_lab.explain.drawing import layer_picture, sheet
from iqa_lab.explain.maps import Explanation
from iqa_lab.explain.page import page
from iqa_lab.store.writing import readable_write_errors


def write_explanation(explanation: Explanation, folder: Path) -> list[Path]:
    """The files written: ``index.html``, ``sheet.png`` and ``<number>-<layer>.png`` for each layer.

    Raises:
        UserError: the folder cannot be written.
    """
    with readable_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / "index.html", folder / "sheet.png"]
        files[0].write_text(page(explanation), encoding="utf-8")
        sheet(explanation).save(files[1])
        for entry in explanation.maps:
            name = entry.layer.name.replace("/", "_")
            files.append(folder / f"{entry.number:02d}-{name}.png")
            layer_picture(entry, explanation).save(files[-1])
    return files
