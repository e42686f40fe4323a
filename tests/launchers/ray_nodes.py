"""A real sweep on a Ray cluster of two nodes on this machine: ``make test-ray``.

Jobs run on both nodes; the second one is killed in the middle, and the same command ends complete.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tests.launchers.grid import UNITS, call, check_complete, command, finished, wait_for

LAUNCHER = [
    "hydra/launcher=ray", "hydra.launcher.ray.remote.num_cpus=1", "hydra.sweeper.jobs=2",
    "hydra.launcher.ray.init.address={address}",
]  # fmt: skip
RAY = str(Path(sys.executable).parent / "ray")
PORT = 16379
QUIET = {**os.environ, "RAY_DISABLE_IMPORT_WARNING": "1", "RAY_DEDUP_LOGS": "0", "OMP_NUM_THREADS": "1"}


def node(*arguments: str) -> subprocess.Popen[bytes]:
    """A Ray node of one core, in the foreground of a process group of its own."""
    return subprocess.Popen(
        [RAY, "start", "--block", "--num-cpus=1", "--disable-usage-stats", *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, env=QUIET,
    )  # fmt: skip


def nodes(address: str) -> int:
    """How many nodes are alive."""
    done = subprocess.run([RAY, "status", f"--address={address}"], capture_output=True, text=True, env=QUIET)
    active = done.stdout.partition("Active:")[2].partition("Pending:")[0]
    return len(re.findall(r"node_\w+", active))


def hosts_of_jobs(results: Path) -> set[int]:
    """The processes that have finished units."""
    import json

    records = [json.loads(file.read_text()) for file in (results / ".sweep" / "units").glob("*.json")]
    return {record["pid"] for record in records if record["state"] == "done"}


def main() -> None:
    """Start two nodes, sweep, kill one, end complete."""
    folder = Path(tempfile.mkdtemp(prefix="iqa-ray-"))
    results = folder / "results"
    address = f"127.0.0.1:{PORT}"
    head = node("--head", f"--port={PORT}", "--node-ip-address=127.0.0.1", "--include-dashboard=false")
    second = None
    try:
        wait_for(lambda: nodes(address) == 1, "the head")
        second = node(f"--address={address}")
        wait_for(lambda: nodes(address) == 2, "the second node")
        print("two nodes are up")
        launcher = [argument.format(address=address) for argument in LAUNCHER]
        sweep = command("sweep", *launcher, f"results={results}")
        running = subprocess.Popen(
            sweep, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder, env=QUIET
        )
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(running.stdout or []))
        reader.start()
        wait_for(lambda: len(hosts_of_jobs(results)) == 2, "units from both nodes")
        before = finished(results)
        os.killpg(second.pid, signal.SIGKILL)
        assert before < UNITS, "the sweep was over before it could be disturbed"
        print(f"the second node was killed at {before} of {UNITS} units")
        code = running.wait(600)
        reader.join()
        print(f"the sweep went on and ended with {code}: {lines[-1].strip() if lines else ''}")
        print(call(sweep, cwd=folder, env=QUIET).splitlines()[-1])
        check_complete(results)
        print("Ray: passed")
    finally:
        for process in (second, head):
            if process is not None:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
