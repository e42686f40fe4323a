"""Overrides -> a composed, checked configuration, and the unit or the units that it describes."""

import os
import sys
from collections.abc import Callable, Sequence

import hydra
from hydra._internal.utils import get_args_parser
from omegaconf import DictConfig

from iqa_lab.cli.arguments import full_weights, own_folder
from iqa_lab.config import Config, configuration_folder, option_files, register_schema
from iqa_lab.config.check import checked
from iqa_lab.config.options import checked_own_folder
from iqa_lab.config.overrides import for_hydra, keys_of, own_factors
from iqa_lab.errors import Interrupted, UnitFailed, UserError, choices
from iqa_lab.progress import say, status


def run_hydra(
    overrides: Sequence[str], flags: Sequence[str], do: Callable[[DictConfig], float | None] | None = None
) -> None:
    """Compose the configuration with Hydra and run the unit, or with ``-m`` the units, that it describes.

    Args:
        overrides: of the configuration.
        flags: of Hydra, with their values.
        do: something else to do with the composed configuration.

    Raises:
        UserError, UnitFailed: the unit was not scored; in a sweep UnitFailed, after all units had their turn.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    failed_run: list[Exception] = []

    def task(composed: DictConfig) -> float | None:
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            return run_job(composed)
        try:
            return (do or run_unit)(composed)
        except (UserError, UnitFailed) as error:
            failed_run.append(error)  # Hydra would print a line of its own
            return None

    plain = own_factors(overrides)
    if "--hydra-help" in flags:  # Hydra's own first lists every option of every group, which takes minutes
        print(_flags_of_hydra())
        return
    if _instead_of_running(flags):
        flags = [flag for flag in flags if flag not in ("-m", "--multirun")]
    own = own_folder(flags)
    if own is not None:
        checked_own_folder(own)
    several = bool({"-m", "--multirun"} & set(flags))
    if any(argument.startswith("weights=") for argument in plain):
        folders = [*([own] if own is not None else []), configuration_folder()]
        plain = full_weights(plain, option_files("weights", folders), several)
    arguments = [*for_hydra(plain), *flags]
    task = run_job if several else task  # launchers send it to other processes
    register_schema()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra shall raise; main() makes the line
    before, sys.argv = sys.argv, ["iqa-lab run", *arguments]
    try:
        hydra.main(version_base="1.3", config_path=str(configuration_folder()), config_name="config")(task)()
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted: finished units are kept, nothing is half-written; the same command does the rest"
        ) from None
    finally:
        sys.argv = before
    if failed_run:
        raise failed_run[0]


def _flags_of_hydra() -> str:
    """Hydra's flags, a line each; its own completion is not ours."""
    actions = [action for action in get_args_parser()._actions if "-sc" not in action.option_strings]
    rows = [(", ".join(action.option_strings), " ".join(str(action.help).split())) for action in actions]
    width = max(len(names) for names, _ in rows) + 2
    flags = "\n".join(f"  {names:<{width}}{what}" for names, what in rows if names)
    return f"Flags of Hydra, which composes the configuration (https://hydra.cc), beside the command's own:\n{flags}"


def _instead_of_running(flags: Sequence[str]) -> bool:
    """Whether Hydra is asked to show something: then nothing runs, in a sweep neither."""
    return any(flag.partition("=")[0] in ("--cfg", "-c", "--info", "-i") for flag in flags)


def run_job(composed: DictConfig) -> float:
    """Hydra's task in a sweep: a job of the sweeper ``grid``, or one unit of any other sweeper."""
    from hydra.core.hydra_config import HydraConfig

    hydra_config = HydraConfig.get()
    plan = hydra_config.sweeper.get("work")
    if plan is None:
        return run_unit(composed)
    from iqa_lab.sweep.work import work

    return work(plan, int(hydra_config.job.num))


def run_unit(composed: DictConfig) -> float:
    """Hydra's task: one unit; returns its headline number, for sweepers that optimise."""
    config = checked_unit(composed)
    with status("looking for the result"):
        from iqa_lab.store.show import show
        from iqa_lab.sweep.work import evaluate_unit

    return show(evaluate_unit(config), config)


def dry_run_unit(composed: DictConfig) -> None:
    """Hydra's task: say what a run would do."""
    config = checked_unit(composed)
    from iqa_lab.cli.foreseen_run import show_foreseen

    show_foreseen(config)


def checked_unit(composed: DictConfig) -> Config:
    """The configuration of one unit, as Hydra composed it.

    Raises:
        UserError: a key or a value is wrong, or there are no such weights.
    """
    from hydra.core.hydra_config import HydraConfig

    from iqa_lab.networks.cells import check_said, said_in_vain

    config = checked(composed)
    check_choice_of_weights(config)
    said = keys_of(HydraConfig.get().overrides.task)
    if "experiment" not in said:  # which says it itself
        check_said(config, said)
    for sentence in said_in_vain(config, said):
        say(sentence, "yellow")
    return config


def check_choice_of_weights(config: Config) -> None:
    """Refuse ``weights=...`` that does not exist: the group is optional, so Hydra itself would pass over it.

    Raises:
        UserError: no such weights; all are listed.
    """
    from hydra.core.hydra_config import HydraConfig

    hydra_config = HydraConfig.get()
    chosen = hydra_config.runtime.choices.get("weights")
    asked = any(override.startswith("weights=") for override in hydra_config.overrides.task)
    if asked and config.weights.goal is None:
        known = option_files("weights", [configuration_folder()])
        raise UserError(f"weights has no option {chosen}; choose from {choices(str(chosen), known)}")
