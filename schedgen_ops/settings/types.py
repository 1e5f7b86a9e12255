"""The kinds of value a config file may hold: each refuses what could be an option or leave its folder.

A name here ends up in the argv of a remote command, so none may begin with a dash.
"""

import re
from collections.abc import Hashable, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from schedgen_ops.commands.ref_names import is_ref_name

T = TypeVar("T")


class Looks:
    """Marks a str that must match `pattern` as a whole; `meaning` says it in words."""

    def __init__(self, pattern: str, meaning: str) -> None:
        self._pattern = pattern
        self._match = re.compile(pattern.removeprefix("^").removesuffix("$")).fullmatch
        self._meaning = meaning

    def __call__(self, value: str) -> str:
        if not self._match(value):
            raise ValueError(f"must be {self._meaning}, not {value!r}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": self._pattern}


def _path(value: str) -> str:
    if value.startswith(("-", "~")):
        raise ValueError(f"must not begin with {value[0]!r}, as {value!r} does")
    if not value.isprintable() or not value.strip():
        raise ValueError(f"must be a path in printable characters, not {value!r}")
    if ".." in PurePosixPath(value).parts:
        raise ValueError(f"must not climb out of its folder with '..', as {value!r} does")
    return value


def _absolute(value: str) -> str:
    path = PurePosixPath(_path(value))
    if not path.is_absolute():
        raise ValueError(f"must be an absolute path, not {value!r}")
    if path == PurePosixPath("/"):
        raise ValueError("must not be the root folder")
    return str(path)


def _relative(value: str) -> str:
    if PurePosixPath(_path(value)).is_absolute():
        raise ValueError(f"must be relative to the project directory, not {value!r}")
    return value


def _ref(value: str) -> str:
    if not is_ref_name(value):
        raise ValueError(f"must be the name of a branch, a tag or a commit, not {value!r}")
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_ok = parts.port is None or parts.port > 0
    except ValueError as error:
        raise ValueError(f"must be an http:// or https:// address: {error}") from None
    printable = value.isascii() and value.isprintable() and " " not in value
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_ok or not printable:
        raise ValueError(f"must be an http:// or https:// address, not {value!r}")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or a password: addresses appear in logs")
    return value


def _word(value: str) -> str:
    if not value or "\0" in value:
        raise ValueError("must be a word, neither empty nor with a NUL byte")
    return value


def _local(value: Path, info: ValidationInfo) -> Path:
    """`~` is the operator's home; a relative path starts at the config file's folder."""
    try:
        path = value.expanduser()
    except RuntimeError as error:
        raise ValueError(str(error)) from None
    if "\0" in str(path):
        raise ValueError("must not hold a NUL byte")
    folder = (info.context or {}).get("folder")
    return path if folder is None else Path(folder) / path


def repeated(values: tuple[Hashable, ...]) -> list[int]:
    """The positions of the values that stand earlier in the tuple too."""
    return [index for index, value in enumerate(values) if value in values[:index]]


def _distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    if twice := repeated(values):
        raise ValueError(f"must not name {values[twice[0]]!r} twice")
    return values


class Fixed(dict[str, T]):
    """A mapping that nobody changes, so that settings can be a key."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def _fixed(value: Mapping[str, T]) -> Mapping[str, T]:
    return Fixed(value)


_NAME = "letters, digits, '.', '_' and '-', beginning with a letter or a digit"

ProjectName = Annotated[str, Looks(r"^[a-z0-9][a-z0-9_-]*$", "a Compose project name: a-z, 0-9, '_' and '-'")]
HostName = Annotated[
    str, Looks(r"^[a-z0-9][a-z0-9-]{0,62}$", "a-z, 0-9 and '-', beginning with a letter or a digit")
]
ServiceName = Annotated[str, Looks(r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", f"a service name: {_NAME} or '_'")]
RemoteName = Annotated[str, Looks(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", f"the name of a git remote: {_NAME}")]
CheckName = Annotated[str, Looks(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", f"a name: {_NAME}")]
EnvironmentName = CheckName
Address = Annotated[
    str, Looks(r"^[A-Za-z0-9_:][A-Za-z0-9._:%-]*$", "a host name, an IP address or an ssh_config alias")
]
UserName = Annotated[str, Looks(r"^[A-Za-z0-9_][A-Za-z0-9._@-]*$", "a user name")]
DatabaseName = Annotated[
    str, Looks(r"^[A-Za-z_][A-Za-z0-9_$-]{0,62}$", "a name of a database: letters, digits, '_', '$' and '-'")
]
VariableName = Annotated[
    str, Looks(r"^[A-Za-z_][A-Za-z0-9_]*$", "the name of an environment variable: letters, digits and '_'")
]
OptionName = Annotated[
    str, Looks(r"^[a-z][a-z0-9_]*$", "the name of an option of rclone: a-z, digits and '_'")
]
TierName = Annotated[str, Looks(r"^[^\W_][\w .&/-]*$", "a title of letters, digits and spaces")]
ImageName = Annotated[
    str, Looks(r"^[a-z0-9][A-Za-z0-9._/:@-]*$", "the name of an image: repository, ':' and tag")
]
HostHeader = Annotated[
    str,
    Looks(
        r"^[A-Za-z0-9_-]([A-Za-z0-9._-]*[A-Za-z0-9])?(:[0-9]{1,5})?$",
        "the name of a host, with or without a port",
    ),
]
RefName = Annotated[str, AfterValidator(_ref)]
Url = Annotated[str, AfterValidator(_url)]
Word = Annotated[str, AfterValidator(_word)]
RemotePath = Annotated[str, AfterValidator(_path)]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]
RelativePath = Annotated[str, AfterValidator(_relative)]
LocalPath = Annotated[Path, Field(strict=False), AfterValidator(_local)]

Port = Annotated[int, Field(ge=1, le=65535)]
RawPort = Annotated[
    str, Looks(r"^([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])/tcp$", "PORT/tcp")
]
Seconds = Annotated[int, Field(ge=1, le=86_400)]
SecondsOrNone = Annotated[int, Field(ge=0, le=86_400)]
# A part of hosts: 25%.
Part = Annotated[str, Looks(r"^([1-9]\d?|100)%$", "a number, or a percentage from 1% to 100%")]
Percent = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]

# Lists of YAML become tuples; Some refuses an empty one. Neither holds a value twice, Argv may.
Many = Annotated[tuple[T, ...], Field(strict=False), AfterValidator(_distinct)]
Some = Annotated[tuple[T, ...], Field(strict=False, min_length=1), AfterValidator(_distinct)]
Rows = Annotated[tuple[T, ...], Field(strict=False)]
Pairs = Annotated[Mapping[str, T], AfterValidator(_fixed)]
Argv = Annotated[tuple[Word, ...], Field(strict=False, min_length=1)]
