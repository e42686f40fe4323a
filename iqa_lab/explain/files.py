"""An explanation as files in a folder."""

from pathlib import Path

from iqa_lab.explain.drawing import layer_picture, sheet
from iqa_lab.explain.maps import Explanation
from iqa_lab.explain.page import page
from iqa_lab.store.made import all_or_none


def write_explanation(explanation: Explanation, folder: Path) -> list[Path]:
    """The files written: ``index.html``, ``sheet.png`` and ``<number>-<layer>.png`` for each layer.

    Those of an earlier explanation in the folder go.

    Raises:
        UserError: the folder cannot be written.
    """
    names = ["index.html", "sheet.png"]
    with all_or_none(folder, last="index.html", alone=True) as unfinished:
        (unfinished / names[0]).write_text(page(explanation), encoding="utf-8")
        sheet(explanation).save(unfinished / names[1])
        for entry in explanation.maps:
            names.append(f"{entry.number:02d}-{entry.layer.name.replace('/', '_')}.png")
            layer_picture(entry, explanation).save(unfinished / names[-1])
    return [folder / name for name in names]
