"""The operator's keys: which are offered to a host and in which order, each file read once per run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

from paramiko import PKey, SSHException, Transport
from paramiko.ssh_exception import AuthenticationException, BadAuthenticationType

from schedgen_ops.errors import KeyRefused, Unreachable
from schedgen_ops.host import agent as agents
from schedgen_ops.host import keyfile
from schedgen_ops.host.keyfile import Encrypted, Unusable
from schedgen_ops.shell import Secret

Prompt = Callable[[str], Secret]
_DEFAULTS = ("id_ed25519", "id_ecdsa", "id_rsa")
_TRIES = 3
# Seconds that a host, or an agent that asks for a confirmation, may take over one key.
_LOGIN = 60.0


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
        """Return the key in a file.

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
        """Return the encrypted key in a file, after asking for its passphrase.

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
class KeySource:
    """A key to offer, and how messages call it."""

    label: str
    key: PKey


@dataclass(frozen=True, slots=True)
class Choice:
    """Which keys may be offered.

    Attributes:
        files: private keys, or public halves of what an agent holds; None: the default ones under ~/.ssh.
        certificates: those besides the ones that lie beside a key.
        agent: the agent's socket; None where there is none, or it is not to be asked.
        only: whether of the agent's keys those of `files` and `certificates` alone are offered.
    """

    files: tuple[Path, ...] | None = None
    certificates: tuple[Path, ...] = ()
    agent: Path | None = None
    only: bool = False


class Authentication:
    """The login: it offers keys until the host takes one.

    The order wastes none of the few tries that sshd allows, and asks for a passphrase last: the configured
    keys that the agent holds or that need no passphrase, each with its certificates first, the agent's other
    keys, the encrypted keys.
    """

    def __init__(self, ring: KeyRing, user: str, label: str, choice: Choice) -> None:
        self.ring = ring
        self.user = user
        self.label = label
        self.choice = choice
        self.files = _default_files() if choice.files is None else choice.files
        self.tried: list[str] = []

    def authenticate(self, transport: Transport) -> None:
        """Log in. Raises KeyRefused when the host accepts none of the keys."""
        transport.auth_timeout = _LOGIN
        with ExitStack() as stack:
            for source in self._sources(self._held(stack)):
                self.tried.append(source.label)
                if self._offer(transport, source.key):
                    return
        tried = ", ".join(self.tried) or "no key: there is none to offer"
        raise self._refused(f"{self.label} accepts no key of yours for user {self.user} (tried {tried})")

    def _held(self, stack: ExitStack) -> tuple[PKey, ...]:
        """What the agent holds. Its socket is not made for threads, so each login has its own."""
        try:
            return stack.enter_context(closing(agents.Agent(self.choice.agent))).keys()
        except agents.NoAgent as problem:
            self.tried += filter(None, (str(problem),))
            return ()

    def _offer(self, transport: Transport, key: PKey) -> bool:
        try:
            more = transport.auth_publickey(self.user, key)
        except BadAuthenticationType as problem:
            allowed = ", ".join(problem.allowed_types)
            raise self._refused(f"{self.label} takes only {allowed} for {self.user}, no keys") from problem
        except AuthenticationException as problem:
            if "timeout" in str(problem).lower():
                raise self._silent() from problem
            if not transport.is_active():
                raise self._refused(
                    f"{self.label} closed the connection after {len(self.tried)} keys for user {self.user} "
                    f"(tried {', '.join(self.tried)})"
                ) from None
            return False
        except SSHException as problem:
            # The agent, or the key itself, does not sign: the next one may.
            if not transport.is_active():
                raise
            self.tried[-1] += f": {problem}"
            return False
        if more:
            raise self._refused(f"{self.label} wants {', '.join(more)} besides a key for user {self.user}")
        return True

    def _silent(self) -> Unreachable:
        return Unreachable(
            f"{self.label} cannot be reached: it did not answer the login of {self.user} within {_LOGIN:g} s "
            f"(tried {', '.join(self.tried)})",
            hint="See the log of sshd on the host; an agent that waits for your confirmation looks the same",
            host=self.label,
        )

    def _refused(self, message: str) -> KeyRefused:
        return KeyRefused(
            message,
            hint=f"Check the user, and that your public key is in its .ssh/authorized_keys on {self.label}",
            host=self.label,
        )

    def _sources(self, held: Sequence[PKey]) -> Iterator[KeySource]:
        in_agent = {key.asbytes(): key for key in held if getattr(key, "public_blob", None) is None}
        named: set[bytes] = set()
        encrypted: list[Path] = []
        for path in self.files:
            blob = keyfile.public_blob(path)
            named.add(blob)
            try:
                key = in_agent.get(blob) or self._from_file(path)
                yield from self._certified(path, blob, key, from_agent=blob in in_agent)
            except Encrypted:
                encrypted.append(path)
            except Unusable as problem:
                self.tried.append(f"{path}: {problem}")
        yield from self._others(held, named)
        for path in encrypted:
            key = self.ring.unlock(path, self.label)
            yield from self._certified(path, key.asbytes(), key, from_agent=False)

    def _from_file(self, path: Path) -> PKey:
        if keyfile.is_public(path):
            raise Unusable("the public half of a key, whose other half no agent here has")
        return self.ring.load(path)

    def _certified(self, path: Path, blob: bytes, key: PKey, *, from_agent: bool) -> Iterator[KeySource]:
        """The key, with each of its certificates first."""
        aside = ", from the agent" if from_agent else ""
        beside = path.with_name(f"{path.name.removesuffix('.pub')}-cert.pub")
        for certificate in dict.fromkeys((*self.choice.certificates, beside)):
            if blob and keyfile.certified_blob(certificate) == blob:
                yield KeySource(f"{certificate} with {path}{aside}", agents.certified(key, certificate))
        yield KeySource(f"{path}{aside}", key)

    def _others(self, held: Sequence[PKey], named: set[bytes]) -> Iterator[KeySource]:
        """What the agent holds besides: certificates and keys that no file names."""
        blobs = {keyfile.certified_blob(path): path for path in self.choice.certificates}
        for key in held:
            blob = key.asbytes()
            if blob in blobs and blob not in named:
                path = blobs[blob]
                yield KeySource(f"{path}, with the key from the agent", agents.certified(key, path))
            certified = getattr(key, "public_blob", None) is not None
            if not self.choice.only and (certified or blob not in named):
                yield KeySource(f"{getattr(key, 'comment', '') or key.get_name()}, from the agent", key)


def _default_files() -> tuple[Path, ...]:
    folder = Path.home() / ".ssh"
    return tuple(folder / name for name in _DEFAULTS if (folder / name).exists())
