"""Fabric's Connection, with its own socket, checked host keys, keys read once, and jump hosts shared.

What ssh_config says of a host is asked of ssh (see `resolve`). Fabric holds the client; commands go over the
transport's channels (see `session`), which takes a sixth of the time of Fabric's own runner.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import RLock
from typing import TYPE_CHECKING, Any

from fabric import Config, Connection
from paramiko import SSHConfig, SSHException, Transport
from paramiko.ssh_exception import ChannelException

from schedgen_ops.errors import ConfigError, OpsError, Unreachable
from schedgen_ops.host import agent as agents
from schedgen_ops.host import identity, known_hosts, shared, ssh_words, tcp
from schedgen_ops.host.channel import quiet
from schedgen_ops.host.handshake import KeyExchange
from schedgen_ops.host.keys import Authentication, Choice, KeyRing, Prompt
from schedgen_ops.host.policy import HostKeyPolicy
from schedgen_ops.host.proxy import ProxyCommand
from schedgen_ops.host.resolve import Resolver
from schedgen_ops.host.target import NamedHost, Target, hop

if TYPE_CHECKING:
    from schedgen_ops.settings import HostSettings, SshSettings


class Network:
    """What the hosts of a run share: what ssh_config says, keys, known_hosts, jump hosts.

    Build connections in one thread: Fabric's configuration is not made for several.
    """

    def __init__(self, ssh: SshSettings, *, prompt: Prompt | None) -> None:
        self.ssh = ssh
        self.ring = KeyRing(prompt)
        self.known = known_hosts.KnownHosts()
        self.config = Config(ssh_config=SSHConfig())
        self.resolver = Resolver(ssh.config_file)
        self._jumps: dict[tuple[str, ...], Link] = {}
        self._making: list[tuple[str, ...]] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """What of ssh_config was not understood, each told once."""
        return tuple(self.resolver.notes)

    def links(self, entries: Iterable[HostSettings]) -> tuple[Link, ...]:
        """Return the connections to hosts of the configuration, not opened yet."""
        named = [(one.name, NamedHost(one.address, one.user or "", str(one.port or ""))) for one in entries]
        self.resolver.resolve(asked for _, asked in named)
        return tuple(Link(self, name, self.resolver.target(asked)) for name, asked in named)

    def jump(self, hops: tuple[str, ...]) -> Link:
        """Return the connection to the last of `hops`, through those before it; hosts behind it share it."""
        if hops in self._making:
            circle = " -> ".join(one[-1] for one in (*self._making, hops))
            raise ConfigError(
                f"ProxyJump goes round in circles: {circle}",
                hint="Say `ProxyJump none` for the first of them",
            )
        if hops not in self._jumps:
            self._making.append(hops)
            through = self.jump(hops[:-1]) if hops[:-1] else None
            self._jumps[hops] = Link(self, hops[-1], self.resolver.target(hop(hops[-1])), gateway=through)
            self._making.pop()
        return self._jumps[hops]


class Link(Connection):  # type: ignore[misc]  # Fabric has no type information
    """A connection to one host. `open` may be called from several threads.

    Args:
        label: how messages name the host.
        target: how it is reached.
        gateway: the connection to go through; None: what ssh_config says.
    """

    # Fabric's attribute proxy takes only the attributes that a class names.
    label: str = ""
    network: Any = None
    target: Any = None
    lock: Any = None
    identity: Any = None
    gateway: Any = None
    lent: Any = None
    shares: bool = True
    left: Any = None
    transport: Any = None
    users: int = 0

    def __init__(self, network: Network, label: str, target: Target, *, gateway: Link | None = None) -> None:
        self.network = network
        self.label = label
        self.target = target
        self.lock = RLock()
        super().__init__(
            target.hostname, user=target.user, port=target.port, config=network.config, gateway=gateway
        )
        self.identity = identity.of(label, target, network.ssh, self.gateway)
        self.lent = agents.forwarded(target.forward, target.agent)
        if isinstance(self.gateway, Link):
            self.gateway.users += 1

    def derive_shorthand(self, host_string: str) -> dict[str, str | None]:
        """Return the host's name as it is: ssh_config's HostName has neither user nor port in it."""
        return {"user": None, "host": host_string, "port": None}

    def get_gateway(self) -> Link | str | None:
        """Return the jump host or proxy command that ssh_config names."""
        names = {hop(one).address for one in self.target.jump}
        # A pattern such as `Host *` also names the jump host itself.
        if self.target.jump and not {self.target.hostname, self.target.asked} & names:
            jump: Link = self.network.jump(self.target.jump)
            return jump
        return str(self.target.proxy) or None

    def open(self) -> Transport:
        """Return the transport, connected and logged in.

        Raises:
            Unreachable: with the reason in words; UnknownHostKey, HostKeyChanged, KeyRefused.
        """
        with self.lock:
            if not self.is_connected:
                self.transport = self._opened()
                self.transport.set_keepalive(round(self.network.ssh.keepalive))
            transport: Transport = self.transport
            return transport

    def dial(self) -> Any:
        """Return a new socket that leads to the host, on which nothing was said yet.

        Raises:
            Unreachable: with the reason in words.
        """
        return self._socket()

    def close(self) -> None:
        """End the connection, and with the last of them that of the jump host."""
        # Not under the lock: a connection that is being made is ended too.
        self.client.close()
        for held in (self.transport, self.left):
            if held is not None:
                held.close()
        gateway = self.gateway
        self.gateway = None
        if isinstance(gateway, Link):
            gateway.users -= 1
            if not gateway.users:
                gateway.close()

    @property
    def _patience(self) -> float:
        """Seconds to wait for a connection, by the configuration, else ssh_config, else the default."""
        ssh = self.network.ssh
        said: float | None = None if "connect_timeout" in ssh.model_fields_set else self.target.patience
        return said or float(ssh.connect_timeout)

    def unshare(self, held: Transport) -> bool:
        """Leave a connection that OpenSSH holds, for one of our own; False where it is none.

        What was begun on it goes on.
        """
        with self.lock:
            if not isinstance(held, shared.SharedTransport):
                return False
            if self.transport is held:
                self.shares, self.left, self.transport = False, held, None
            return True

    def _held_by_openssh(self) -> Transport | None:
        """A connection that is there, unless the config has keys of its own, or an agent goes along."""
        ssh, control = self.network.ssh, self.target.control
        own = ssh.identity_file or identity.names_known_hosts(ssh)
        if own or self.lent is not None or not (control and ssh.control_master and self.shares):
            return None
        return shared.transport(control, self._patience)

    def _opened(self) -> Transport:
        if held := self._held_by_openssh():
            return held
        sock = None
        try:
            sock = self._socket()
            self._connect(sock)
            transport: Transport = self.client.get_transport()
            return transport
        except BaseException as problem:
            said = sock.words() if isinstance(sock, ProxyCommand) else ""
            self.client.close()
            if sock is not None:
                sock.close()
            if not isinstance(problem, Exception):
                raise
            error = problem if isinstance(problem, OpsError) else self._explain(problem)
            error.detail = error.detail or said
            raise error from problem

    def _connect(self, sock: Any) -> None:
        names = self.identity.known_as, self.identity.portless
        known = self.network.known.find(self.identity.files, *names)
        self.client.set_missing_host_key_policy(HostKeyPolicy(self.identity, known))

        def transport(sock: Any, **options: Any) -> Transport:
            place = f"{self.host} port {self.port}"
            return KeyExchange(
                sock, label=self.label, place=place, known=known, seconds=self._patience, **options
            )

        self.client.connect(
            hostname=self.host,
            port=self.port,
            sock=sock,
            channel_timeout=self._patience,
            auth_strategy=self._authentication(),
            transport_factory=transport,
        )

    def _socket(self) -> Any:
        if not self.gateway:
            return tcp.dial(
                self.label,
                tcp.Endpoint(self.host, self.port, self.target.family, self.target.bind),
                timeout=self._patience,
                keepalive=self.network.ssh.keepalive,
            )
        if isinstance(self.gateway, str):
            return ProxyCommand(self.gateway)
        transport = self.gateway.open()
        try:
            place = (self.host, self.port)
            return quiet(transport.open_channel("direct-tcpip", place, ("", 0), timeout=self._patience))
        except (ChannelException, SSHException, EOFError) as problem:
            raise Unreachable(
                f"{self.label} cannot be reached: {self.gateway.label} opens no connection to "
                f"{self.host} port {self.port}",
                hint=f"Check the address as {self.gateway.label} sees it, and AllowTcpForwarding in its sshd",
                host=self.label,
            ) from problem

    def _authentication(self) -> Authentication:
        ssh, target = self.network.ssh, self.target
        configured = ssh.identity_file
        choice = Choice(
            files=(ssh_words.local(configured),) if configured else target.key_files,
            certificates=target.certificates,
            agent=agents.place(target.agent) if ssh.agent else None,
            only=target.identities_only,
        )
        return Authentication(self.network.ring, self.user, self.label, choice)

    def _explain(self, problem: Exception) -> Unreachable:
        if isinstance(problem, OSError):
            return tcp.unreachable(self.label, self.host, self.port, self._patience, problem)
        reason = (
            f"the SSH connection to {self.host} port {self.port} failed: {problem or type(problem).__name__}"
        )
        hint = "See the log of sshd on the host"
        return Unreachable(f"{self.label} cannot be reached: {reason}", hint=hint, host=self.label)
