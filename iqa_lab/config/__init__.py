"""The configuration: the schema of a run, where its YAML files lie, and the checks at the door."""

from iqa_lab.config.names import checked_name, name_fault
from iqa_lab.config.schema import (
    LOW_IS_GOOD,
    ArchitectureConfig,
    ArchiveConfig,
    BenchmarkConfig,
    ColumnsConfig,
    Config,
    DatasetConfig,
    ExpectedConfig,
    GoalConfig,
    InputConfig,
    PreprocessConfig,
    ReadoutConfig,
    RuntimeConfig,
    SplitConfig,
    StatisticsConfig,
    TrackerConfig,
    WeightsConfig,
    register_schema,
)
from iqa_lab.config.yaml_files import read_mapping, read_yaml
from iqa_lab.folders import cache_folder, configuration_folder, data_folder, option_files

__all__ = [
    "LOW_IS_GOOD",
    "ArchitectureConfig",
    "ArchiveConfig",
    "BenchmarkConfig",
    "ColumnsConfig",
    "Config",
    "DatasetConfig",
    "ExpectedConfig",
    "GoalConfig",
    "InputConfig",
    "PreprocessConfig",
    "ReadoutConfig",
    "RuntimeConfig",
    "SplitConfig",
    "StatisticsConfig",
    "TrackerConfig",
    "WeightsConfig",
    "cache_folder",
    "checked_name",
    "configuration_folder",
    "data_folder",
    "name_fault",
    "option_files",
    "read_mapping",
    "read_yaml",
    "register_schema",
]
