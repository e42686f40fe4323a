"""How a result came about."""

import subprocess
import sys

import numpy as np
import torch

from iqa_lab.scoring.memory import peak_memory_mib


def test_peak_memory_is_that_of_this_process_and_not_of_its_parent() -> None:
    program = "import torch; from iqa_lab.scoring.memory import peak_memory_mib as p; print(p(torch.device('cpu')))"
    child = int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
    more = np.ones(2 * child * 2**20 // 8)  # the parent holds twice what a fresh child does
    again = int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
    assert peak_memory_mib(torch.device("cpu")) > 1.9 * child
    assert abs(again - child) < 0.2 * child
    assert len(more)
