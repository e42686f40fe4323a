"""A real sweep on a real SLURM: ``make test-slurm``. As root, on a machine of its own: Debian's slurm with one node.

The sweep runs through sbatch; a job is killed in the middle with kill -9, and another cancelled by scancel; the same
command again ends complete. Then the same with ``iqa-lab submit``, which does not wait.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.launchers.grid import UNITS, call, check_complete, command, finished, wait_for

ETC = Path("/etc/slurm/slurm.conf")
PACKAGES = ["slurmctld", "slurmd", "slurm-client", "munge"]
CONFIGURATION = """\
ClusterName=iqa
SlurmctldHost={host}
AuthType=auth/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
KillWait=5
NodeName={host} CPUs={cores} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
LAUNCHER = [
    "hydra/launcher=slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.gpus_per_node=null",
    "hydra.launcher.mem_gb=null", "hydra.launcher.timeout_min=20", "hydra.sweeper.jobs=2",
]  # fmt: skip


def install() -> None:
    """Debian's packages, where they are not there yet."""
    if not all(shutil.which(name, path="/usr/bin:/usr/sbin") for name in ("sbatch", "slurmctld", "slurmd", "munged")):
        call(["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES])


def start(folder: Path) -> list[subprocess.Popen[bytes]]:
    """Munge, controller and node, in the foreground of their own processes."""
    host = call(["hostname", "-s"]).strip()
    for name in ("state", "spool"):
        (folder / name).mkdir()
    ETC.parent.mkdir(exist_ok=True)
    ETC.write_text(CONFIGURATION.format(host=host, folder=folder, cores=os.cpu_count()))
    if not Path("/etc/munge/munge.key").is_file():
        call(["mungekey"])
    Path("/run/munge").mkdir(exist_ok=True)
    shutil.chown("/run/munge", "munge", "munge")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    daemons = []
    if subprocess.run(["munge", "-n"], capture_output=True).returncode:
        munged = ["runuser", "-u", "munge", "--", "munged", "--foreground", "--force"]
        daemons.append(subprocess.Popen(munged, **quiet))  # type: ignore[call-overload]
        wait_for(lambda: subprocess.run(["munge", "-n"], capture_output=True).returncode == 0, "munged")
    daemons.append(subprocess.Popen(["slurmctld", "-D", "-i"], **quiet))  # type: ignore[call-overload]
    wait_for(lambda: "UP" in subprocess.run(["scontrol", "ping"], capture_output=True, text=True).stdout, "slurmctld")
    daemons.append(subprocess.Popen(["slurmd", "-D"], **quiet))  # type: ignore[call-overload]
    wait_for(lambda: "idle" in call(["sinfo", "-h", "-o", "%T"]), "the node")
    return daemons


def jobs() -> list[str]:
    """The numbers of the jobs that are in the queue, those of an array one by one."""
    return call(["squeue", "-h", "-r", "-o", "%i"]).split()


def workers() -> list[int]:
    """The processes that compute, those that SLURM started."""
    found = call(["pgrep", "-f", "submitit.core._submit"]) if jobs() else ""
    return [int(number) for number in found.split()]


def sweep_with_a_killed_job(folder: Path) -> None:
    """A job loses its process, another is cancelled; the same command again does the rest."""
    results = folder / "swept"
    sweep = command("sweep", *LAUNCHER, f"results={results}")
    running = subprocess.Popen(sweep, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder)
    wait_for(lambda: finished(results) >= 3, "the first units")
    os.kill(workers()[0], signal.SIGKILL)
    wait_for(lambda: finished(results) >= 6, "the other job")
    print(f"a worker was killed at {finished(results)} of {UNITS} units")
    for number in jobs():
        call(["scancel", number])
    running.send_signal(signal.SIGKILL)  # and the command itself, as when a session closes
    running.communicate()
    wait_for(lambda: not jobs(), "the queue to be empty")
    before = finished(results)
    assert before < UNITS, "the sweep was over before it could be disturbed"
    print(f"everything was cancelled at {before} of {UNITS} units")
    print(call(sweep, cwd=folder).splitlines()[-1])
    check_complete(results)


def submitted(folder: Path) -> None:
    """``iqa-lab submit`` comes back at once with the job's number; the units come by themselves."""
    results = folder / "submitted"
    started = time.time()
    said = call(command("submit", *LAUNCHER, f"results={results}"), cwd=folder)
    took = time.time() - started
    number = re.search(r"job (\d+): 32 units in 2 jobs", said)
    assert number, said
    assert finished(results) < UNITS, "it waited for the units"
    assert any(one.startswith(number.group(1)) for one in jobs())
    print(f"submitted job {number.group(1)} in {took:.0f} s")
    status = [sys.executable, "-m", "iqa_lab", "status", f"results={results}"]
    wait_for(lambda: "running: " in call(status, cwd=folder), "the status to show a running unit")
    wait_for(lambda: not jobs(), "the jobs", 600)
    print(call(status, cwd=folder).splitlines()[0])
    check_complete(results)


def main() -> None:
    """Install, start, sweep, stop."""
    install()
    folder = Path(tempfile.mkdtemp(prefix="iqa-slurm-"))
    earlier = ETC.read_text() if ETC.is_file() else None
    daemons = []
    try:
        daemons = start(folder)
        print(call(["sinfo"]))
        sweep_with_a_killed_job(folder)
        submitted(folder)
        print("SLURM: passed")
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait()
        if earlier is not None:
            ETC.write_text(earlier)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
