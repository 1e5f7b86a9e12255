"""What `inv init` does: from a host that somebody runs by hand to a config, and to a deploy's plan."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import yaml
from pydantic import ValidationError

from schedgen_ops import events
from schedgen_ops.cli import deploy
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.drafting.draft import Place, draft, strategies, values
from schedgen_ops.drafting.look import look
from schedgen_ops.drafting.questions import questions
from schedgen_ops.drafting.text import text
from schedgen_ops.errors import ConfigError, UnknownHostKey
from schedgen_ops.loading import files, named
from schedgen_ops.settings import Settings
from schedgen_ops.task_run import Operation
from schedgen_ops.text import plural

_HOST = re.compile(
    r"(?:(?P<user>[^@\s]+)@)?(?P<address>\[[0-9A-Fa-f:.%]+\]|[^@:\s\[\]]+)(?::(?P<port>\d{1,5}))?\Z"
)


def init(op: Operation, host: str, directory: str, *, replace: bool) -> None:
    """Write config/ENV.yaml for a project that runs on a host, and show what a first deploy with it would do.

    Raises:
        ConfigError: for what is no host or directory, or where the file is there already.
        CommandFailed: where nothing can be said of the project.
        Unreachable: where the host cannot be asked.
    """
    name = named(op.options.env, os.environ)
    place = _place(host, directory)
    file = _file(name, replace=replace)
    known = {"directory": place.directory, "hosts": [place.row], "environment": name}
    asking = op.on(_sound({"project": "unknown", **known}, host))
    (remote,) = asking.fleet.hosts
    try:
        seen = look(asking.context(remote))
    except UnknownHostKey as error:
        error.hint = "`ssh` to it once shows its key, asks and pins it; then run this again."
        raise
    asked = {each.about: op.ui.choose(each.text, each.options) for each in questions(seen)}
    seen = dataclasses.replace(seen, chosen={about: answer for about, answer in asked.items() if answer})
    entries = draft(place, seen)
    settings = _sound({**values(entries), "environment": name}, host)
    hows = strategies(settings, seen)
    said = "A comment says what showed a value, or what is left to you: read them all."
    head = f"Drafted by `inv init` from what {host} has in {place.directory}. {said}"
    written = text((*entries, *hows), head)
    if yaml.safe_load(written) != values(entries):
        raise AssertionError("the file says something else than what was seen")
    file.parent.mkdir(exist_ok=True)
    file.write_text(written, encoding="utf-8")
    shown = files.display(file, Path.cwd())
    events.info(op.emit, f"{shown} is written, for {plural(len(seen.services), 'service')}")
    deploy.plan(op.on(settings), Ref(settings.branch))


def _place(host: str, directory: str) -> Place:
    found = _HOST.match(host)
    if not found:
        raise ConfigError(f"{host!r} is no host", hint="For example deploy@server, or deploy@server:2222.")
    if not directory.startswith("/"):
        raise ConfigError(f"{directory!r} is no absolute path", hint="Where the compose file is on the host.")
    address = found["address"].strip("[]")
    name = re.sub(r"[^A-Za-z0-9-]+", "-", address.partition(".")[0] if not address[0].isdigit() else address)
    port = int(found["port"]) if found["port"] else None
    return Place(address, directory.rstrip("/"), name.strip("-") or "app1", found["user"] or "", port)


def _file(name: str, *, replace: bool) -> Path:
    if not files.NAME.match(name):
        raise ConfigError(f"{name!r} is no name of an environment")
    folder = files.expanded(Path.cwd(), os.environ.get("SCHEDGEN_CONFIG") or files.FOLDER)
    if folder is None:
        raise ConfigError("SCHEDGEN_CONFIG names no folder")
    file = folder / f"{name}.yaml"
    if file.exists() and not replace:
        hint = "--env NAME writes another one, --replace this one."
        raise ConfigError(f"{files.display(file, Path.cwd())} is there already", hint=hint)
    return file


def _sound(said: dict[str, object], host: str) -> Settings:
    try:
        return Settings.model_validate(said, context={"folder": Path.cwd()})
    except ValidationError as error:
        problems = tuple(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ConfigError(f"what {host} has makes no config", problems=problems) from None
