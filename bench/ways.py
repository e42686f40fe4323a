"""The ways to make one pass: precision, order of memory, batch size, decoding threads; each against the usual one."""

from pathlib import Path

import torch

from bench.races import Bench, Line, untrained
from iqa_lab.scoring.forward import to_device


def precisions(bench: Bench, architecture: str) -> list[Line]:
    """The plain pass in bf16, and on a GPU in tf32, against fp32."""
    lines = []
    kinds = ("bf16", "tf32") if bench.settings.device.type == "cuda" else ("bf16",)
    for precision in kinds:
        # bf16 converts a network in place, so each side has its own
        (exact, plan), (fast, _) = untrained(architecture), untrained(architecture)
        ours, rival = bench.race(bench.passes(fast, plan, precision=precision), bench.passes(exact, plan))
        target = 2 if precision == "bf16" and has_bf16(bench.settings.device) else None
        lines.append(Line(f"{precision}, plain", architecture, ours, rival, "fp32", target))
    return lines


def has_bf16(device: torch.device) -> bool:
    """Whether the processor multiplies bf16 by itself, without which it is slower than fp32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.is_file() else ""
    return "amx_bf16" in flags or "avx512_bf16" in flags


def memory_order(bench: Bench, architecture: str) -> list[Line]:
    """A forward with channels innermost, as the pass does it, against torch's usual order."""
    network, _ = untrained(architecture)
    usual, _ = untrained(architecture)
    images = bench.decoded()

    @torch.inference_mode()
    def contiguous() -> None:
        module = usual.module.to(bench.settings.device)
        for batch in images.split(bench.settings.batch_size):
            module(usual.prepare(batch.to(bench.settings.device)).contiguous())

    @torch.inference_mode()
    def channels_last() -> None:
        module = to_device(network.module, bench.settings)
        for batch in images.split(bench.settings.batch_size):
            module(network.prepare(batch.to(bench.settings.device)))

    ours, rival = bench.race(channels_last, contiguous)
    return [Line("channels_last", architecture, ours, rival, "contiguous")]


def batch_sizes(bench: Bench, architecture: str) -> list[Line]:
    """The plain pass with several batch sizes, against 8."""
    network, plan = untrained(architecture)
    sizes = (1, 2, 4, 16, 32) if bench.settings.device.type == "cpu" else (1, 16, 32, 64, 128)
    rival, *ours = bench.race(*(bench.passes(network, plan, batch_size=size) for size in (8, *sizes)))
    return [
        Line(f"batches of {size}, plain", architecture, t, rival, "batches of 8")
        for size, t in zip(sizes, ours, strict=True)
    ]


def decoding(bench: Bench, architecture: str) -> list[Line]:
    """The plain pass with one decoding thread and with four, against two."""
    network, plan = untrained(architecture)
    rival, *ours = bench.race(*(bench.passes(network, plan, workers=workers) for workers in (2, 1, 4)))
    return [
        Line(f"{w} decoding threads", architecture, t, rival, "2 threads") for w, t in zip((1, 4), ours, strict=True)
    ]
