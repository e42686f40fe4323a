"""A network that was built once -> what its results depend on, remembered; and back, without torch and its seconds.

What is remembered holds only while nothing has changed that it was made of: the configuration of the network, the
programs that build it, and the file of its weights, by size, times and place on the disk (one of which no program can
set back). It lies below ``$IQA_LAB_CACHE`` (else the user's cache folder), and may be deleted any time. Networks of
somebody's own code are built every time.
"""

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iqa_lab.config import ArchitectureConfig, Config, InputConfig, cache_folder
from iqa_lab.imports import is_own
from iqa_lab.networks.cells import BASELINE
from iqa_lab.networks.forms import Form
from iqa_lab.networks.layer import Layer
from iqa_lab.networks.sources import local_file
from iqa_lab.progress import overheard, say
from iqa_lab.store.reading import Unusable, read_sealed
from iqa_lab.store.signature import digest_of, seal
from iqa_lab.store.writing import write_quickly

if TYPE_CHECKING:
    from iqa_lab.networks import Network

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "safetensors")
_VARIABLES = ("ATEN_", "MKL_")  # of the environment: they may choose how random weights are drawn

Facts = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class KnownNetwork:
    """Of a ``Network`` what the signature and the columns of a result depend on."""

    layers: tuple[Layer, ...]
    input: InputConfig
    image_size: int | None
    weights: str
    digest: str
    reads: str
    said: tuple[tuple[str, str], ...]  # lines that building it prints, with their style

    @property
    def forms(self) -> dict[str, Form]:
        """How each layer's output becomes a map, in the order of the layers."""
        return {layer.name: layer.form for layer in self.layers if layer.form is not None}


def known_network(config: Config) -> KnownNetwork | None:
    """What building the network of a run would show; None if it has to be built to know."""
    kept = _recalled("networks", _made_of(config))
    with suppress(KeyError, TypeError):  # of another version
        return None if kept is None else _network(kept)
    return None


def built_network(config: Config) -> "Network":
    """The network of a run, built; what it shows is remembered.

    Raises:
        UserError: as of ``networks.build_network``.
    """
    from iqa_lab.networks import build_network

    before = _made_of(config)
    with overheard() as said:
        network = build_network(config)
    if before == _made_of(config):  # else the file was written, or fetched, meanwhile
        _remember("networks", before, _facts(network, said))
    return network


def layers_of(architecture: ArchitectureConfig, build: Callable[[], list[Facts]]) -> list[Facts]:
    """What ``build`` finds out of an architecture, a row a layer; from memory, where it has been asked before."""
    made_of = None if is_own(architecture.constructor) else _of_programs({"architecture": asdict(architecture)})
    kept = _recalled("layers", made_of)
    if kept is not None:
        for line, style in kept["said"]:
            say(line, style)
        return list(kept["rows"])
    with overheard() as said:
        rows = build()
    _remember("layers", made_of, {"rows": rows, "said": said})
    return rows


def _recalled(kind: str, made_of: Facts | None) -> Facts | None:
    """What is remembered of something that was made of this; None: nothing, or it was made of something else."""
    if made_of is None:
        return None
    with suppress(Unusable, KeyError):  # as good as not there
        kept = read_sealed(_memory(kind, made_of))
        if kept["made_of"] == json.loads(json.dumps(made_of)):
            content: Facts = kept["content"]
            return content
    return None


def _remember(kind: str, made_of: Facts | None, content: Facts) -> None:
    if made_of is not None:
        with suppress(OSError):  # then it is made again
            facts = seal({"made_of": made_of, "content": content})
            write_quickly(_memory(kind, made_of), json.dumps(facts).encode())


def _memory(kind: str, made_of: Facts) -> Path:
    return cache_folder() / kind / f"{digest_of(made_of['configuration'])[:24]}.json"


def _made_of(config: Config) -> Facts | None:
    """Everything that may change what building shows; None where that cannot be told."""
    weights, constructor = config.weights, str(config.architecture.constructor)
    if is_own(constructor):
        return None
    file: list[Any] | None = None
    if weights.path or weights.url or weights.source:
        # a baseline may read further files; of the hub's files only the pinned ones stay what they are
        if config.goal.name == BASELINE or (str(weights.source).startswith("hf:") and not weights.sha256):
            return None
        file = _stamp(local_file(weights))
        if file is None:
            return None
    return {**_of_programs(_configuration(config)), "file": file}


def _of_programs(configuration: Facts) -> Facts:
    """What is made of a configuration by the programs that are here."""
    return {
        "configuration": configuration,
        "programs": _programs(),
        "machine": [platform.node(), platform.machine(), platform.python_version()],
        "environment": {name: value for name, value in sorted(os.environ.items()) if name.startswith(_VARIABLES)},
    }


def _configuration(config: Config) -> Facts:
    """All of a run that its network is built with."""
    benchmark = config.benchmark
    return {
        "goal": config.goal.name,
        "dataset": config.dataset.name,
        "architecture": asdict(config.architecture),
        "weights": asdict(config.weights),
        "display": [benchmark.pixels_per_degree, benchmark.peak_luminance],
    }


def _programs() -> Facts:
    """The packages that build networks, and this one, as they lie on the disk."""
    found: Facts = {}
    for name in _PACKAGES:
        spec = find_spec(name)  # which imports nothing
        with suppress(PackageNotFoundError):
            found[name] = [version(name), _stamp(Path(spec.origin)) if spec and spec.origin else None]
    here = Path(__file__).resolve().parent.parent
    found["iqa_lab"] = digest_of([_stamp(Path(file), place=file) for file in sorted(map(str, here.rglob("*.py")))])
    return found


def _stamp(file: Path | None, place: str | None = None) -> list[Any] | None:
    """A file's place, looked up where it is not known yet, its size and times; None where there is none."""
    if file is None:
        return None
    try:
        facts = file.stat()
    except OSError:
        return None
    return [place or str(file.resolve()), facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]


def _facts(network: "Network", said: Sequence[tuple[str, str]]) -> Facts:
    return {
        "layers": [asdict(layer) for layer in network.layers],
        "input": asdict(network.input),
        "image_size": network.image_size,
        "weights": network.weights,
        "digest": network.digest,
        "reads": network.reads,
        "said": list(said),
    }


def _network(facts: Mapping[str, Any]) -> KnownNetwork:
    """What ``_facts`` was given.

    Raises:
        KeyError, TypeError: it is not what was written.
    """
    layers = [{**one, "form": Form(**one["form"]) if one["form"] else None} for one in facts["layers"]]
    return KnownNetwork(
        layers=tuple(Layer(**one) for one in layers),
        input=InputConfig(**facts["input"]),
        image_size=facts["image_size"],
        weights=facts["weights"],
        digest=facts["digest"],
        reads=facts["reads"],
        said=tuple((text, style) for text, style in facts["said"]),
    )
