"""What ssh_config says of a host, typed: how it is reached, and as whom. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from schedgen_ops.host.ssh_config import Found
from schedgen_ops.host.ssh_words import Unclear, expand, local, printable, tokens

_GLOBAL = (Path("/etc/ssh/ssh_known_hosts"), Path("/etc/ssh/ssh_known_hosts2"))
# What `ssh -G` shows where no file names a key.
_DEFAULT_KEYS = re.compile(r"~/\.ssh/id_(rsa|ecdsa|ecdsa_sk|ed25519|ed25519_sk|xmss|dsa)")
_UNUSED = {
    "bindinterface": "BindInterface",
    "knownhostscommand": "KnownHostsCommand",
    "pkcs11provider": "PKCS11Provider",
    "canonicalizehostname": "CanonicalizeHostname",
    "proxyusefdpass": "ProxyUseFdpass",
}


@dataclass(frozen=True, slots=True)
class NamedHost:
    """A host as the configuration, or a ProxyJump, names it."""

    address: str
    user: str = ""
    port: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """How a host is reached.

    Attributes:
        asked: the name that it was looked up under.
        key_files: private keys or their public halves; None where no file names one, () for none at all.
        agent: IdentityAgent as ssh_config has it; "" where it says nothing.
        forward: ForwardAgent as ssh_config has it: no, yes, a path or $VARIABLE.
        jump: the hosts to go through, the first of them first.
        known_hosts: the files of the operator; None where ssh_config says nothing.
        control: where OpenSSH holds a connection, if it does; None where ssh_config names no place.
        patience: ConnectTimeout in seconds; None where it says nothing.
    """

    asked: str
    hostname: str
    user: str
    port: int
    key_files: tuple[Path, ...] | None = None
    certificates: tuple[Path, ...] = ()
    identities_only: bool = False
    agent: str = ""
    forward: str = "no"
    jump: tuple[str, ...] = ()
    proxy: str = ""
    alias: str = ""
    known_hosts: tuple[Path, ...] | None = None
    global_known_hosts: tuple[Path, ...] = _GLOBAL
    revoked: Path | None = None
    family: str = "any"
    bind: str = ""
    control: Path | None = None
    patience: float | None = None


def target(asked: NamedHost, found: Found, me: str, tell: Callable[[str], None]) -> Target:
    """Return how a host is reached, by what ssh_config says of it.

    Args:
        tell: takes what is not understood or not used.
    """
    read = _Values(asked, found, me, tell)
    for keyword, name in _UNUSED.items():
        if read.text(keyword, "none").lower() not in ("none", "no", "false"):
            tell(f"{name} in ssh_config is not used here")
    return Target(
        asked=asked.address,
        hostname=read.hostname,
        user=read.user,
        port=int(read.port),
        key_files=read.keys(),
        certificates=read.paths("certificatefile"),
        identities_only=read.text("identitiesonly").lower() in ("yes", "true"),
        agent=read.text("identityagent"),
        forward=read.text("forwardagent", "no"),
        jump=_hops(read.text("proxyjump", "none")),
        proxy=read.proxy(),
        alias=printable(read.text("hostkeyalias")),
        known_hosts=read.files("userknownhostsfile"),
        global_known_hosts=(_GLOBAL if (named := read.files("globalknownhostsfile")) is None else named),
        revoked=next(iter(read.paths("revokedhostkeys")), None),
        family=read.text("addressfamily", "any").lower(),
        bind=read.text("bindaddress"),
        control=next(iter(read.files("controlpath") or ()), None),
        patience=read.seconds("connecttimeout"),
    )


def hop(text: str) -> NamedHost:
    """Return a host of a ProxyJump: `[user@]host[:port]`, or as ssh:// with the same in it."""
    user, _, place = text.removeprefix("ssh://").rstrip("/").rpartition("@")
    host, port = place, ""
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
    elif place.count(":") == 1:
        host, _, port = place.partition(":")
    port = port.removeprefix(":")
    return NamedHost(host, user, port if port.isascii() and port.isdigit() else "")


class _Values:
    """What was found of a host, taken out one by one."""

    def __init__(self, asked: NamedHost, found: Found, me: str, tell: Callable[[str], None]) -> None:
        self.found = found
        self.tell = tell
        self.hostname = printable(self.text("hostname")) or asked.address
        self.user = asked.user or printable(self.text("user", me))
        self.port = asked.port or self.text("port", "22")
        alias = self.text("hostkeyalias")
        self.names = tokens(asked.address, self.hostname, self.user, self.port, alias)

    def text(self, keyword: str, default: str = "") -> str:
        value = self.found.get(keyword, default)
        return value if isinstance(value, str) else " ".join(value)

    def many(self, keyword: str) -> list[str] | None:
        value = self.found.get(keyword)
        return [value] if isinstance(value, str) else value

    def files(self, keyword: str) -> tuple[Path, ...] | None:
        """Return paths whose tokens were replaced before."""
        named = self.many(keyword)
        return None if named is None else tuple(Path(one) for one in named if one.lower() != "none")

    def paths(self, keyword: str) -> tuple[Path, ...]:
        """Return paths whose tokens are replaced here."""
        found: list[Path] = []
        for one in self.many(keyword) or ():
            try:
                if one.lower() != "none":
                    found.append(local(expand(one, self.names)))
            except Unclear as problem:
                self.tell(f"{keyword} in ssh_config is not used: {problem}")
        return tuple(found)

    def keys(self) -> tuple[Path, ...] | None:
        named = self.many("identityfile")
        if not named or (len(named) > 3 and all(_DEFAULT_KEYS.fullmatch(one) for one in named)):
            return None
        return self.paths("identityfile")

    def proxy(self) -> str:
        command = self.text("proxycommand", "none")
        if command.lower() == "none":
            return ""
        try:
            return expand(command, self.names, environment=False)
        except Unclear as problem:
            self.tell(f"proxycommand in ssh_config is not used: {problem}")
            return ""

    def seconds(self, keyword: str) -> float | None:
        value = self.text(keyword)
        return float(value) if value.isascii() and value.isdigit() and int(value) > 0 else None


def _hops(text: str) -> tuple[str, ...]:
    return () if text.lower() == "none" else tuple(filter(None, (one.strip() for one in text.split(","))))
