"""The map of the house: which room may import from which. docs/concepts.md shows the same map."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "iqa_lab"

# From the ground up: a room imports from its own floor's modules and from floors below, never from a floor above.
# Rooms of one floor know nothing of each other.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "__init__"),
    ("progress", "imports", "folders", "tables"),
    ("config",),
    ("downloads", "statistics"),
    ("loops",),
    ("readouts", "psychophysics"),
    ("networks",),
    ("baselines", "benchmarks"),
    ("scoring",),
    ("store",),
    ("unit",),
    ("tracking", "explain", "metric"),
    ("sweep",),
    ("report",),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

# the public functions of the package itself reach up, inside their bodies, so that importing it costs nothing
PUBLIC = {"__init__"}


def room_of(module: str) -> str:
    """The room of a dotted module path below iqa_lab."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports(path: Path) -> Iterator[str]:
    """Every module of ours that a file imports, at its top or inside a function, for types or for use."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "iqa_lab":
            names = [alias.name for alias in node.names]
            inside = [name for name in names if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()]
            yield from (f"iqa_lab.{name}" for name in inside) if node.module == "iqa_lab" and inside else [node.module]
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "iqa_lab")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_every_room_has_its_floor() -> None:
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in modules()}
    assert rooms == set(FLOOR)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_imports_upwards(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room in PUBLIC:
        return
    above = [module for module in imports(path) if room_of(module) != room and FLOOR[room_of(module)] >= FLOOR[room]]
    assert not above, f"{path.relative_to(ROOT)} imports {above} from its own floor or from above"


def test_no_circle_inside_a_room() -> None:
    """Modules of one room import each other in one direction only."""
    graph = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): set(imports(path))
        for path in modules()
    }
    done: set[str] = set()

    def visit(module: str, on_the_way: tuple[str, ...]) -> None:
        assert module not in on_the_way, " -> ".join([*on_the_way, module])
        if module not in done:
            for other in sorted(graph.get(module, set())):
                if room_of(other) == room_of(module) and other != module:
                    visit(other, (*on_the_way, module))
            done.add(module)

    for module in graph:
        visit(module, ())


# Who catches any error of use, or any at all, and goes on. Elsewhere than in these a person's Ctrl-C may hide in it.
ANY = {"UserError", "Exception", "BaseException", "FOREIGN"}
NO_INTERRUPT_THERE = {
    "benchmarks/decoding.py": "a process of its own, which Ctrl-C does not reach",
    "benchmarks/index.py": "threads, which Ctrl-C does not reach",
    "cli/hydra.py": "the error goes to main, which asks",
    "cli/main.py": "the end of the command, which asks elsewhere",
}


def names_in(node: ast.AST) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_who_catches_any_error_and_goes_on_asks_for_an_interrupt(path: Path) -> None:
    if str(path.relative_to(PACKAGE)) in NO_INTERRUPT_THERE:
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and names_in(node.func) == {"suppress"}:
            assert not ANY & set().union(*map(names_in, node.args)), f"line {node.lineno}: suppress() asks nothing"
        if isinstance(node, ast.ExceptHandler) and node.type is not None and ANY & names_in(node.type):
            asks = {"pass_on_interrupt", "is_interrupt"} & set().union(*map(names_in, node.body))
            assert asks or isinstance(node.body[-1], ast.Raise), f"line {node.lineno}: see errors.pass_on_interrupt"
