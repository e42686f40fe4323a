"""iqa-lab verify: every fault of a file is named, nothing stops at the first, and servers are only asked."""

import hashlib
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from iqa_lab.downloads import answers
from tests.conftest import Finished, untrained

Command = Callable[..., Finished]
MOBILE, WIDER = "mobilenetv1_025_imagenet_features.safetensors", "mobilenetv1_050_imagenet_features.safetensors"
SQUEEZE = "squeezenet1_0_imagenet1000.safetensors"


def facts(file: Path = Path("verify.json")) -> dict[str, dict[str, Any]]:
    """What was written, by the last part of the training's name."""
    content = json.loads(file.read_text())
    assert {"iqa_lab", "torch", "timm", "python", "system"} <= set(content["made_by"])
    return {row["training"].rpartition("/")[2]: row for row in content["trainings"]}


def test_files_as_published_are_ok(iqa_lab: Command, shared_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IQA_LAB_WEIGHTS", str(shared_weights))
    done = iqa_lab("verify", "weights=mobilenetv2_tf,resnet20_cifar", "goal=c*")
    assert done.code == 0, done.err
    content = json.loads(Path("verify.json").read_text())["trainings"]
    assert len(content) == 4 and {row["state"] for row in content} == {"ok"}
    for row in content:
        assert row["sha256"].startswith(row["expected_sha256"]) and row["random"] == []
        assert all(layer["finite"] and layer["deviation"] > 0 for layer in row["layers"])
        assert str(shared_weights) not in json.dumps(row)  # somebody sends this to strangers
    by_name = {row["training"]: row for row in content}
    assert by_name["classification/cifar10/resnet20_cifar"]["prediction"][0]["class"] == 3  # a cat
    assert by_name["classification/imagenet1k/mobilenetv2_tf"]["prediction"][0]["class"] - 1 in (281, 282, 285)
    assert by_name["classification/inat_insects/mobilenetv2_tf"]["prediction"] == []  # its head was left out


@pytest.fixture
def spoilt(tmp_path: Path, shared_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights: one file good, one cut, one renamed, one changed, one without a tensor, one with NaN."""
    folder = tmp_path / "weights"
    folder.mkdir()
    shutil.copy(shared_weights / "resnet20-12fca82f.th", folder)
    whole = (shared_weights / "resnet56-4bfd9763.th").read_bytes()
    (folder / "resnet56-4bfd9763.th").write_bytes(whole[: len(whole) // 2])
    shutil.copy(shared_weights / MOBILE, folder / "my_copy.safetensors")
    state = load_file(shared_weights / WIDER)
    first = next(key for key in state if key.endswith("weight"))
    save_file({**state, first: 2 * state[first]}, folder / WIDER)
    state = load_file(shared_weights / SQUEEZE)
    save_file({key: value for key, value in state.items() if key != "features.3.squeeze.bias"}, folder / SQUEEZE)
    monkeypatch.setenv("IQA_LAB_WEIGHTS", str(folder))
    return folder


def test_every_fault_is_named_and_nothing_stops_at_the_first(iqa_lab: Command, spoilt: Path) -> None:
    wanted = "weights=resnet20_cifar,resnet56_cifar,mobilenetv1_*,squeezenet1_0.deepcompressed"
    done = iqa_lab("verify", wanted, "--out", "sub/facts.json")
    assert done.code == 1
    assert "4 of 5 have a fault" in done.error_line
    found = facts(Path("sub/facts.json"))
    states = {name: row["state"] for name, row in found.items()}
    assert states == {
        "resnet20_cifar": "ok", "resnet56_cifar": "does not load", "mobilenetv1_025": "under another name",
        "mobilenetv1_050": "digest differs", "squeezenet1_0.deepcompressed": "does not load",
    }  # fmt: skip
    assert "damaged" in found["resnet56_cifar"]["detail"] and "expected 4bfd9763" in found["resnet56_cifar"]["detail"]
    assert f"my_copy.safetensors in IQA_LAB_WEIGHTS is {MOBILE}" in found["mobilenetv1_025"]["detail"]
    assert "it loads all the same" in found["mobilenetv1_050"]["detail"]
    assert "1 key missing (features.3.squeeze.bias)" in found["squeezenet1_0.deepcompressed"]["detail"]
    for name in states:
        assert name in done.out


def test_numbers_that_are_none_are_named(iqa_lab: Command, tmp_path: Path) -> None:
    """A file that was got by hand is given by its path."""
    state = dict(untrained("alexnet").module.state_dict())
    cell = ["goal=classification", "dataset=stylized_imagenet", "architecture=alexnet"]
    cases = {
        "does not load": {**state, "features.3.weight": state["features.3.weight"] * float("nan")},
        "gives no numbers": {**state, "features.3.weight": 0 * state["features.3.weight"],
                             "features.3.bias": 0 * state["features.3.bias"]},
    }  # fmt: skip
    for expected, content in cases.items():
        torch.save({"state_dict": content}, tmp_path / "mine.pth")
        done = iqa_lab("verify", *cell, f"weights.path={tmp_path / 'mine.pth'}")
        (row,) = facts().values()
        assert (done.code, row["state"]) == (1, expected), row
    assert row["detail"] == "layer features.4 is constant"
    assert iqa_lab("verify", *cell).code == 2 and "get it by hand" in facts()["alexnet"]["detail"]
    missing = iqa_lab("verify", *cell, "weights.path=nothing.pth")
    assert missing.code == 1 and "there is no such file" in facts()["alexnet"]["detail"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["goal=nonsense"], "no training has goal=nonsense"),
        (["colour=red"], "weights have no colour"),
        (["benchmark=nothing"], "there is no benchmark nothing"),
        (["goal=dino*"], "nothing was verified: none of .* is here"),
        (["goal=dino*", "weights.path=x.pth"], "is the file of one training"),
        (["--addresses", "--fetch"], "downloads nothing"),
        (["--addresses", "dataset=cifar10"], "nothing that was asked for has an address"),
        (["goal"], "is no filter"),
    ],
)
def test_what_cannot_be_verified(
    iqa_lab: Command, arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    done = iqa_lab("verify", *arguments)
    assert done.code == 2
    assert re.search(message, done.error_line)


def test_a_benchmark_is_looked_at(iqa_lab: Command, levels_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IQA_LAB_DATA", str(levels_home))
    done = iqa_lab("verify", "benchmark=levels")
    (row,) = facts().values()
    assert (done.code, row["state"]) == (0, "ok"), row


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A mirror: what lies at each path, and what was asked."""
    here: dict[str, Any] = {"files": {}, "asked": []}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer("HEAD")

        def do_GET(self) -> None:
            self.answer("GET")

        def answer(self, method: str) -> None:
            here["asked"].append((method, self.path, self.headers.get("Range")))
            content, kind = here["files"].get(self.path, (None, ""))
            if content is None or (kind == "no head" and method == "HEAD"):
                self.send_error(403 if kind == "login" else 405 if kind == "no head" else 404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html" if kind == "page" else "application/octet-stream")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if method == "GET":
                self.wfile.write(content)

    monkeypatch.setattr(answers, "TIMEOUTS", (2.0, 2.0))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, args=[0.01], daemon=True).start()
        monkeypatch.setenv("IQA_LAB_MIRROR", f"http://127.0.0.1:{http.server_port}")
        yield here
        http.shutdown()


def test_addresses_are_asked_and_nothing_is_downloaded(iqa_lab: Command, server: dict[str, Any]) -> None:
    swav = "/dl.fbaipublicfiles.com/deepcluster"
    server["files"] = {
        f"{swav}/selav2_400ep_pretrain.pth.tar": (b"x" * 1000, ""),
        f"{swav}/selav2_400ep_2x224_pretrain.pth.tar": (b"x" * 900, "no head"),
        "/huggingface.co/timm/vit_base_patch16_siglip_224.webli/resolve/main/model.safetensors": (b"x" * 7, ""),
        "/huggingface.co/timm/vit_base_patch16_siglip_224.v2_webli/resolve/main/model.safetensors": (b"<html>", "page"),
        "/huggingface.co/timm/vit_large_patch16_siglip_256.webli/resolve/main/model.safetensors": (None, "login"),
    }
    done = iqa_lab("verify", "--addresses", "goal=selav2")
    assert done.code == 0 and "2 of 2 addresses answer" in done.out, done.err
    rows = {row["training"]: row for row in json.loads(Path("verify.json").read_text())["addresses"]}
    assert {row["bytes"] for row in rows.values()} == {1000, 900}
    assert ("HEAD", f"{swav}/selav2_400ep_pretrain.pth.tar", None) in server["asked"]
    done = iqa_lab("verify", "--addresses", "goal=siglip,barlow_twins", "weights=resnet50,vit*")
    assert done.code == 1 and "3 of 4 do not answer" in done.error_line
    rows = {row["training"]: row for row in json.loads(Path("verify.json").read_text())["addresses"]}
    said = {name.rpartition("/")[2]: row["detail"] for name, row in rows.items()}
    assert said["vit_base_patch16_siglip_224"] == "200 OK"
    assert said["vit_base_patch16_siglip_224.v2"] == "a page, not a file"
    assert "wants a login" in said["vit_large_patch16_siglip_256"] and said["resnet50"] == "404 Not Found"
    assert done.err.count("siglip") >= 2  # the addresses that fail are named, all of them


def test_what_is_not_here_is_fetched_and_looked_at(
    iqa_lab: Command, server: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    own = tmp_path / "mine" / "weights" / "barlow_twins" / "places365"
    own.mkdir(parents=True)
    torch.save(untrained("squeezenet1_1").module.state_dict(), tmp_path / "x.pth")
    content = (tmp_path / "x.pth").read_bytes()
    settings = "goal: barlow_twins\ndataset: places365\narchitecture: squeezenet1_1\nsource: url:https://a.org/%s\n"
    (own / "squeezenet1_1.good.yaml").write_text(
        settings % "good.pth" + f"recipe: good\nsha256: {hashlib.sha256(content).hexdigest()}\n"
    )
    (own / "squeezenet1_1.other.yaml").write_text(settings % "good.pth" + "recipe: other\nsha256: 0123456789abcdef\n")
    (own / "squeezenet1_1.gone.yaml").write_text(settings % "gone.pth" + "recipe: gone\n")
    server["files"] = {"/a.org/good.pth": (content, "")}
    arguments = ["verify", "weights=squeezenet1_1*", "goal=barlow_twins", "--config-dir", str(tmp_path / "mine")]
    assert iqa_lab(*arguments).code == 2  # nothing is here
    done = iqa_lab(*arguments, "--fetch")
    found = facts()
    assert done.code == 1 and "2 of 3 have a fault" in done.error_line
    assert found["squeezenet1_1.gone"]["state"] == "not fetched" and "404" in found["squeezenet1_1.gone"]["detail"]
    assert found["squeezenet1_1.other"]["state"] == "digest differs"
    assert found["squeezenet1_1.good"]["state"] == "ok"  # it came, was verified and loads
