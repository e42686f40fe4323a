"""The options of every group, read from the YAML files themselves."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from iqa_lab.cli.groups import KINDS
from iqa_lab.config import ArchitectureConfig, WeightsConfig, option_files
from iqa_lab.config.check import make
from iqa_lab.config.options import read_option
from iqa_lab.errors import UserError, choices, counted, pass_on_interrupt
from iqa_lab.networks.cells import BASELINE, cells, matching
from iqa_lab.networks.fine import is_fine_group
from iqa_lab.networks.sources import is_available

Row = dict[str, Any]


def list_options(kind: str, filters: dict[str, str], folders: Sequence[Path]) -> list[Row]:
    """The rows of one table of the catalogue.

    Args:
        kind: one of ``KINDS``.
        filters: only rows whose column (key) shows this text or one of these (value, with commas); for ``layers`` the
            ``architecture``, and what is changed in it as ``architecture.KEY``.
        folders: configuration folders, the first one wins.

    Raises:
        UserError: no such kind, column or architecture.
    """
    if kind not in KINDS:
        raise UserError(f"cannot list {kind!r}; choose from {choices(kind, KINDS)}")
    if kind == "layers":
        changes = {key.removeprefix("architecture."): value for key, value in filters.items() if "." in key}
        if "architecture" not in filters or len(changes) + 1 != len(filters):
            raise UserError("layers are those of one architecture: iqa-lab list layers architecture=NAME")
        return layer_table(filters["architecture"], folders, changes)
    rows = list(_ROWS[kind](folders))
    for key in filters:
        if rows and key not in rows[0]:
            raise UserError(f"{kind} have no {key}; choose from {choices(key, rows[0])}")
    return [row for row in rows if matching(row, filters)]


def coverage(rows: Sequence[Row]) -> list[Row]:
    """How full the grid is: for every goal the number of trainings on every dataset, most first.

    >>> coverage([{"goal": "jigsaw", "dataset": "imagenet1k", "architecture": "resnet50", "available": False}])
    [{'goal': 'jigsaw', 'trainings': 1, 'architectures': 1, 'here': 0, 'on': 'imagenet1k 1'}]
    """
    table = []
    for goal in sorted({str(row["goal"]) for row in rows}):
        group = [row for row in rows if row["goal"] == goal]
        counts = sorted(Counter(row["dataset"] for row in group).items(), key=lambda one: (-one[1], one[0]))
        table.append(
            {
                "goal": goal,
                "trainings": len(group),
                "architectures": len({row["architecture"] for row in group}),
                "here": sum(row["available"] for row in group),
                "on": ", ".join(f"{dataset} {number}" for dataset, number in counts),
            }
        )
    return sorted(table, key=lambda row: -row["trainings"])


def coverage_counts(rows: Sequence[Row]) -> str:
    """How full the grid is, in one sentence; the README has the same.

    >>> coverage_counts([{"goal": "jigsaw", "dataset": "imagenet1k", "architecture": "alexnet", "tried": "never"}])
    '1 public training fills 1 cell of 1 goal, 1 environment and 1 architecture; 0 were loaded by the tests'
    """
    of_networks = [row for row in rows if row["goal"] != BASELINE]
    cells_of = {(row["goal"], row["dataset"], row["architecture"]) for row in of_networks}
    goals, environments, architectures = ({cell[place] for cell in cells_of} for place in range(3))
    tried_ones = sum(row["tried"] == "yes" for row in of_networks)
    filled = counted(len(of_networks), "public training fills", "public trainings fill")
    factors = (("goal", goals), ("environment", environments), ("architecture", architectures))
    first, second, third = (counted(len(names), noun) for noun, names in factors)
    number = counted(len(cells_of), "cell")
    return f"{filled} {number} of {first}, {second} and {third}; {tried_ones} were loaded by the tests"


def tried(cell: WeightsConfig) -> str:
    """Whether this repository's tests have loaded a training from its publisher's own file: ``yes`` or ``never``.

    Its tests have no network: they have read what lies in ``$IQA_LAB_WEIGHTS`` and in packages, and computed formulas.

    >>> tried(WeightsConfig(source="folder:x.pth")), tried(WeightsConfig(source="hf:timm/x"))
    ('yes', 'never')
    """
    if cell.source is None:
        return "yes" if cell.goal == BASELINE else "never"
    return "yes" if cell.source.partition(":")[0] in ("folder", "package") else "never"


def layer_table(name: str, folders: Sequence[Path], changes: Mapping[str, str] | None = None) -> list[Row]:
    """Every layer's name, depth, channels, stride, layout and kind, from a real forward of a small image.

    Args:
        name: of the architecture.
        folders: configuration folders, the first one wins.
        changes: other values for some of its keys.

    Raises:
        UserError: no such architecture, or it cannot be built.
    """
    from iqa_lab.store.known import layers_of  # pandas takes half a second to import

    files = option_files("architecture", folders)
    if name not in files:
        raise UserError(f"there is no architecture {name}; choose from {choices(name, files)}")
    values = read_option(files[name], "architecture")
    if "constructor" not in (changes or {}) and values.get("constructor") in (None, "???"):
        raise UserError(f"architecture={name} needs architecture.constructor=IMPORT.PATH")
    try:
        changed = OmegaConf.to_container(
            OmegaConf.from_dotlist([f"{key}={text}" for key, text in (changes or {}).items()])
        )
    except (OmegaConfBaseException, YAMLError) as error:
        raise UserError(f"architecture: {' '.join(str(error).split())[:160]}") from error
    config = make(ArchitectureConfig, values, changed, prefix="architecture.")
    return layers_of(config, lambda: _built_layers(config))


def _built_layers(config: ArchitectureConfig) -> list[Row]:
    """The rows of ``layer_table``, from the module itself."""
    from iqa_lab.networks.build import build_module, check_layout, named_layers  # torch takes seconds to import
    from iqa_lab.networks.forms import CLASS
    from iqa_lab.networks.network import OUTPUT, module_of

    check_layout(config)
    module = build_module(config, WeightsConfig())
    if hasattr(module, "terms"):
        nothing = dict.fromkeys(("channels", "stride", "layout", "fine"))
        return [{"name": OUTPUT.name, "depth": OUTPUT.depth, **nothing, "kind": "baseline"}]
    rows = []
    for layer in named_layers(config, module, []):
        if layer.form is None or layer.form.kind == CLASS:  # read with tokens=class; its block is listed already
            continue
        rows.append(
            {
                "name": layer.name,
                "depth": round(layer.depth, 4),
                "channels": layer.form.channels,
                "stride": layer.stride,
                "layout": layer.form.kind,
                "fine": layer.fine,
                "kind": type(module.get_submodule(module_of(layer.name))).__name__,
            }
        )
    return rows


def _named(group: str, *keys: str) -> Any:
    def rows(folders: Sequence[Path]) -> Iterator[Row]:
        for name, path in option_files(group, folders).items():
            content = read_option(path, group)
            yield {"name": name, **{key: content.get(key) for key in keys}}

    return rows


def _readouts(folders: Sequence[Path]) -> Iterator[Row]:
    for name, path in option_files("readout", folders).items():
        content = read_option(path, "readout")
        several = ", ".join(map(str, content.get("defaults", [])))  # an option that means several others
        yield {"name": name, "formula": content.get("formula", several), "symmetric": content.get("symmetric", True)}


def _architectures(folders: Sequence[Path]) -> Iterator[Row]:
    for name, path in option_files("architecture", folders).items():
        content = read_option(path, "architecture")
        layers = content.get("layers", "auto")
        yield {
            "name": name,
            "constructor": content.get("constructor"),
            "layers": sum(not is_fine_group(entry) for entry in layers) if isinstance(layers, list) else layers,
            "layout": content.get("layout", "map"),
        }


def _weights(folders: Sequence[Path]) -> Iterator[Row]:
    for name, cell in cells(folders):
        yield {
            "goal": cell.goal,
            "dataset": cell.dataset,
            "architecture": cell.architecture,
            "weights": name,
            "publisher": cell.publisher,
            "licence": cell.licence,
            "top1": cell.top1,
            "parameters": cell.parameters,
            "initialised_from": cell.initialised_from,
            "family": cell.family,
            "verified": bool(cell.sha256),
            "tried": tried(cell),
            "fetch": cell.source is not None,
            "available": is_available(cell),
        }


def _benchmarks(folders: Sequence[Path]) -> Iterator[Row]:
    from iqa_lab.benchmarks import benchmark_options, is_present, problem_of  # pandas takes half a second to import

    for name, read in benchmark_options(folders).items():
        config = read()
        yield {
            "name": name,
            "protocol": config.protocol,
            "opinion": config.opinion,
            "human": config.human,
            "pairs": config.expected.pairs,
            "references": config.expected.references,
            "distortions": config.expected.distortions,
            "licence": config.licence,
            "present": is_present(config),
            "problem": problem_of(config),
            "fetch": bool(config.archives),
            "description": config.description,
        }


def _experiments(folders: Sequence[Path]) -> Iterator[Row]:
    for name, path in option_files("experiment", folders).items():
        read_option(path, "experiment")
        remarks = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.startswith("#")]
        question = next((line for line in remarks if "@package" not in line), "")
        yield {"name": name, "question": question.lstrip("# ")}


def _metrics(_folders: Sequence[Path]) -> Iterator[Row]:
    """The saved metrics of the working folder and of ``metrics/`` in it."""
    from iqa_lab.metric.about import found_text
    from iqa_lab.metric.saved import INSIDE
    from iqa_lab.metric.sealed import read_description

    for path in sorted([*Path().glob("*.safetensors"), *Path("metrics").rglob("*.safetensors")]):
        try:
            said = read_description(path)
            about, sums = said["about"], said["recipe"]["sums"]
            found = about.get("found_on")
            yield {
                "file": str(path),
                "metric": ", ".join(str(one["name"]) for one in sums),
                "goal": about["goal"],
                "dataset": about["dataset"],
                "weights": about["weights"],
                "found_on": found_text(found) if found else None,
                "licence": about.get("licence"),
                "inside": said["weights"] == INSIDE,
            }
        except (UserError, KeyError, TypeError, ValueError) as error:
            pass_on_interrupt(error)
            continue  # weights, or no metric that this version reads


_ROWS: dict[str, Any] = {
    "goals": _named("goal", "description", "supervision"),
    "datasets": _named("dataset", "description", "images"),
    "architectures": _architectures,
    "weights": _weights,
    "readouts": _readouts,
    "benchmarks": _benchmarks,
    "experiments": _experiments,
    "metrics": _metrics,
}
