"""Every script of this folder, run with `--quick` in one process: `make bench-quick`. None may rot unseen.

It tells that they run and that their own assertions hold, and measures nothing.
"""

import os
import runpy
import sys
from pathlib import Path

import torch

ARGUMENTS = {"gpu": ["--device", "cpu"]}


def main() -> None:
    """Run all of them; the first that fails ends it."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or min(2, os.cpu_count() or 1)))
    for script in sorted(Path(__file__).parent.glob("*.py")):
        is_program = '__name__ == "__main__"' in script.read_text(encoding="utf-8")  # others are parts of speed.py
        if is_program and script.stem != Path(__file__).stem:
            print(f"--- {script.name} --quick", flush=True)
            sys.argv = [str(script), "--quick", *ARGUMENTS.get(script.stem, [])]
            runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()
