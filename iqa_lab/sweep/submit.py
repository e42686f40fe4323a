"""A sweep handed to SLURM as one array of jobs; nobody has to wait for it."""

import os
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from iqa_lab.errors import UnitFailed, UserError, counted
from iqa_lab.sweep.ledger import FAILED, LOST, MISSING
from iqa_lab.sweep.plan import Plan, save_jobs
from iqa_lab.sweep.show import counts, print_view
from iqa_lab.sweep.sweeper import new_name
from iqa_lab.sweep.work import first_line, work

# Settings of Hydra's launcher that submitit knows by the same name for every kind of cluster.
_COMMON = ("timeout_min", "cpus_per_task", "gpus_per_node", "tasks_per_node", "mem_gb", "nodes", "name",
           "stderr_to_stdout")  # fmt: skip


def submit(plan: Plan, jobs: int, config: DictConfig) -> str | None:
    """Hand the units that are not done to SLURM; returns the array's number, None if no unit is left.

    Args:
        plan: the units that are wanted.
        jobs: of the array; each takes units until none is left.
        config: with the preset ``hydra/launcher=slurm``.

    Raises:
        UserError: submitit is not installed, or the launcher is no SLURM.
        UnitFailed: the queue refuses the jobs.
    """
    print_view(counts(plan))
    todo = [entry for entry in plan.having(MISSING, FAILED, LOST) if entry.facts.error is None]
    if not todo:
        print_view("nothing to do")
        return None
    settings = OmegaConf.to_container(config.hydra.launcher, resolve=True)
    assert isinstance(settings, dict)
    if not str(settings.pop("_target_", "")).endswith("SlurmLauncher"):
        raise UserError("iqa-lab submit is for SLURM: hydra/launcher=slurm, or a preset of your own like it")
    try:
        import submitit
    except ImportError as error:
        raise UserError("SLURM needs an extra: pip install iqa-lab[slurm]") from error
    file = save_jobs(plan, todo, new_name(), None)
    folder = str(settings.pop("submitit_folder"))
    known = {str(key): value for key, value in settings.items() if value is not None and key != "max_num_timeout"}
    parameters = {key if key in _COMMON else f"slurm_{key}": value for key, value in known.items()}
    executor = submitit.AutoExecutor(
        folder=folder, cluster="slurm", slurm_max_num_timeout=settings.get("max_num_timeout") or 0
    )
    executor.update_parameters(**parameters)
    try:
        handed_in = executor.map_array(work, [str(file)] * jobs, list(range(jobs)))
    except Exception as error:  # whatever sbatch says
        raise UnitFailed(f"SLURM refuses the jobs: {first_line(error)}") from error
    number = str(handed_in[0].job_id).partition("_")[0]
    logs = os.path.relpath(Path(folder.replace("%j", f"{number}_*")))
    what = f"{counted(len(todo), 'unit')} in {counted(jobs, 'job')}"
    print_view(f"job {number}: {what}; iqa-lab status shows how far it is, logs: {logs}")
    return number
