"""Options declared once, as fields of a frozen dataclass: default, meaning, limits, command line.

@dataclass(frozen=True)
class TrainingConfig:
    epochs: int = option(50, "passes over the training images", low=1, high=1000)

    def __post_init__(self):
        check_options(self)
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

Config = TypeVar("Config")


class OptionError(ValueError):
    """An option has a value outside its limits. The message names the option and the limits."""


def option(
    default: Any, help: str, *, low: float | None = None, high: float | None = None, choices: Sequence | None = None
) -> Any:
    """A dataclass field with its meaning and its limits (both ends included)."""
    return dataclasses.field(default=default, metadata={"help": help, "low": low, "high": high, "choices": choices})


def flag(name: str) -> str:
    """The command-line spelling of a field: ``batch_size`` -> ``--batch-size``."""
    return "--" + name.replace("_", "-")


def check_options(config: Any) -> None:
    """Raise OptionError for the first field whose value is of the wrong type or outside its limits."""
    types = typing.get_type_hints(type(config))
    for field in dataclasses.fields(config):
        value, kind = getattr(config, field.name), types[field.name]
        if not _fits(value, kind, field.metadata):
            raise OptionError(f"{flag(field.name)} is {value!r}; allowed: {_allowed(kind, field.metadata)}.")


def _item(kind: Any) -> Any:
    """``int`` of ``tuple[int, ...]``; any other type itself."""
    return typing.get_args(kind)[0] if typing.get_origin(kind) is tuple else kind


def _fits(value: Any, kind: type, meta: Any) -> bool:
    if _item(kind) is not kind:
        return isinstance(value, tuple) and len(value) > 0 and all(_fits(item, _item(kind), meta) for item in value)
    if meta["choices"] is not None:
        return value in meta["choices"]
    if kind in (int, float):
        number = isinstance(value, (int, float) if kind is float else int) and not isinstance(value, bool)
        return number and math.isfinite(value) and meta["low"] <= value <= meta["high"]
    return isinstance(value, kind)


def _allowed(kind: type, meta: Any) -> str:
    if meta["choices"] is not None:
        return ", ".join(map(str, meta["choices"]))
    if _item(kind) is not kind:
        return f"one or more, each {_allowed(_item(kind), meta)}"
    if kind in (int, float):
        return f"a {'whole ' if kind is int else ''}number from {meta['low']:,} to {meta['high']:,}"
    return f"a {kind.__name__}"


def add_options(parser: argparse.ArgumentParser, config_class: type) -> None:
    """One command-line option per field of `config_class`, with its default and limits in the help.

    What the user leaves out is left out of the parsed namespace too, so a default never passes for a choice.
    """
    group = parser.add_argument_group(config_class.__name__)
    types = typing.get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        kind, item = types[field.name], _item(types[field.name])
        many = item is not kind
        default = " ".join(map(str, field.default)) if many else field.default
        limits = f"; allowed: {_allowed(kind, field.metadata)}" if item is not Path else ""
        group.add_argument(
            flag(field.name),
            type=item,
            nargs="+" if many else None,
            default=argparse.SUPPRESS,
            metavar=item.__name__.upper(),
            help=f"{field.metadata['help']} (default: {default}{limits})",
        )


def given(config_class: type, arguments: argparse.Namespace) -> dict[str, Any]:
    """The values of the dataclass's options that the user gave."""
    names = {field.name for field in dataclasses.fields(config_class)}
    return {name: _untangle(value) for name, value in vars(arguments).items() if name in names}


def from_json(config_class: type[Config], values: Any) -> Config:
    """The inverse of ``json.dumps(dataclasses.asdict(config))``. Raises OptionError, also for unknown options."""
    try:
        return config_class(**{name: _untangle(value) for name, value in values.items()})
    except (AttributeError, TypeError) as error:
        raise OptionError(f"not the options of a {config_class.__name__}: {error}") from error


def _untangle(value: Any) -> Any:
    """JSON and argparse know lists where an option has a tuple."""
    return tuple(value) if isinstance(value, list) else value
