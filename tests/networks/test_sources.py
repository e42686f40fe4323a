"""Where weights come from: folders, packages, downloads, and what is said when they cannot be had."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from iqa_lab.config import WeightsConfig
from iqa_lab.errors import UserError
from iqa_lab.networks.sources import _own_name, _torch_cache, find_weights_file, is_available


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and notes beside it what it was asked for."""

    def log_message(self, *_: object) -> None:
        with (Path(self.directory).parent / "asked").open("a") as file:
            file.write(f"{self.path}\n")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a folder ``served`` on this machine."""
    (tmp_path / "served").mkdir()
    handler = partial(Quiet, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, args=[0.01], daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.fixture(autouse=True)
def _empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.delenv("IQA_LAB_WEIGHTS", raising=False)
    monkeypatch.setattr("iqa_lab.downloads.files.WAIT", 0.01)  # before another attempt


def test_a_url_is_downloaded_once_and_verified(tmp_path: Path, server: str) -> None:
    served = tmp_path / "served" / "x.pth"
    served.write_bytes(b"weights")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    config = WeightsConfig(url=f"{server}/x.pth", sha256=sha256[:8])
    assert find_weights_file(config).read_bytes() == b"weights"
    served.unlink()
    assert find_weights_file(config).read_bytes() == b"weights"
    with pytest.raises(UserError, match="damaged or another file: its sha256 begins with"):
        find_weights_file(WeightsConfig(url=f"{server}/x.pth", sha256="0" * 64))


def test_what_cannot_be_downloaded_is_one_clear_error(tmp_path: Path, server: str) -> None:
    with pytest.raises(UserError, match=r"could not download .*/y.pth .*404.*list weights available=True"):
        find_weights_file(WeightsConfig(url=f"{server}/y.pth"))
    with pytest.raises(UserError, match="could not download http://127.0.0.1:9/x.pth"):
        find_weights_file(WeightsConfig(url="http://127.0.0.1:9/x.pth"))
    assert not list(tmp_path.glob("hub/checkpoints/*.pth"))


def test_cells_at_an_address_have_files_of_their_own(tmp_path: Path, server: str) -> None:
    for folder in "ab":  # two publications that call their file the same
        (tmp_path / "served" / folder).mkdir()
        (tmp_path / "served" / folder / "checkpoint.pth").write_text(folder)
    for folder in "ab":
        config = WeightsConfig(source=f"url:{server}/{folder}/checkpoint.pth")
        assert not is_available(config)
        assert find_weights_file(config).read_text() == folder
        assert is_available(config)


def test_the_hugging_face_hub_through_a_mirror(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("IQA_LAB_MIRROR", server)
    config = WeightsConfig(source="hf:someone/something/model.ckpt")
    with pytest.raises(UserError, match="could not download model.ckpt of someone/something from the Hugging"):
        find_weights_file(config)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[0].endswith("/huggingface.co/someone/something/resolve/main/model.ckpt")


def test_torchvision_without_a_network_names_what_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IQA_LAB_MIRROR", "http://no-such-host.invalid")
    config = WeightsConfig(source="torchvision:AlexNet_Weights.IMAGENET1K_V1")
    assert not is_available(config)
    with pytest.raises(UserError, match=r"alexnet-owt-7be5be79.pth \(.*available=True"):
        find_weights_file(config)


def test_torchvision_files_in_torchs_own_cache_are_found(tmp_path: Path) -> None:
    cached = tmp_path / "hub" / "checkpoints" / "alexnet-owt-7be5be79.pth"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"x")
    config = WeightsConfig(source="torchvision:AlexNet_Weights.IMAGENET1K_V1")
    assert is_available(config) and find_weights_file(config) == cached
    config.sha256 = "7be5be79"
    assert is_available(config)  # by the digits in its name, without torchvision
    assert not is_available(WeightsConfig(source="torchvision:VGG16_Weights.IMAGENET1K_V1", sha256="397923af"))
    with pytest.raises(UserError, match="damaged or another file"):
        find_weights_file(config)


def test_the_hugging_face_hub_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
    config = WeightsConfig(source="hf:timm/mobilenetv2_100.ra_in1k")
    assert not is_available(config)
    with pytest.raises(UserError, match=r"could not download model.safetensors of timm/mobilenetv2_100.ra_in1k"):
        find_weights_file(config)


def test_folder_and_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = WeightsConfig(source="folder:x.pth")
    with pytest.raises(UserError, match="set IQA_LAB_WEIGHTS to the folder that holds it"):
        find_weights_file(folder)
    monkeypatch.setenv("IQA_LAB_WEIGHTS", str(tmp_path))
    assert not is_available(folder)
    with pytest.raises(UserError, match="there is no x.pth in IQA_LAB_WEIGHTS="):
        find_weights_file(folder)
    (tmp_path / "x.pth").touch()
    assert is_available(folder) and find_weights_file(folder) == tmp_path / "x.pth"
    with pytest.raises(UserError, match="pip install no-such-package"):
        find_weights_file(WeightsConfig(source="package:no_such_package/x.pth"))
    with pytest.raises(UserError, match="the kind is none of folder, package, torchvision, hf, url"):
        find_weights_file(WeightsConfig(source="ftp:x"))


@pytest.mark.parametrize("place", ["path", "url", "source"])
@pytest.mark.parametrize("wrong", ["", "sha256:", "abc", "0" * 64, "z" * 64, "md5:" + "0" * 32])
def test_every_way_to_a_file_compares_its_checksum(
    place: str, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(b"weights")
    monkeypatch.setenv("IQA_LAB_WEIGHTS", str(tmp_path))
    value = {"path": str(path), "url": "http://127.0.0.1:9/x.pth", "source": "folder:x.pth"}[place]
    if place == "url":  # it is in the cache
        cached = _torch_cache(_own_name(value))
        cached.parent.mkdir(parents=True)
        path.rename(cached)
    right = hashlib.sha256(b"weights").hexdigest()
    for good in (right, f"sha256:{right.upper()}", right[:8], None):
        assert find_weights_file(WeightsConfig(sha256=good, **{place: value})).read_bytes() == b"weights"
    with pytest.raises(UserError, match=r"sha256"):
        find_weights_file(WeightsConfig(sha256=wrong, **{place: value}))


def test_ones_own_file_in_a_filled_cell_is_not_the_publishers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(b"weights")
    cell = {"goal": "classification", "dataset": "imagenet1k", "architecture": "alexnet", "path": str(path)}
    assert find_weights_file(WeightsConfig(sha256="7be5be79", **cell)) == path
    assert "is not the file that this cell publishes" in " ".join(capsys.readouterr().err.split())
    with pytest.raises(UserError, match="is not the file of weights.sha256: its sha256 begins with"):
        find_weights_file(WeightsConfig(sha256="7be5be78", **cell))
