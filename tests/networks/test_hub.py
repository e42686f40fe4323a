"""Where torch keeps its files is known without torch."""

import os
import sys
from pathlib import Path

import pytest
import torch

from iqa_lab.networks.sources import _torch_hub


@pytest.mark.parametrize("settings", [{}, {"TORCH_HOME": "/x/torch"}, {"XDG_CACHE_HOME": "/x/cache"},
                                      {"TORCH_HOME": "~/t", "XDG_CACHE_HOME": "/x"}])  # fmt: skip
def test_the_folder_is_torchs_own(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    assert _torch_hub() == Path(torch.hub.get_dir())
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "torch")
        without = _torch_hub()
    assert os.fspath(without) == torch.hub.get_dir()
