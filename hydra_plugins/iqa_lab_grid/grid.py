"""The sweeper as Hydra wants it: everything it does is in ``iqa_lab.sweep``."""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class GridSweeperConf:
    """Settings below ``hydra.sweeper``."""

    _target_: str = "hydra_plugins.iqa_lab_grid.grid.GridSweeper"
    params: dict[str, Any] = field(default_factory=dict)  # the grid of an experiment
    seeds: int = 1  # how many random initialisations stand for goal=untrained, seed 0 and on
    jobs: int | None = None  # how many jobs share the units; null: as many as are worth starting
    action: str = "run"  # run | plan: show what would be done | status | submit: to SLURM, and return
    retry: str = "all"  # all: what is missing and what failed; failed: only that
    everything: bool = False  # lists are shown in full
    report_folder: str | None = None  # where a report shall be
    watch: bool = False  # of the status: until all is done
    work: str | None = None  # set by the sweeper: the plan that a job takes its units from


ConfigStore.instance().store(group="hydra/sweeper", name="grid", node=GridSweeperConf, provider="iqa_lab")


class GridSweeper(Sweeper):
    """Plans the grid, skips what is done, and hands jobs to any launcher."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra gives; the launcher is made when there is something to launch."""
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def sweep(self, arguments: list[str]) -> Any:
        """Plan and carry out the sweep of these overrides."""
        from iqa_lab.cli.sweep import sweep  # Hydra imports all plug-ins whenever it starts

        assert self.config is not None
        assert self.hydra_context is not None
        assert self.task_function is not None
        return sweep(arguments, self.config, self.hydra_context, self.task_function)
