"""tf.flags (tf.app.flags): a program's own options, `--name=value`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.compat.lookup import names_of
from labkit.errors import ConfigError, InvalidArgumentError, MissingNameError


@dataclass
class _Flag:
    name: str
    value: Any
    help: str
    parse: Callable[[str], Any]
    switch: bool = False  # --name and --noname, without a value
    several: bool = False  # given again, it adds to what was given before
    given: bool = False


class FlagValues:
    """The values of all flags, as attributes; sys.argv is read when the first one is asked for."""

    def __init__(self) -> None:
        self.__dict__.update(_flags={}, _parsed=False)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if not self._parsed:
            self(sys.argv, known_only=True)
        return self._known(name).value

    def __setattr__(self, name: str, value: Any) -> None:
        self._known(name).value = value

    def __getitem__(self, name: str) -> _Flag:
        return self._known(name)

    def __contains__(self, name: str) -> bool:
        return name in self._flags

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._flags))

    def __delattr__(self, name: str) -> None:
        del self._flags[self._known(name).name]

    def flag_values_dict(self) -> dict[str, Any]:
        """Each flag's name and value."""
        return {name: getattr(self, name) for name in self}

    def is_parsed(self) -> bool:
        """Whether the command line was read."""
        return self._parsed

    def _known(self, name: str) -> _Flag:
        if name not in self._flags:
            raise MissingNameError(
                f"No flag {name!r} is defined",
                name=name,
                received="flags " + ", ".join(self),
                fix="Define it with tf.flags.",
            )
        return self._flags[name]

    def _define(self, flag: _Flag) -> None:
        self._flags[flag.name] = flag

    def __call__(self, argv: Sequence[str], known_only: bool = False) -> list[str]:
        """Reads the flags out of a command line; returns the rest of it, the program's name first.

        Args:
            known_only: whether flags that nobody defined stay in the rest; otherwise they are an error.

        Raises:
            ConfigError: a value does not fit its flag, or is missing.
        """
        self.__dict__["_parsed"] = True
        rest, words = list(argv[:1]), list(argv[1:])
        while words:
            word = words.pop(0)
            if word == "--":
                return [*rest, *words]
            name, equals, text = word.lstrip("-").partition("=")
            if not word.startswith("-") or word == "-":
                rest.append(word)
            elif name in ("help", "helpfull", "helpshort", "h") and name not in self._flags:
                print(self._help())
                sys.exit(1)
            elif (flag := self._find(name)) is None:
                if not known_only:
                    raise ConfigError(f"Unknown command line flag {name!r}", received=word, fix=self._help())
                rest.append(word)
            elif flag.switch and not equals:
                flag.value, flag.given = name != "no" + flag.name, True
            elif not equals and not words:
                raise ConfigError(f"Flag --{name} needs a value", fix=f"Write --{name}=...")
            else:
                self._set(flag, text if equals else words.pop(0))
        return rest

    def _find(self, name: str) -> _Flag | None:
        flag = self._flags.get(name) or self._flags.get(name.replace("-", "_"))
        if flag is None and name.startswith("no"):
            negated = self._flags.get(name[2:])
            return negated if negated is not None and negated.switch else None
        return flag

    @staticmethod
    def _set(flag: _Flag, text: str) -> None:
        try:
            value = flag.parse(text)
        except ValueError as error:
            raise ConfigError(f"Flag --{flag.name} cannot have this value", rule=str(error), received=text) from None
        flag.value = [*flag.value, value] if flag.several and flag.given else [value] if flag.several else value
        flag.given = True

    def _help(self) -> str:
        lines = [
            f"  --{'[no]' if f.switch else ''}{f.name}: {f.help} (default: {f.value!r})" for f in self._flags.values()
        ]
        return "\n".join([f"flags of {sys.argv[0]}:", *sorted(lines)])


FLAGS = FlagValues()


def _boolean(text: str) -> bool:
    values = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
    if text.lower() not in values:
        raise ValueError("A boolean is true or false")
    return values[text.lower()]


def _whole(text: str) -> int:
    return int(text, 0)


def _definer(parse: Callable[[str], Any], kind: str, **more: Any) -> Callable[..., None]:
    def define(name: str, default: Any, help: str = "", **ignored: Any) -> None:
        value = parse(default) if isinstance(default, str) and parse is not str and not more.get("several") else default
        FLAGS._define(_Flag(name, value, help or "", parse, **more))

    define.__name__ = define.__qualname__ = f"DEFINE_{kind}"
    define.__doc__ = f"Defines a flag whose value is {kind.replace('_', ' ')}; its default may be None."
    return define


DEFINE_string = _definer(str, "string")
DEFINE_integer = _definer(_whole, "integer")
DEFINE_float = _definer(float, "float")
DEFINE_boolean = DEFINE_bool = _definer(_boolean, "boolean", switch=True)
DEFINE_list = _definer(lambda text: [part.strip() for part in text.split(",")] if text else [], "list")
DEFINE_multi_string = _definer(str, "multi_string", several=True)
DEFINE_multi_integer = _definer(_whole, "multi_integer", several=True)
DEFINE_multi_float = _definer(float, "multi_float", several=True)


def DEFINE_enum(name: str, default: Any, enum_values: Sequence[str], help: str = "", **ignored: Any) -> None:
    """Defines a flag whose value is one of several texts."""

    def parse(text: str) -> str:
        if text not in enum_values:
            raise ValueError("It is one of " + ", ".join(enum_values))
        return text

    FLAGS._define(_Flag(name, default, help, parse))


def mark_flag_as_required(flag_name: str, flag_values: FlagValues = FLAGS) -> None:
    """Fails unless the flag has a value.

    Raises:
        InvalidArgumentError: it has none.
    """
    if getattr(flag_values, flag_name) is None:
        raise InvalidArgumentError(f"Flag --{flag_name} must be given", fix=f"Write --{flag_name}=...")


__getattr__, __dir__ = names_of(__name__)
