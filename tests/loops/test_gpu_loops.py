"""The kernels for a GPU, run by Triton's interpreter on a CPU, give the sums of the compiled loops."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from iqa_lab import loops
from iqa_lab.readouts import moments
from tests.conftest import ROOT
from tests.loops.test_loops import ORDERS, responses

pytest.importorskip("numba")

# more channels and positions than a block takes at once, and fewer; one position; one channel
CASES = [
    ("channels innermost", (37, 5, 7)),
    ("channels first", (5, 19, 27)),
    ("tokens", (20, 6, 7)),
    ("every second column", (3, 5, 7)),
    ("bf16", (20, 3, 4)),
    ("bytes", (3, 9, 14)),
    ("channels innermost", (37, 1, 1)),
    ("channels first", (1, 5, 7)),
]


def test_the_kernels_give_what_the_loops_give() -> None:
    """In a process of its own: Triton decides when it is imported whether it compiles or interprets."""
    pytest.importorskip("triton")
    command = [sys.executable, "-m", "tests.loops.test_gpu_loops"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"TRITON_INTERPRET": "1"}, capture_output=True, text=True)
    no_scalars = "only 0-dimensional arrays can be converted to Python scalars" in done.stderr
    if no_scalars and np.lib.NumpyVersion(np.__version__) >= "2.5.0":
        pytest.skip("this Triton's interpreter makes whole numbers of arrays, as NumPy before 2.5 let it (3.6.0 does)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[-2] == f"{len(CASES)} agree"


def compare(order: str, shape: tuple[int, ...]) -> None:
    """An error, if the kernels' sums of these responses are not the loops'."""
    from iqa_lab.loops import gpu

    base = responses(1, 2, shape, sparse=True)
    changed = base[:1] + 0.3 * responses(2, 2, shape)
    values = ORDERS[order](torch.cat([base, changed, base[:1] * 1.1]))
    # two runs, one of a pair of equal images; and a reference for each pair
    for references, distorted in (
        ([values[:1], values[1:2]], [values[2:4], values[1:2]]),
        ([values[:2]], [values[3:5]]),
    ):
        found = [moments._statistics(torch, *run) for run in moments._sums_on_gpu(gpu, references, distorted)]
        sums_on_cpu = moments._sums_on_cpu(loops.loops("sums"), references, distorted)
        expected = [moments._statistics(np, *run) for run in sums_on_cpu]
        of_gpu = map(torch.cat, zip(*found, strict=True))
        of_cpu = map(np.concatenate, zip(*expected, strict=True))
        for ours, theirs in zip(of_gpu, of_cpu, strict=True):  # all is float64; only the order of sums differs
            torch.testing.assert_close(ours, torch.from_numpy(theirs), rtol=1e-11, atol=1e-13)
        sums = torch.cat([gpu.differences(*run) for run in moments._even(gpu, references, distorted)])
        by_loops = moments.differences(references, distorted)
        assert by_loops is not None
        # the loops add a few values in float32
        torch.testing.assert_close(sums, torch.stack(by_loops, 1), rtol=1e-6, atol=0)


@pytest.mark.parametrize(("kind", "module"), [("cpu", "sums"), ("cuda", "gpu"), ("mps", None)])
def test_each_kind_of_device_has_its_own_sums(kind: str, module: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "loops", lambda name: name)
    assert loops.sums_on(kind) == module


@pytest.mark.parametrize(
    ("shape", "reached"), [((1, 64, 8192, 4096), True), ((1, 64, 8192, 4097), False), ((9, 64, 4096, 4096), True)]
)
def test_an_image_that_32_bits_cannot_count_is_left_to_torch(shape: tuple[int, ...], reached: bool) -> None:
    assert moments.within_reach(torch.empty(shape, device="meta")) is reached
    innermost = torch.empty(shape, device="meta", memory_format=torch.channels_last)
    assert moments.within_reach(innermost) is reached
    assert not moments.within_reach(torch.empty(1, 64, 8192, 8192, device="meta")[..., ::2])


@pytest.mark.usefixtures("anew")
def test_where_the_kernels_do_not_run_torch_serves_and_that_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def too_old() -> None:
        raise RuntimeError("this GPU is too old")

    monkeypatch.setattr(loops, "import_module", lambda _name: SimpleNamespace(try_out=too_old))
    assert [loops.loops("gpu") for _ in range(3)] == [None] * 3
    said = capsys.readouterr()
    assert (said.out + said.err).count("Triton cannot be used") == 1
    assert "too old" in said.out + said.err


if __name__ == "__main__":
    for case in CASES:
        compare(*case)
    print(f"{len(CASES)} agree")
