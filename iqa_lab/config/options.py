"""Files of options (``conf/goal/clip.yaml``) -> checked values, the user's own ones (``--config-dir``) before Hydra."""

from pathlib import Path
from typing import Any

from iqa_lab.config.check import check_values
from iqa_lab.config.schema import (
    ArchitectureConfig,
    BenchmarkConfig,
    Config,
    DatasetConfig,
    FamilyConfig,
    GoalConfig,
    ReadoutConfig,
    RuntimeConfig,
    TrackerConfig,
    WeightsConfig,
)
from iqa_lab.config.yaml_files import read_mapping
from iqa_lab.errors import UserError
from iqa_lab.folders import configuration_folder

# what the files of a group hold
SCHEMAS: dict[str, type] = {
    "goal": GoalConfig,
    "dataset": DatasetConfig,
    "architecture": ArchitectureConfig,
    "weights": WeightsConfig,
    "family": FamilyConfig,
    "readout": ReadoutConfig,
    "benchmark": BenchmarkConfig,
    "tracker": TrackerConfig,
    "runtime": RuntimeConfig,
    "experiment": Config,
}


def read_option(path: Path, group: str) -> dict[str, Any]:
    """What the file of an option says; its values keep the schema's rules, its keys are left to OmegaConf.

    Raises:
        UserError: it cannot be read, or a value is wrong.
    """
    values = read_mapping(path, f"option of {group}")
    own = {key: value for key, value in values.items() if key not in ("defaults", "hydra")}
    if group in SCHEMAS and _is_packed_as(path, group):
        try:
            check_values(SCHEMAS[group], own, composed=False)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
    return values


def shipped_option(group: str, name: str) -> dict[str, Any] | None:
    """What the shipped option of a group with this name says; None: there is none."""
    path = configuration_folder() / group / f"{name}.yaml"
    return read_option(path, group) if path.is_file() else None


def checked_own_folder(folder: Path) -> Path:
    """The user's own configuration folder, if every file in it can be used: Hydra reads them without limits.

    Raises:
        UserError: there is no such folder, or a file is not as it must be.
    """
    if not folder.is_dir():
        raise UserError(f"--config-dir {folder}: there is no such folder")
    for group in SCHEMAS:
        for path in sorted((folder / group).rglob("*.yaml")):
            read_option(path, group)
    for path in sorted([*folder.glob("*.yaml"), *(folder / "hydra").rglob("*.yaml")]):
        read_mapping(path, "configuration")
    return folder


def _is_packed_as(path: Path, group: str) -> bool:
    """Whether a file's values go where its group's do: Hydra's ``@package`` may send them elsewhere."""
    usual = {"experiment": "_global_", "readout": f"readouts.{path.stem}"}
    with path.open(encoding="utf-8-sig") as file:
        headers = [line.split("@package", 1)[1].strip() for line in file if line.lstrip().startswith("# @package")]
    return not headers or headers[0] in (usual.get(group), group)
