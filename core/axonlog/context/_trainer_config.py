"""Read a trainer's configuration, in whatever form a user keeps it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pydantic import BaseModel

from axonlog.context._environment import Environment
from axonlog.context._options import SETTINGS
from axonlog.context._origin import Origin
from axonlog.errors import ArgumentTypeError, ContextError

# The first section that is there wins, key by key.
_SECTIONS = ("axonlog", "tracking", "polyaxon")

_SECTION_KEYS = tuple(name for name, row in SETTINGS.items() if "trainer" in row.sources)
# At the top a key may as well be the user's own: only what plainly names a run counts.
_TOP_KEYS = tuple(name for name in _SECTION_KEYS if SETTINGS[name].at_top)


@dataclasses.dataclass(frozen=True)
class TrainerConfig:
    """What a trainer's configuration says about tracking: the raw values and the file, if any."""

    values: Mapping[str, object] = dataclasses.field(default_factory=dict)
    path: str | None = None

    def origin(self, key: str | None = None) -> Origin:
        """Where ``key`` was read."""
        return Origin("trainer config", key, self.path)


def read_trainer_config(given: object, environment: Environment) -> TrainerConfig:
    """Find our keys in ``given``: at the top, or under `axonlog`, `tracking` or `polyaxon`.

    A section wins over the top and may hold nothing else; at the top other keys are the user's.

    Args:
        given: A mapping (an OmegaConf node is one), a dataclass, a pydantic model, a namespace of
            argparse or jsonargparse, or the path of a YAML or JSON file.
        environment: Where a relative path starts.

    Raises:
        ContextError: The file cannot be read, or a section holds an unknown key.
        ArgumentTypeError: ``given`` is something else.
    """
    if given is None:
        return TrainerConfig()
    path: str | None = None
    if isinstance(given, (str, PathLike)):
        path = environment.absolute(fspath(given))
        given = _load(Path(path))
    config = _mapping(given)
    if config is None:
        raise ArgumentTypeError(
            "config= must be a mapping, a dataclass, a pydantic model, a namespace or the path of "
            f"a YAML file, not {type(given).__name__}"
        )
    found: dict[str, object] = {}
    for name in _SECTIONS:
        section = _mapping(config[name]) if name in config else None
        for key, value in _section_values(section or {}, name, path):
            found.setdefault(key, value)
    for key in _TOP_KEYS:
        if key in config and _could_be_ours(key, config[key]):
            found.setdefault(key, config[key])
    return TrainerConfig(found, path)


def _section_values(
    section: Mapping[str, Any], name: str, path: str | None
) -> Iterable[tuple[str, object]]:
    for key in section:
        origin = Origin("trainer config", f"{name}.{key}", path)
        if key == "token":
            raise origin.refuse(
                "a token does not belong in a configuration, which is kept with the run; "
                "set POLYAXON_AUTH_TOKEN"
            )
        if key not in _SECTION_KEYS:
            import difflib  # for a mistake only

            close = difflib.get_close_matches(str(key), _SECTION_KEYS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise origin.refuse(
                f"unknown key {key!r} in section {name!r}{hint} (known: {', '.join(_SECTION_KEYS)})"
            )
        yield key, section[key]


def _could_be_ours(key: str, value: object) -> bool:
    if value is None:
        return False
    if key == "tags":
        return isinstance(value, Iterable) and _mapping(value) is None
    return not isinstance(value, Iterable) or isinstance(value, (str, bytes))


def _mapping(given: object) -> Mapping[str, Any] | None:
    """``given`` by its names; values untouched, so that interpolations are resolved when asked."""
    if isinstance(given, Mapping):
        return given
    if isinstance(given, BaseModel):
        return dict(given)
    if dataclasses.is_dataclass(given) and not isinstance(given, type):
        return {field.name: getattr(given, field.name) for field in dataclasses.fields(given)}
    import argparse  # a config from the command line has imported it

    if isinstance(given, (argparse.Namespace, SimpleNamespace)):
        return vars(given)
    as_dict = getattr(given, "as_dict", None)  # jsonargparse, ml_collections and their like
    if callable(as_dict) and not isinstance(given, type):
        converted = as_dict()
        return converted if isinstance(converted, Mapping) else None
    return None


def _load(path: Path) -> Mapping[str, Any]:
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ContextError(f"config {path} cannot be read: {reason}") from error
    loaded = _parse_json(content, path) if path.suffix == ".json" else _parse_yaml(content, path)
    if loaded is None:
        return {}
    if not isinstance(loaded, Mapping):
        raise ContextError(f"config {path} holds {type(loaded).__name__}, not a mapping")
    return loaded


def _parse_json(content: str, path: Path) -> object:
    try:
        return json.loads(content) if content.strip() else None
    except ValueError as error:
        raise ContextError(f"config {path} is not valid JSON: {error}") from error


def _parse_yaml(content: str, path: Path) -> object:
    try:
        import yaml
    except ImportError as error:
        raise ContextError(
            f"config {path} needs PyYAML to be read: pip install PyYAML, or keep it as .json"
        ) from error
    try:
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise ContextError(f"config {path} is not valid YAML: {problem}") from error
