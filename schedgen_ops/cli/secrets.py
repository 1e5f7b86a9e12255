"""What `inv secrets` does with an operation: names and what becomes of them, never values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schedgen_ops import events
from schedgen_ops.cli.looking import Rows, conclude, look
from schedgen_ops.cli.ops import change
from schedgen_ops.commands.definition import parse_hashes
from schedgen_ops.errors import ConfigError, Refused, VerificationFailed
from schedgen_ops.orchestrators.compose import compose_of
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.secrets import remote_commands
from schedgen_ops.secrets.compare import Difference
from schedgen_ops.secrets.vault import Vault
from schedgen_ops.settings import Settings
from schedgen_ops.task_run import Operation
from schedgen_ops.text import plural
from schedgen_ops.ui.tables import Table

_WRITTEN = {
    "absent": "no file",
    "ours": "as delivered",
    "edited": "changed by hand",
    "foreign": "written by hand",
}


def _vault(op: Operation) -> Vault:
    if op.vault is None:
        hint = "`secrets` in the config maps names to commands; docs/secrets.md shows how."
        raise ConfigError("nothing is delivered in this environment", hint=hint)
    return op.vault


def check(op: Operation) -> None:
    """Run the command of each secret, and of registries' passwords; show which yielded a value.

    Raises:
        ConfigError: where the environment has none.
        VerificationFailed: where one yielded no value.
    """
    sign_in = op.sign_in
    commands = dict(op.settings.secrets if sign_in else _vault(op).settings.secrets)
    wrong = dict(op.vault.fetched().wrong) if op.vault else {}
    if sign_in:
        commands |= sign_in.commands
        wrong |= sign_in.fetched().wrong
    rows = tuple(
        (name, "failed" if name in wrong else "ok", words[0], wrong.get(name, ""))
        for name, words in commands.items()
    )
    op.ui.show(Table(("Secret", "State", "Program", "Why"), rows, empty="No secret has a command."))
    if wrong:
        raise VerificationFailed(
            f"{plural(len(wrong), 'secret')} of {len(rows)} could not be fetched",
            hint="Run the command of one by hand; docs/secrets.md has what is asked of it.",
        )


def diff(op: Operation) -> None:
    """Show which variables of each host differ from what would be delivered.

    Raises:
        Refused: where a secret cannot be fetched.
        Unreachable: where a host cannot be asked; the others are shown.
    """
    vault = _vault(op)
    vault.env()
    rows = Rows(op, ("Host", "Variable", "State", "File"))

    def show(came: Mapping[str, Difference]) -> None:
        rows.add([row for host, found in came.items() for row in _rows(host, found)])

    conclude(look(op, vault.look, show))


def _rows(host: str, found: Difference) -> Iterator[tuple[str, str, str, str]]:
    written = _WRITTEN[found.state]
    if found.refused:
        yield host, "", "Compose does not take the file", written
        return
    kinds = (("new", found.new), ("differs", found.changed), ("only there", found.gone), ("same", found.same))
    yield from sorted((host, name, state, written) for state, names in kinds for name in names)


def push(op: Operation) -> None:
    """Deliver the env file outside of a deploy, once its differences were shown and agreed to.

    Raises:
        Refused: where a secret cannot be fetched, or the answer was no; nothing was changed.
    """
    vault = _vault(op)
    vault.env()
    diff(op)
    seen = dict(vault.found)
    todo = [host for host, found in seen.items() if found.any or found.state != "ours"]
    if not todo:
        events.info(op.emit, "Every host has what would be delivered")
        return
    vault.consent()
    file = op.settings.env_file
    notes = (*(f"{host}: {seen[host]}" for host in todo), "What runs keeps its values until a deploy.")
    if not op.ui.confirm(f"Deliver {file}?", *notes, yes=op.options.yes):
        raise Refused("nothing was changed")

    def work(remote: Remote) -> None:
        if vault.look(remote) != seen[remote.name]:
            text = f"{file} was changed a moment ago"
            raise Refused(text, host=remote.name, hint="Look at it: `inv secrets.diff`.")
        remote.run(remote_commands.deliver(op.settings, vault.env()), deadline=60)
        events.info(op.emit, f"{file} is delivered; {_outdated(remote, op.settings)}", remote.name)

    change(op, "secrets.push", f"Delivering {file}", work, op.fleet.only(todo))


def _outdated(remote: Remote, settings: Settings) -> str:
    """Which services run with other values than a deploy would give them, in words."""
    serving = store.read(remote, Paths(settings.directory)).serving
    if serving is None:
        return "nothing was deployed yet: `inv deploy` begins with it"
    command = compose_of(settings).by_owner("config", "--hash", "*").kept_private()
    said = remote.run(command, deadline=60, check=False)
    if not said.ok:
        return "which services it concerns is not known: Compose does not take the project's file"
    now = parse_hashes(said.stdout)
    ran = sorted(serving.services.items())
    late = [name for name, record in ran if now.get(name, record.written) != record.written]
    if not late:
        return "no service uses what changed"
    return f"{', '.join(late)} must be deployed to see it: `inv deploy`; a restart keeps the old values"
