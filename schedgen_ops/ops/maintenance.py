"""Visitors turned away at the ingress while the site is worked on, and let in again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schedgen_ops import events
from schedgen_ops.commands.docker import INGRESS, Docker
from schedgen_ops.deploy import ingress
from schedgen_ops.errors import ConfigError, OpsError, Refused
from schedgen_ops.host_scripts import host_script, text
from schedgen_ops.proxy import chosen
from schedgen_ops.proxy.routes import by_name, parts
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, ServiceRecord
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command, Value

# An answer of the ingress's own has to fit into one of its buffers.
LARGEST_PAGE = 12_000
_DEADLINE = 180.0
_WORDS = {
    "page": "answers visitors with the page",
    "held": "holds visitors",
    "cut": "cuts visitors off",
    "open": "lets visitors in",
}
NO_INGRESS, TOO_OLD = 10, 11


@dataclass(frozen=True, slots=True)
class Closing:
    """How visitors are turned away.

    Attributes:
        page: what they get.
        services: whose visitors; () for those of all.
        hold: seconds that a request waits before it gets the page, 0 for none.
        health: whether the paths that are asked for a service's health go through.
        what: what a host notes of it, for `inv status`.
    """

    page: bytes
    services: tuple[str, ...] = ()
    hold: int = 0
    health: bool = False
    what: str = ""


def page(settings: Settings) -> bytes:
    """Return the page of the configuration, or a plain one.

    Raises:
        ConfigError: where its file cannot be read, is empty, or is too large.
    """
    file = settings.ingress.page
    if file is None:
        return text("ops/maintenance.html").encode()
    try:
        with file.open("rb") as opened:
            found = opened.read(LARGEST_PAGE + 1)
    except OSError as error:
        raise ConfigError(f"the page for visitors cannot be read: {file}: {error.strerror}") from None
    if not found.strip() or len(found) > LARGEST_PAGE:
        raise ConfigError(
            f"the page for visitors must have 1 to {LARGEST_PAGE} bytes: {file}",
            hint="Pictures and style sheets of the page come from elsewhere.",
        )
    return found


def page_text(settings: Settings) -> str:
    """Return `page` as text, which a Swarm keeps with a release.

    Raises:
        ConfigError: as `page`, and where it is no UTF-8.
    """
    try:
        return page(settings).decode()
    except UnicodeDecodeError:
        raise ConfigError(f"the page for visitors must be UTF-8: {settings.ingress.page}") from None


def routes(remote: Remote, settings: Settings, services: Sequence[str]) -> Mapping[str, bool]:
    """Return the ingress's routes that lead to these services, () for all, and whether each is HTTP.

    Raises:
        Refused: where no service is behind an ingress of ours, or one of these is not.
    """
    paths = Paths(settings.directory)
    serving = store.known(remote, paths).serving
    behind = by_ports(serving) if serving else {}
    if not behind:
        hint = "`rollout.ingress` puts services behind it, with the next deploy."
        if settings.on_swarm:
            hint = "What publishes a port is behind it, with the next deploy."
        raise Refused("no service here is behind an ingress of ours", host=remote.name, hint=hint)
    if others := [name for name in services if name not in behind]:
        hint = f"Behind it: {', '.join(sorted(behind))}. `inv ops.stop` stops a service."
        raise Refused(f"not behind the ingress: {', '.join(others)}", host=remote.name, hint=hint)
    return led(behind, services)


def by_ports(release: Release) -> dict[str, ServiceRecord]:
    """Return the services of a release that visitors come to through the ingress, by name."""
    return {name: one for name, one in ingress.behind(release).items() if not all(map(by_name, one.proxies))}


def led(behind: Mapping[str, ServiceRecord], services: Sequence[str]) -> Mapping[str, bool]:
    """Return the routes that lead to these services, () for all, and whether each is HTTP."""
    asked = [one for name, one in behind.items() if name in (services or behind)]
    return {route: route not in one.raw for one in asked for route in one.proxies if not by_name(route)}


def command(settings: Settings, known: Mapping[str, bool], closing: Closing | None) -> Command:
    """Return the command that turns visitors of these routes away; None lets everybody in."""
    paths = Paths(settings.directory)
    body = closing.page if closing else b""
    return host_script(
        "ops/maintenance",
        title="maintenance",
        state=paths.state,
        services=(INGRESS,),
        docker=Docker(settings.sudo).words,
        project=settings.project,
        folder=paths.ingress,
        proxy=chosen(settings).name,
        what=closing.what if closing else "",
        size=len(body),
        **asked(known),
        **closed(settings, known, closing),
    ).with_stdin(body)


def closed(settings: Settings, known: Mapping[str, bool], closing: Closing | None) -> Mapping[str, Value]:
    """Return what a script is told of how visitors of these routes are turned away; None lets them in."""
    turned = () if closing is None else tuple(known) if closing.services else ("*",)
    return {
        "routes": turned,
        "retry": settings.ingress.retry_after,
        "wait": closing.hold if closing else 0,
        "health": "health" if closing and closing.health else "-",
    }


def asked(known: Mapping[str, bool]) -> Mapping[str, Value]:
    """Return what a script is told of the ports of these routes, which it asks as visitors do."""
    return {
        "ports": tuple(parts(route)[1] for route in known),
        "raw": tuple(parts(route)[1] for route, http in known.items() if not http),
    }


def turn(remote: Remote, settings: Settings, emit: events.Emit, closing: Closing | None) -> None:
    """Turn visitors away, or let them in with None, and say what the ports were seen to answer.

    Raises:
        Refused: where there is no ingress, or one that an earlier version configured.
        OpsError: where visitors get something else then; they are let in again.
    """
    known = routes(remote, settings, closing.services if closing else ())
    result = remote.run(command(settings, known, closing), deadline=_DEADLINE, check=False)
    if result.code == NO_INGRESS:
        raise Refused("the ingress does not run here", host=remote.name, hint="`inv doctor` says why.")
    if result.code == TOO_OLD:
        hint = "A deploy configures it anew; `inv doctor` says whether it runs."
        raise Refused("the ingress cannot turn visitors away", host=remote.name, hint=hint)
    if not result.ok:
        said = (result.stderr.strip() or f"exit code {result.code}").splitlines()[-1]
        raise OpsError(said, host=remote.name, hint="`inv status` says whether visitors are turned away.")
    for words in told(result.lines()):
        events.info(emit, words, remote.name)


def told(lines: Iterable[str]) -> Iterator[str]:
    """Yield in words what ports were seen to answer; each line is `PORT SEEN`."""
    for line in lines:
        port, _, seen = line.partition(" ")
        yield f"Port {port} {_WORDS.get(seen, seen)}"
