"""YAML files -> plain values, read as OmegaConf reads them; files that would swamp the memory are refused."""

from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from omegaconf._utils import get_yaml_loader

from iqa_lab.errors import UserError

LARGEST_FILE = 1 << 20  # bytes; the largest shipped file has 6 KB
DEEPEST = 50  # levels of lists and mappings
MOST_NODES = 100_000  # values, those that an alias repeats counted each time
USUAL_SIZE = 8192  # characters; shorter texts are parsed once a process, for a report reads the grid several times


class _YamlLoader(yaml.CSafeLoader):  # type: ignore[misc]
    """OmegaConf's own reading of YAML (1e-3 is a number, dates are text), ten times as fast."""

    yaml_implicit_resolvers = get_yaml_loader().yaml_implicit_resolvers


def read_yaml(path: Path) -> Any:
    """What a YAML file says, read as OmegaConf reads it, but not checked.

    Raises:
        OSError: it cannot be read.
        yaml.YAMLError: it is no YAML, names a key twice, or is larger or deeper than any configuration.
    """
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise yaml.YAMLError(f"it is larger than {LARGEST_FILE >> 20} MiB, which no configuration is")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise yaml.YAMLError(f"it is not UTF-8 text: {error.reason} at byte {error.start}") from error
    return parse_yaml(text)


def parse_yaml(text: str) -> Any:
    """What a text in YAML says.

    Raises:
        yaml.YAMLError: as ``read_yaml``.
    """
    return deepcopy(_parsed_before(text)) if len(text) <= USUAL_SIZE else _parse(text)


def _parse(text: str) -> Any:
    _check_depth(text)
    loader = _YamlLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {})
        return loader.construct_document(node)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:  # a date, a key that is a list
        raise yaml.YAMLError(" ".join(str(error).split())) from error
    finally:
        loader.dispose()


_parsed_before = lru_cache(maxsize=4096)(_parse)


def read_mapping(path: Path, what: str = "option") -> dict[str, Any]:
    """The keys and values of a YAML file; an empty file has none.

    Args:
        path: of the file.
        what: it is, for errors, as ``option of benchmark``.

    Raises:
        UserError: it cannot be read, is no YAML, or is no mapping.
    """
    try:
        content = read_yaml(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is no YAML: {' '.join(str(error).split())[:200]}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UserError(f"{path} is no {what}: it holds no lines KEY: VALUE")
    return {str(key): value for key, value in content.items()}


def _check_depth(text: str) -> None:
    """Refuse what is nested so deeply that building it takes the process along; events are read one by one."""
    if sum(map(text.count, "[{-?:")) <= DEEPEST:  # each level begins with one of these
        return
    depth = 0
    for event in yaml.parse(text, Loader=_YamlLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise yaml.YAMLError(f"it is nested in more than {DEEPEST} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _count(node: yaml.Node, known: dict[int, int | None]) -> int:
    """How many values a node stands for, its aliases counted each time; refuses too many, circles and repeated keys."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) in known:
        counted = known[id(node)]
        if counted is None:
            raise yaml.YAMLError("an alias in it stands inside itself")
        return counted
    known[id(node)] = None
    if isinstance(node, yaml.MappingNode):
        keys = [(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) < len(keys):
            twice = next(value for place, (_, value) in enumerate(keys) if keys[place] in keys[:place])
            raise yaml.YAMLError(f"the key {twice} is there twice")
        total = 1 + sum(_count(key, known) + _count(value, known) for key, value in node.value)
    else:
        total = 1 + sum(_count(entry, known) for entry in node.value)
    if total > MOST_NODES:
        raise yaml.YAMLError(f"its aliases stand for more than {MOST_NODES:,} values")
    known[id(node)] = total
    return total
