"""A file on the disk -> its content as it was written, or the one trouble that it has.

Results may come from somebody else, and disks forget. So nothing here is believed, resolved, imported or called: JSON
has to be sealed, other files have to have the digest that a sealed file gives them, YAML is plain data.
"""

import hashlib
import json
import stat
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import yaml

from iqa_lab.config import Config, yaml_files
from iqa_lab.config.check import make
from iqa_lab.errors import UserError
from iqa_lab.store.signature import SCHEMA, is_sealed

MISSING, UNREADABLE, DAMAGED, OTHER_VERSION = "missing", "unreadable", "damaged", "of another version"
MISPLACED = "in the wrong place"

# columns of correlations.csv that are names, whatever they look like
NAMES = (
    "benchmark", "goal", "dataset", "architecture", "weights", "layer", "readout", "input", "initialised_from", "human",
)  # fmt: skip

# no file that we write is larger, but for scores
LARGEST_JSON = 256 * 2**20
_DEEPEST_YAML = 20


class Unusable(UserError):
    """A file that cannot be used; the message names it.

    Args:
        kind: missing, unreadable, damaged, of another version, or in the wrong place.
        file: which.
        why: in words, where there is more to say.
    """

    def __init__(self, kind: str, file: Path, why: str = "") -> None:
        self.kind, self.file = kind, file
        super().__init__(f"{file} is {kind}" + (f" ({why})" if why else ""))


def read_bytes(file: Path, largest: int | None = None) -> bytes:
    """The content of a file.

    Raises:
        Unusable: it is missing, unreadable, no plain file, or larger than any file of ours.
    """
    try:
        facts = file.stat()
        if not stat.S_ISREG(facts.st_mode):  # a pipe would be waited for, a device has no end
            raise Unusable(UNREADABLE, file, "no plain file")
        if largest is not None and facts.st_size > largest:
            raise Unusable(DAMAGED, file, f"larger than {largest >> 20} MiB")
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Unusable(MISSING, file) from error
    except OSError as error:
        raise Unusable(UNREADABLE, file, error.strerror or str(error)) from error


def read_json(file: Path) -> dict[str, Any]:
    """The object in a file of JSON, sealed or not.

    Raises:
        Unusable: it is missing, unreadable or no JSON object.
    """
    content = read_bytes(file, LARGEST_JSON)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Unusable(DAMAGED, file, "no JSON") from error
    if not isinstance(found, dict):
        raise Unusable(DAMAGED, file, "no JSON object")
    return found


def read_sealed(file: Path, forgiven: Sequence[str] = (), versions: Collection[int] = (SCHEMA,)) -> dict[str, Any]:
    """The object in a file of JSON that ``signature.seal`` sealed.

    Args:
        file: to read.
        forgiven: keys that were sealed apart.
        versions: of its form, that can be read.

    Raises:
        Unusable: it is missing, unreadable, damaged or of another version.
    """
    found = read_json(file)
    if found.get("schema") not in versions:
        raise Unusable(OTHER_VERSION, file)
    if not is_sealed({key: value for key, value in found.items() if key not in forgiven}):
        raise Unusable(DAMAGED, file, "it was changed after it was written")
    return found


def sha256(content: bytes) -> str:
    """The sha256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def parse_correlations(content: bytes, file: Path) -> pd.DataFrame:
    """A ``correlations.csv``; names stay text, whatever they look like.

    Raises:
        Unusable: it is no such table.
    """
    table = parse_csv(content)
    if table is None or not len(table):
        raise Unusable(DAMAGED, file, "no table of correlations")
    frame: pd.DataFrame = table.to_pandas()
    return frame


def parse_weights(content: bytes, file: Path) -> pd.DataFrame:
    """A ``channel_weights.csv``.

    Raises:
        Unusable: it is no such table.
    """
    table = parse_csv(content)
    if table is None or not {"readout", "layer", "channel", "weight", "srcc"} <= set(table.column_names):
        raise Unusable(DAMAGED, file, "no table of weights")
    frame: pd.DataFrame = table.to_pandas()
    return frame


def parse_csv(content: bytes) -> pa.Table | None:
    """The rows of a table of ours, each cell exactly as it was written; None if it is none.

    Columns of ``NAMES`` are text, all others numbers or truths; an empty number is missing.
    """
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(content),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={name: pa.string() for name in NAMES}, null_values=["", "nan", "NaN"]
            ),
            read_options=pyarrow.csv.ReadOptions(block_size=2**30),
        )
    except (pa.ArrowException, ValueError, OSError):
        return None
    if len(set(table.column_names)) < table.num_columns:
        return None
    for number, field in enumerate(table.schema):
        if pa.types.is_null(field.type):
            table = table.set_column(number, field.name, table[number].cast(pa.float64()))
    numeric = (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean)
    fits = (field.name in NAMES or any(kind(field.type) for kind in numeric) for field in table.schema)
    return table if all(fits) else None


def parse_scores(content: bytes, file: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """A ``scores.parquet``, whole or some columns of it.

    Raises:
        Unusable: it is no Parquet, or lacks a column.
    """
    try:
        table = pq.read_table(pa.BufferReader(content), columns=None if columns is None else list(columns))
        frame: pd.DataFrame = table.to_pandas()
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise Unusable(DAMAGED, file, "no Parquet") from error
    lacking = [name for name in columns or () if name not in frame]
    if lacking:
        raise Unusable(DAMAGED, file, f"it has no column {lacking[0]}")
    return frame


def parse_config(content: bytes, file: Path) -> Config:
    """The configuration in a ``config.yaml``, as plain data: a reference to anything else is refused.

    Raises:
        Unusable: it is no such YAML, or has keys or values that this version does not know.
    """
    values = parse_yaml(content, file)
    try:
        text = json.dumps(values)
        exact = json.loads(text) == values  # JSON would make text of a key that is a number
        return deepcopy(_made(text)) if exact else make(Config, values)
    except (UserError, TypeError, RecursionError) as error:
        raise Unusable(OTHER_VERSION, file, f"{error}: run it again") from error


@lru_cache(maxsize=512)  # a report asks for the same file several times; checking takes forty times as long as reading
def _made(text: str) -> Config:
    return make(Config, json.loads(text))


def parse_yaml(content: bytes, file: Path) -> dict[str, Any]:
    """The mapping in a YAML file that comes from somebody else: nothing but plain values, and not too many of them.

    Raises:
        Unusable: it is none, too large or too deep, or it has an alias or ``${...}``.
    """
    if len(content) > yaml_files.LARGEST_FILE:
        raise Unusable(DAMAGED, file, f"larger than {yaml_files.LARGEST_FILE >> 20} MiB")
    try:
        text = content.decode("utf-8")
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST_YAML:
                raise Unusable(DAMAGED, file, "aliases or too many levels, which no result has")
        values = yaml_files.parse_yaml(text)
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, TypeError) as error:
        raise Unusable(DAMAGED, file, "no YAML") from error
    if not isinstance(values, dict):
        raise Unusable(DAMAGED, file, "no configuration")
    if _refers(values):
        raise Unusable(DAMAGED, file, "it refers to something else by ${...}, which no result does")
    return values


def _refers(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_refers(key) or _refers(entry) for key, entry in value.items())
    if isinstance(value, list):
        return any(_refers(entry) for entry in value)
    return isinstance(value, str) and "${" in value
