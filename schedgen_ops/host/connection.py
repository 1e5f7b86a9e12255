"""Fabric's Connection, with its own socket, checked host keys, keys read once, and jump hosts shared.

Fabric resolves what ~/.ssh/config says of a host and holds the client; commands go over the transport's
channels (see `session`), which takes a sixth of the time of Fabric's own runner.
"""

from __future__ import annotations

from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from fabric import Config, Connection
from paramiko import SSHConfig, SSHException, Transport
from paramiko.ssh_exception import ChannelException

from schedgen_ops.errors import OpsError, Unreachable
from schedgen_ops.host import known_hosts, ssh_config, tcp, trust
from schedgen_ops.host.keys import Authentication, KeyRing, Prompt

if TYPE_CHECKING:
    from schedgen_ops.settings import HostSettings, SshSettings

_GLOBAL_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")
_DEFAULT_KNOWN_HOSTS = Path("~/.ssh/known_hosts")


class Network:
    """What the hosts of a run share: the parsed ssh_config, keys, known_hosts, jump hosts.

    Build connections in one thread: Fabric's configuration is not made for several.
    """

    def __init__(self, ssh: SshSettings, *, prompt: Prompt | None) -> None:
        self.ssh = ssh
        self.ring = KeyRing(prompt)
        self.known = known_hosts.KnownHosts()
        self.config = Config(ssh_config=self._ssh_config())
        self._jumps: dict[tuple[str, ...], Link] = {}

    def link(self, entry: HostSettings) -> Link:
        """The connection to a host of the configuration, not opened yet."""
        return Link(self, entry.name, entry.address, user=entry.user, port=entry.port)

    def jump(self, hops: tuple[str, ...]) -> Link:
        """The connection to the last of `hops`, through those before it; hosts behind it share it."""
        if hops not in self._jumps:
            before = self.jump(hops[:-1]) if hops[:-1] else False
            self._jumps[hops] = Link(self, hops[-1], hops[-1], gateway=before)
        return self._jumps[hops]

    def _ssh_config(self) -> SSHConfig:
        if self.ssh.config_file is None:
            return SSHConfig()
        return ssh_config.load(Path(self.ssh.config_file).expanduser())


class Link(Connection):  # type: ignore[misc]  # Fabric has no type information
    """A connection to one host. `open` may be called from several threads.

    Args:
        label: how messages name the host.
        address: host name, IP address or alias; `user` and `port` win over ssh_config.
        gateway: the connection to go through; None: what ssh_config says; False: none.
    """

    # Fabric's attribute proxy takes only the attributes that a class names.
    label: str = ""
    network: Any = None
    lock: Any = None
    identity: Any = None
    gateway: Any = None
    users: int = 0

    def __init__(
        self,
        network: Network,
        label: str,
        address: str,
        *,
        user: str | None = None,
        port: int | None = None,
        gateway: Link | bool | None = None,
    ) -> None:
        self.network = network
        self.label = label
        self.lock = RLock()
        super().__init__(address, user=user, port=port, config=network.config, gateway=gateway)
        self.identity = self._identify()
        if isinstance(self.gateway, Link):
            self.gateway.users += 1
        self.client.set_missing_host_key_policy(trust.Policy(self.identity, network.known))

    def get_gateway(self) -> Link | str | None:
        """The jump host or proxy command that ssh_config names."""
        jump = str(self.ssh_config.get("proxyjump", "none"))
        if jump.lower() != "none":
            hops = tuple(hop.strip().removeprefix("ssh://") for hop in jump.split(","))
            names = {self.derive_shorthand(hop)["host"] for hop in hops}
            # A pattern such as `Host *` also names the jump host itself.
            return None if {self.host, self.original_host} & names else self.network.jump(hops)
        command = str(self.ssh_config.get("proxycommand", "none"))
        return None if command.lower() == "none" else command

    def open(self) -> Transport:
        """The transport, connected and logged in.

        Raises:
            Unreachable: with the reason in words; UnknownHostKey, HostKeyChanged, KeyRefused.
        """
        with self.lock:
            if not self.is_connected:
                try:
                    self._open()
                except BaseException as problem:
                    self.client.close()
                    if isinstance(problem, OpsError) or not isinstance(problem, Exception):
                        raise
                    raise self._explain(problem) from problem
            transport: Transport = self.transport
            return transport

    def close(self) -> None:
        """End the connection, and with the last of them that of the jump host."""
        # Not under the lock: a connection that is being made is ended too.
        self.client.close()
        gateway = self.gateway
        self.gateway = None
        if isinstance(gateway, Link):
            gateway.users -= 1
            if not gateway.users:
                gateway.close()

    def _open(self) -> None:
        ssh = self.network.ssh
        found = self.network.known.find(self.identity.files, self.identity.known_as)

        def transport(sock: Any, **options: Any) -> Transport:
            made = Transport(sock, **options)
            trust.prefer_known(made, found)
            return made

        self.client.connect(
            hostname=self.host,
            port=self.port,
            sock=self._socket(),
            timeout=ssh.connect_timeout,
            banner_timeout=ssh.connect_timeout,
            channel_timeout=ssh.connect_timeout,
            auth_strategy=self._authentication(),
            transport_factory=transport,
        )
        self.transport = self.client.get_transport()
        self.transport.set_keepalive(round(ssh.keepalive))

    def _socket(self) -> Any:
        ssh = self.network.ssh
        if not self.gateway:
            return tcp.dial(
                self.label, self.host, self.port, timeout=ssh.connect_timeout, keepalive=ssh.keepalive
            )
        if isinstance(self.gateway, str):
            return self.open_gateway()
        transport = self.gateway.open()
        try:
            return transport.open_channel(
                "direct-tcpip", (self.host, self.port), ("", 0), timeout=ssh.connect_timeout
            )
        except (ChannelException, SSHException, EOFError) as problem:
            raise Unreachable(
                f"{self.label} cannot be reached: {self.gateway.label} opens no connection to "
                f"{self.host} port {self.port}",
                hint=f"Check the address as {self.gateway.label} sees it, and AllowTcpForwarding in its sshd",
                host=self.label,
            ) from problem

    def _authentication(self) -> Authentication:
        configured = self.network.ssh.identity_file
        files = [configured] if configured else self.ssh_config.get("identityfile", [])
        return Authentication(
            self.network.ring,
            self.user,
            self.label,
            [Path(file).expanduser() for file in files],
            agent=self.network.ssh.agent,
            only=str(self.ssh_config.get("identitiesonly", "no")).lower() == "yes",
        )

    def _identify(self) -> trust.Identity:
        files = [Path(self.network.ssh.known_hosts)]
        if files == [_DEFAULT_KNOWN_HOSTS] or files == [_DEFAULT_KNOWN_HOSTS.expanduser()]:
            named = str(self.ssh_config.get("userknownhostsfile", "")).split()
            files = [Path(file) for file in named] or files
        alias = self.ssh_config.get("hostkeyalias")
        return trust.Identity(
            label=self.label,
            address=self.host,
            port=self.port,
            known_as=alias or known_hosts.host_name(self.host, self.port),
            files=(*(file.expanduser() for file in files), _GLOBAL_KNOWN_HOSTS),
            jump=self.gateway.original_host if isinstance(self.gateway, Link) else "",
        )

    def _explain(self, problem: Exception) -> Unreachable:
        where = f"{self.host} port {self.port}"
        if isinstance(problem, OSError):
            timeout = self.network.ssh.connect_timeout
            return tcp.unreachable(self.label, self.host, self.port, timeout, problem)
        if isinstance(problem, SSHException) and "banner" in str(problem):
            reason = f"what answers on {where} is no SSH server"
            hint = "Check the port; an overloaded sshd that closes new connections looks the same"
        else:
            reason = f"the SSH connection to {where} failed: {problem or type(problem).__name__}"
            hint = "See the log of sshd on the host"
        return Unreachable(f"{self.label} cannot be reached: {reason}", hint=hint, host=self.label)
