"""A configuration -> the settings of a pass."""

import os

import pytest
import torch

from iqa_lab.scoring import settings
from iqa_lab.scoring.settings import pass_settings
from tests.conftest import composed


@pytest.mark.parametrize(
    ("device", "said", "cores", "workers"),
    [
        ("cpu", "auto", 64, 2),
        ("cpu", "5", 2, 5),
        ("cuda", "auto", 64, 8),
        ("cuda", "auto", 4, 4),
        ("cuda", "12", 4, 12),
    ],
)
def test_how_many_decode(monkeypatch: pytest.MonkeyPatch, device: str, said: str, cores: int, workers: int) -> None:
    monkeypatch.setattr(settings, "device_named", torch.device)  # no GPU is needed for that
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    config = composed(f"runtime.device={device}", f"runtime.workers={said}")
    assert pass_settings(config, 4).workers == workers
