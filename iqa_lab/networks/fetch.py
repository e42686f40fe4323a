"""Downloads ahead of a run, for machines that compute without a network."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from iqa_lab.errors import UnitFailed, UserError, first_names, pass_on_interrupt
from iqa_lab.networks.cells import cells, is_by_hand, matching
from iqa_lab.networks.sources import find_weights_file, is_available
from iqa_lab.progress import say

FACTORS = ("goal", "dataset", "architecture", "weights", "family")


def fetch_weights(filters: Mapping[str, str], folders: Sequence[Path]) -> None:
    """Bring the weights of all cells that match into the caches of torch and Hugging Face, and check them.

    A file that cannot be had is named, and the others are fetched all the same.

    Args:
        filters: what is wanted, as ``goal``, ``dataset``, ``architecture``, ``weights`` or ``family`` and its values.
        folders: configuration folders, the first one wins.

    Raises:
        UserError: nothing is asked for, or nothing matches.
        UnitFailed: some files could not be had.
    """
    unknown = [key for key in filters if key not in FACTORS]
    if unknown or not filters:
        raise UserError(
            "say what to fetch with benchmark=..., or "
            + ", ".join(f"{factor}=..." for factor in FACTORS)
            + ", one or more values each, as in goal=jigsaw,rotation architecture=resnet50"
        )
    found = [
        (name, cell)
        for name, cell in cells(folders)
        if matching({**{factor: getattr(cell, factor, None) for factor in FACTORS}, "weights": name}, filters)
    ]
    if not found:
        asked = " ".join(f"{key}={value}" for key, value in filters.items())
        raise UserError(f"no public weights for {asked}: iqa-lab list weights shows what there is")
    failed = []
    for number, (name, cell) in enumerate(found, start=1):
        title = f"{number} of {len(found)}: {cell.goal}/{cell.dataset}/{name}"
        already = is_available(cell)
        try:
            if cell.source is not None or is_by_hand(cell):
                find_weights_file(cell)
        except UserError as error:
            pass_on_interrupt(error)
            failed.append(f"{cell.goal}/{cell.dataset}/{name}")
            say(f"{title}: failed: {error}", "red")
            continue
        checked = "verified" if cell.sha256 else "there is no sha256 to verify it with"
        say(f"{title}: {'already here' if already else 'fetched'}, {checked}")
    if failed:
        raise UnitFailed(f"{len(failed)} of {len(found)} could not be fetched ({first_names(failed)})")
