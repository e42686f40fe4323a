"""A family of databases -> where other programs than the publisher's archives put it, and how that is told.

The folders are those of pyiqa (https://github.com/chaofengc/IQA-PyTorch), below its ``datasets/``, and of the LPIPS
repository, whose ``dataset/`` holds BAPPS.
"""

from pathlib import Path

from iqa_lab.folders import cache_folder

MADE = "levels"  # the family whose images are made on first use

_BELOW_DATA = {
    "live": ("LIVEIQA_release2",),
    "pieapp": ("PieAPP_dataset_CVPR_2018",),
    "bapps": ("PerceptualSimilarity/dataset",),
}
_BELOW_ITSELF = {"bapps": ("dataset",)}


def other_places(family: str, own: Path, data: Path) -> list[Path]:
    """Folders that may hold a database, besides its own; they need not be there.

    Args:
        family: of benchmarks.
        own: the database's folder.
        data: the folder that holds databases; the same where the user named the database's folder.
    """
    if family == MADE:
        return [made_folder()] if data != own else []
    below = [data / name for name in _BELOW_DATA.get(family, ())] if data != own else []
    return [own / name for name in _BELOW_ITSELF.get(family, ())] + below


def made_folder() -> Path:
    """Where images are that this laboratory makes itself: they are no database, and may be deleted any time."""
    return cache_folder() / MADE
