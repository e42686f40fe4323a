"""What a ``result.json`` says: states, names of files, its form, and the passes that its columns came from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iqa_lab.store import reading
from iqa_lab.store.reading import DAMAGED, Unusable
from iqa_lab.store.signature import digest_of

Definitions = dict[str, dict[str, Any]]  # of each column: its layer, depth, readout and how the readout is defined

# States of a result. SCORED: the scores are whole, their statistics are not made.
DONE, SCORED, FAILED = "done", "scored", "failed"

RESULT, SCORES, CORRELATIONS, WEIGHTS, CONFIG = (
    "result.json", "scores.parquet", "correlations.csv", "channel_weights.csv", "config.yaml",
)  # fmt: skip

# the folder of a pass that was cut off
PARTIAL = ".partial"

# what may be made again from the scores is sealed apart, so that its damage is not the scores' damage
APART = ("headline",)

# facts of one pass, which are kept for the columns that it made
_OF_A_PASS = ("written", "device", "threads", "batch_size", "versions", "forwards", "seconds")


def read_result(file: Path) -> dict[str, Any]:
    """What a ``result.json`` says; a headline that was changed on the disk is left out.

    Raises:
        Unusable: it is missing, unreadable, damaged or of another version.
    """
    result = reading.read_json(file)
    if result.get("state") == FAILED:
        return result
    result = reading.read_sealed(file, APART)
    columns, files = result.get("columns"), result.get("files")
    parts = ("layer", "depth", "readout")
    whole = (
        result.get("state") in (DONE, SCORED)
        and isinstance(columns, dict)
        and all(isinstance(facts, dict) and all(part in facts for part in parts) for facts in columns.values())
        and isinstance(result.get("weighed"), list)
        and isinstance(files, dict)
        and {CONFIG, SCORES} <= files.keys() <= {CONFIG, SCORES, CORRELATIONS, WEIGHTS}
    )
    if not whole:
        raise Unusable(DAMAGED, file, "no result of this version")
    if not isinstance(result.get("headline"), dict) or digest_of(result["headline"]) != result.get("headline_digest"):
        result["headline"] = {}
    return result


def headline_stands(result: Mapping[str, Any]) -> bool:
    """Whether the headline is the one that was written."""
    return bool(digest_of(result["headline"]) == result["headline_digest"])


def passes_of(earlier: Mapping[str, Any], known: Definitions) -> list[dict[str, Any]]:
    """The passes of an earlier result, as far as their columns are still there."""
    kept = [{**one, "columns": [name for name in one["columns"] if name in known]} for one in earlier.get("passes", ())]
    return [one for one in kept if one["columns"]]


def pass_of(result: Mapping[str, Any], definitions: Definitions) -> dict[str, Any]:
    """What is known of the pass that made these columns."""
    return {"columns": list(definitions), **{name: result[name] for name in _OF_A_PASS if name in result}}
