"""The operator's keys: which are offered to a host and in which order, each file read once per run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

from paramiko import Agent, PKey, Transport
from paramiko.ssh_exception import AuthenticationException, BadAuthenticationType

from schedgen_ops.errors import KeyRefused
from schedgen_ops.host import keyfile
from schedgen_ops.host.keyfile import Encrypted, Unusable
from schedgen_ops.shell import Secret

Prompt = Callable[[str], Secret]
_DEFAULTS = ("id_ed25519", "id_ecdsa", "id_rsa")
_TRIES = 3


@dataclass
class KeyRing:
    """The private keys of a run, shared by its hosts: a key is parsed, and its passphrase asked for, once.

    Args:
        prompt: asks the operator for a passphrase; None where nobody can be asked.
    """

    prompt: Prompt | None = None
    _keys: dict[Path, PKey | Exception] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock)

    def load(self, path: Path) -> PKey:
        """The key in a file.

        Raises:
            Encrypted: when it needs a passphrase; `unlock` asks for it.
            Unusable: when it holds no key.
        """
        with self._lock:
            if path not in self._keys:
                try:
                    self._keys[path] = keyfile.read(path)
                except (Encrypted, Unusable) as problem:
                    self._keys[path] = problem
            found = self._keys[path]
        if isinstance(found, Exception):
            raise found
        return found

    def unlock(self, path: Path, label: str) -> PKey:
        """The encrypted key in a file, after its passphrase was asked for.

        Raises:
            KeyRefused: when nobody can be asked, or nobody knew it.
        """
        with self._lock:
            found = self._keys.get(path)
            if isinstance(found, PKey):
                return found
            if isinstance(found, KeyRefused):
                raise found
            try:
                self._keys[path] = key = self._ask(path, label)
            except KeyRefused as problem:
                self._keys[path] = problem
                raise
            return key

    def _ask(self, path: Path, label: str) -> PKey:
        if self.prompt is None:
            raise KeyRefused(
                f"the key {path} is encrypted, and there is no terminal to ask for its passphrase",
                hint=f"Load it into the agent first: ssh-add {path}",
                host=label,
            )
        for _ in range(_TRIES):
            try:
                return keyfile.read(path, self.prompt(f"Passphrase for {path}: ").reveal())
            except (Encrypted, Unusable):
                continue
        raise KeyRefused(f"none of {_TRIES} passphrases opens the key {path}", host=label)


@dataclass(frozen=True, slots=True)
class Source:
    """A key to offer, and how messages call it."""

    label: str
    key: PKey


class Authentication:
    """Offers keys until the host takes one.

    The order wastes none of the few tries that sshd allows, and asks for a passphrase last: the configured
    keys that the agent holds or that need no passphrase, the agent's other keys, the encrypted keys.

    Args:
        files: private key files; empty means the default ones under ~/.ssh.
        agent: whether the agent's keys may be used; `only` restricts them to those of `files`.
    """

    def __init__(
        self, ring: KeyRing, user: str, label: str, files: Sequence[Path], *, agent: bool, only: bool
    ) -> None:
        self.ring = ring
        self.user = user
        self.label = label
        self.files = tuple(files) or _default_files()
        self.agent = agent
        self.only = only
        self.tried: list[str] = []

    def authenticate(self, transport: Transport) -> None:
        """Raises KeyRefused when the host accepts none of the keys."""
        # The agent speaks over a socket that is not made for threads, so each connection has its own.
        with closing(Agent()) as agent:
            held = agent.get_keys() if self.agent else ()
            for source in self._sources(held):
                self.tried.append(source.label)
                if self._offer(transport, source.key):
                    return
        tried = ", ".join(self.tried) or "no key: there is none to offer"
        raise self._refused(f"{self.label} accepts no key of yours for user {self.user} (tried {tried})")

    def _offer(self, transport: Transport, key: PKey) -> bool:
        try:
            more = transport.auth_publickey(self.user, key)
        except BadAuthenticationType as problem:
            allowed = ", ".join(problem.allowed_types)
            raise self._refused(f"{self.label} takes only {allowed} for {self.user}, no keys") from problem
        except AuthenticationException:
            if not transport.is_active():
                raise self._refused(
                    f"{self.label} closed the connection after {len(self.tried)} keys for user {self.user} "
                    f"(tried {', '.join(self.tried)})"
                ) from None
            return False
        if more:
            raise self._refused(f"{self.label} wants {', '.join(more)} besides a key for user {self.user}")
        return True

    def _refused(self, message: str) -> KeyRefused:
        return KeyRefused(
            message,
            hint=f"Check the user, and that your public key is in its .ssh/authorized_keys on {self.label}",
            host=self.label,
        )

    def _sources(self, held: Sequence[PKey]) -> Iterator[Source]:
        others = {key.asbytes(): key for key in held}
        encrypted: list[Path] = []
        for path in self.files:
            in_agent = others.pop(keyfile.public_blob(path), None)
            try:
                yield Source(
                    f"{path}, from the agent" if in_agent else str(path), in_agent or self.ring.load(path)
                )
            except Encrypted:
                encrypted.append(path)
            except Unusable as problem:
                self.tried.append(f"{path}: {problem}")
        if not self.only:
            for key in others.values():
                yield Source(f"{getattr(key, 'comment', '') or key.get_name()}, from the agent", key)
        for path in encrypted:
            yield Source(str(path), self.ring.unlock(path, self.label))


def _default_files() -> tuple[Path, ...]:
    folder = Path.home() / ".ssh"
    return tuple(folder / name for name in _DEFAULTS if (folder / name).exists())
