"""Every tensor accounted for, and nothing from a file is ever executed."""

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from iqa_lab.config import WeightsConfig
from iqa_lab.errors import UserError
from iqa_lab.networks.weights import load_weights, read_state_dict, weights_digest


def module(seed: int = 0, classes: int = 3) -> nn.Module:
    torch.manual_seed(seed)
    parts = OrderedDict(conv=nn.Conv2d(3, 4, 3), bn=nn.BatchNorm2d(4), fc=nn.Linear(4, classes))
    return nn.Sequential(parts).eval()


@pytest.fixture
def trained() -> nn.Module:
    return module(seed=1)


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("form", ["safetensors", "torch", "legacy torch", "nested with prefix"])
def test_every_form_of_file_gives_the_same_tensors(tmp_path: Path, trained: nn.Module, form: str) -> None:
    state, config = trained.state_dict(), WeightsConfig()
    path = tmp_path / ("x.safetensors" if form == "safetensors" else "x.pth")
    if form == "safetensors":
        save_file(state, path)
    elif form == "nested with prefix":
        prefixed = {f"module.{key}": value for key, value in state.items()}
        torch.save({"best_prec1": 91.0, "a": {"state_dict": prefixed}}, path)
        config = WeightsConfig(state="a/state_dict", prefix="module.")
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form == "torch")
    loaded = module(seed=2)
    assert not same(loaded, trained)
    assert load_weights(loaded, path, config) == []
    assert same(loaded, trained)
    assert weights_digest(loaded) == weights_digest(trained) != weights_digest(module(seed=2))


def test_in_order_matches_other_names_by_order_and_shape(tmp_path: Path, trained: nn.Module) -> None:
    renamed = {f"other{number}": value for number, value in enumerate(trained.state_dict().values()) if value.ndim}
    torch.save(renamed, tmp_path / "x.pth")
    loaded = module(seed=2)
    load_weights(loaded, tmp_path / "x.pth", WeightsConfig(keys="in_order"))
    assert same(loaded, trained)
    torch.save({**renamed, "more": torch.zeros(1)}, tmp_path / "y.pth")
    with pytest.raises(UserError, match="9 tensors, 8 expected"):
        load_weights(loaded, tmp_path / "y.pth", WeightsConfig(keys="in_order"))


def test_missing_left_over_and_reshaped_keys_are_counted_and_named(tmp_path: Path, trained: nn.Module) -> None:
    state = trained.state_dict()
    del state["conv.bias"]
    state["head.weight"] = torch.zeros(1)
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(UserError, match=r"1 key missing \(conv.bias\); 1 key left over \(head.weight\)"):
        load_weights(module(), tmp_path / "x.pth", WeightsConfig())
    declared = WeightsConfig(ignores=["conv.b*", "head.*"])
    assert load_weights(module(), tmp_path / "x.pth", declared) == ["conv.bias"]
    with pytest.raises(UserError, match=r"2 keys of another shape \(fc.weight, fc.bias\)"):
        load_weights(module(classes=5), tmp_path / "x.pth", declared)


class Bomb:
    """An object whose unpickling writes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("raw", [True, False])
def test_a_pickle_with_code_is_refused_and_not_executed(tmp_path: Path, raw: bool) -> None:
    target, path = tmp_path / "executed", tmp_path / "x.pth"
    content = {"state_dict": Bomb(target)}
    path.write_bytes(pickle.dumps(content)) if raw else torch.save(content, path)
    with pytest.raises(UserError, match="was not opened: it holds more than tensors"):
        read_state_dict(path, None, "")
    assert not target.exists()


@pytest.mark.parametrize("name", ["x.safetensors", "x.pth", "legacy.pth"])
def test_a_truncated_file_is_refused(tmp_path: Path, trained: nn.Module, name: str) -> None:
    path = tmp_path / name
    if name == "x.safetensors":
        save_file(trained.state_dict(), path)
    else:
        torch.save(trained.state_dict(), path, _use_new_zipfile_serialization=name == "x.pth")
    for size in (path.stat().st_size // 2, 10, 0):
        path.write_bytes(path.read_bytes()[:size])
        with pytest.raises(UserError, match="damaged"):
            read_state_dict(path, None, "")


def test_a_file_without_a_state_dict_says_what_it_holds(tmp_path: Path, trained: nn.Module) -> None:
    torch.save({"epoch": 3, "model": trained.state_dict()}, tmp_path / "x.pth")
    with pytest.raises(UserError, match=r"more than tensors at its top \(epoch, model\): .* weights.state=model"):
        read_state_dict(tmp_path / "x.pth", None, "")
    with pytest.raises(UserError, match=r"nothing at weights.state=state_dict: it holds epoch, model"):
        read_state_dict(tmp_path / "x.pth", "state_dict", "")
    with pytest.raises(UserError, match="9 keys do not begin with 'module.'"):
        read_state_dict(tmp_path / "x.pth", "model", "module.")
    torch.save([1, 2], tmp_path / "y.pth")
    with pytest.raises(UserError, match="holds no state dict but list"):
        read_state_dict(tmp_path / "y.pth", None, "")


@pytest.mark.parametrize("name", [str.encode, hash, lambda key: (key,)])
def test_keys_that_are_no_text_are_refused(tmp_path: Path, trained: nn.Module, name: Callable[[str], object]) -> None:
    torch.save({name(key): value for key, value in trained.state_dict().items()}, tmp_path / "x.pth")
    with pytest.raises(UserError, match="the keys of 9 tensors are no text"):
        read_state_dict(tmp_path / "x.pth", None, "")


@pytest.mark.parametrize("form", ["pth", "legacy.pth", "safetensors"])
def test_changed_bytes_are_one_line_or_tensors(tmp_path: Path, trained: nn.Module, form: str) -> None:
    """Whatever byte it is; only zip files have checksums, so that the others may hold other numbers."""
    file = tmp_path / f"x.{form}"
    state = trained.state_dict()
    if form == "safetensors":
        save_file(state, file)
    else:
        torch.save(state, file, _use_new_zipfile_serialization=form == "pth")
    content = file.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(content), 60):
        file.write_bytes(content[:place] + bytes([content[place] ^ 0x15]) + content[place + 1 :])
        try:
            found = read_state_dict(file, None, "")
        except UserError:
            continue
        assert form != "pth" or all(torch.equal(found[key], value) for key, value in state.items())


def changed(value: Tensor, kind: str) -> Tensor:
    """The same numbers, or nearly, as a tensor of another kind."""
    match kind:
        case "meta":
            return value.to("meta")
        case "sparse":
            return value.to_sparse()
        case "quantised":
            return torch.quantize_per_tensor(value, 0.01, 0, torch.qint8)
        case "nan" | "inf" | "-inf":
            return value.index_fill(0, torch.tensor([0]), float(kind))
        case "beyond float32":
            return value.double().index_fill(0, torch.tensor([0]), 1e300)
    return value.to(getattr(torch, kind))


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "int32", "int64", "bool", "complex64", "float8_e4m3fn",
                                  "sparse", "meta", "quantised", "nan", "inf", "-inf", "beyond float32"])  # fmt: skip
@pytest.mark.parametrize("key", ["conv.weight", "bn.running_var"])
@pytest.mark.parametrize("keys", ["same", "in_order"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tensors_of_another_kind_are_refused_by_key(
    tmp_path: Path, trained: nn.Module, kind: str, key: str, keys: str
) -> None:
    state = trained.state_dict()
    state[key] = changed(state[key], kind)
    torch.save(state, tmp_path / "x.pth")
    loaded = module()
    with pytest.raises(UserError, match=rf"x.pth: {key} holds|damaged"):
        load_weights(loaded, tmp_path / "x.pth", WeightsConfig(keys=keys))
    assert same(loaded, module())  # nothing was loaded before it was seen


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
def test_floats_of_another_length_are_converted(tmp_path: Path, trained: nn.Module, kind: str) -> None:
    state = {key: changed(value, kind) if value.ndim else value for key, value in trained.state_dict().items()}
    torch.save(state, tmp_path / "x.pth")
    loaded = module()
    assert load_weights(loaded, tmp_path / "x.pth", WeightsConfig()) == []
    assert all(torch.equal(value, state[key].to(value.dtype)) for key, value in loaded.state_dict().items())
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}


def test_integers_stay_integers_and_masks_may_be_infinite(tmp_path: Path) -> None:
    class WithBuffers(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("index", torch.arange(3))
            self.register_buffer("mask", torch.tensor([0, -torch.inf]))

    torch.save(WithBuffers().state_dict(), tmp_path / "x.pth")
    assert load_weights(WithBuffers(), tmp_path / "x.pth", WeightsConfig()) == []
    for state in (
        {"index": torch.arange(3.0)},
        {"mask": torch.tensor([-torch.inf, 0])},
        {"index": torch.ones(3).bool()},
    ):
        torch.save({**WithBuffers().state_dict(), **state}, tmp_path / "x.pth")
        with pytest.raises(UserError, match=f"x.pth: {next(iter(state))} holds"):
            load_weights(WithBuffers(), tmp_path / "x.pth", WeightsConfig())


def test_a_changed_byte_of_a_tensor_is_noticed(tmp_path: Path, trained: nn.Module) -> None:
    """Torch reads such a file without a word; its archive's checksums say that it is wrong."""
    path = tmp_path / "x.pth"
    torch.save(trained.state_dict(), path)
    content = bytearray(path.read_bytes())
    place = content.find(trained.state_dict()["fc.weight"].numpy().tobytes())
    assert place > 0
    content[place + 2] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(UserError, match="x.pth is damaged: the checksum of .* in it is wrong"):
        load_weights(module(), path, WeightsConfig())


@pytest.mark.parametrize(
    ("wrap", "hint"),
    [
        (lambda key: f"module.{key}", "weights.prefix=module."),
        (lambda key: f"module.model.{key}", "weights.prefix=module.model."),
        (lambda key: f"x{key}", None),
    ],
)
def test_keys_behind_one_prefix_name_it(tmp_path: Path, trained: nn.Module, wrap: object, hint: str | None) -> None:
    assert callable(wrap)
    state = {wrap(key): value for key, value in trained.state_dict().items()}
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(UserError, match="does not fit this architecture") as raised:
        load_weights(trained, tmp_path / "x.pth", WeightsConfig())
    assert (hint in str(raised.value)) if hint else ("weights.prefix" not in str(raised.value))
    if hint:
        load_weights(trained, tmp_path / "x.pth", WeightsConfig(prefix=hint.partition("=")[2]))


def test_a_prefix_beside_other_keys_says_what_to_do_with_them(tmp_path: Path, trained: nn.Module) -> None:
    state = {f"encoder.{key}": value for key, value in trained.state_dict().items()}
    torch.save({**state, "projector.weight": torch.zeros(2, 2)}, tmp_path / "x.pth")
    with pytest.raises(UserError, match=r"weights.prefix=encoder. and weights.ignores=.*projector.weight"):
        load_weights(trained, tmp_path / "x.pth", WeightsConfig())
    load_weights(trained, tmp_path / "x.pth", WeightsConfig(prefix="encoder.", ignores=["projector.*"]))
