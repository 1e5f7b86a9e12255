"""What `inv hosts.trust` does with an operation: no key is pinned that nobody vouched for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from schedgen_ops.cli.looking import Rows
from schedgen_ops.errors import ConfigError, HostKeyChanged, OpsError, Refused, UnknownHostKey
from schedgen_ops.events import HostMissing
from schedgen_ops.host import Network, pins, scan
from schedgen_ops.host.connection import Link
from schedgen_ops.host.known_hosts import Entry, KnownHosts
from schedgen_ops.host.pins import Shown
from schedgen_ops.host.revoked import refuse_listed
from schedgen_ops.host.trust import fingerprint as fingerprint_of
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.task_run import Operation

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_COLUMNS = ("Host", "Key", "State")


def trust(op: Operation, fingerprint: str, *, replace: bool) -> None:
    """Pin the keys of every host that has none pinned, once somebody vouched for them.

    Jump hosts whose keys are not known come first: the others are reached through them.

    Args:
        fingerprint: those that are vouched for, separated by commas; "" asks.
        replace: whether a host may have another key than the one that is pinned.

    Raises:
        ConfigError: for what is no fingerprint, or where there is nobody to ask.
        Refused: where a key was not vouched for.
        Unreachable: where a host cannot be reached, or shows another key than the one that is pinned.
    """
    vouched = tuple(filter(None, (one.strip() for one in fingerprint.split(","))))
    if wrong := [one for one in vouched if not _FINGERPRINT.fullmatch(one)]:
        raise ConfigError(
            f"{wrong[0]!r} is no fingerprint", hint="`ssh-keygen -lf FILE` prints it: SHA256:..."
        )
    names = op.fleet.names
    network = Network(op.settings.ssh, prompt=op.ui.secret)
    trusting = _Trusting(op, network, vouched, replace, Rows(op, _COLUMNS))
    done: dict[str, str] = {}
    errors: dict[str, Exception] = {}
    for link in network.links([op.settings.host(name) for name in names]):
        try:
            trusting.way_to(link)
            done[link.label] = trusting.host(link, f" --hosts {link.label}")
        except ConfigError:
            raise
        except OpsError as error:
            errors[link.label] = error
            op.emit(HostMissing(link.label, error.message, error.hint, error.exit_code, len(names) == 1))
        finally:
            link.close()
    if failed := Outcomes(done, errors).error():
        raise failed


@dataclass
class _Trusting:
    """The hosts one after the other, and the jump hosts before them, each asked about once."""

    op: Operation
    network: Network
    vouched: tuple[str, ...]
    replace: bool
    rows: Rows
    refused: dict[Link, OpsError] = field(default_factory=dict)

    def way_to(self, link: Link) -> None:
        """Trust the jump hosts on the way to a host, the outermost first, where one is not known yet."""
        jump = link.gateway
        if not isinstance(jump, Link):
            return
        self.way_to(jump)
        if jump in self.refused:
            raise self.refused[jump]
        try:
            jump.open()
        except (UnknownHostKey, HostKeyChanged):
            try:
                self.host(jump, "")
            except OpsError as error:
                self.refused[jump] = error
                raise

    def host(self, link: Link, among: str) -> str:
        """Pin the keys of a host, and return since when or where they are pinned.

        Args:
            among: the option that leads to it, for messages.
        """
        keys, state = self._pinned(link, among)
        self.rows.add(tuple((link.label, str(key), state) for key in keys))
        return state

    def _pinned(self, link: Link, among: str) -> tuple[tuple[Shown, ...], str]:
        who = link.identity
        if not who.keeps:
            hint = "Set `ssh.known_hosts` in the configuration"
            raise Refused("ssh_config names no file to keep keys in", hint=hint, host=link.label)
        known = KnownHosts().find(who.files, who.known_as, who.portless)
        shown = scan.keys(link)
        refuse_listed(who, *((key.kind, key.blob) for key in shown))
        old = pins.stale(who, known, shown)
        if old is None:
            return shown, "pinned already"
        if old and not self.replace:
            raise _changed(link, shown, old, among)
        chosen = _vouched(self.op, link, shown, old, self.vouched)
        pins.pin(who, chosen, old)
        # Whoever is behind it is reached by what is pinned now.
        self.network.known = KnownHosts()
        return chosen, f"pinned in {who.files[0]}"


def _vouched(
    op: Operation, link: Link, shown: tuple[Shown, ...], old: tuple[Entry, ...], vouched: tuple[str, ...]
) -> tuple[Shown, ...]:
    if vouched:
        chosen = tuple(key for key in shown if fingerprint_of(key.blob) in vouched)
        if not chosen:
            keys = ", ".join(map(str, shown))
            raise Refused(f"{link.label} shows none of the fingerprints, but {keys}", host=link.label)
        return chosen
    notes = [f"{link.label} at {link.host} port {link.port} shows:", *(f"  {key}" for key in shown)]
    notes.append(
        "Compare them with the host's own, on its console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
    )
    if old:
        notes.append(f"ITS KEY CHANGED: {', '.join(entry.place for entry in old)} would be replaced.")
    question = f"{'Replace the pinned keys of' if old else 'Trust these keys of'} {link.label}?"
    try:
        agreed = op.ui.confirm(question, *notes)
    except ConfigError as error:
        error.hint = "Pass --fingerprint with what the host has to show."
        raise
    if not agreed:
        raise Refused(f"the keys of {link.label} were not trusted, and nothing was changed", host=link.label)
    return shown


def _changed(link: Link, shown: tuple[Shown, ...], old: tuple[Entry, ...], among: str) -> HostKeyChanged:
    keys = ", ".join(map(str, shown))
    return HostKeyChanged(
        f"THE KEY OF {link.label} CHANGED: it shows {keys}, and {old[0].place} has another",
        hint="Somebody may be in between: find out why first. If the host was set up anew:\n"
        f"  inv hosts.trust{among} --replace",
        host=link.label,
    )
