"""Hosts taken out of their load balancer, and put back: who is out, and that somebody always serves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from threading import Lock

from schedgen_ops import events, workers
from schedgen_ops.balancer import calling, remote_commands
from schedgen_ops.balancer.calling import Failed
from schedgen_ops.commands import maintenance
from schedgen_ops.errors import ConfigError, ConnectionLost, OpsError, Refused
from schedgen_ops.host_context import QUICK, HostContext
from schedgen_ops.secrets.fetch import fetch
from schedgen_ops.settings import Balancer, Call, Settings
from schedgen_ops.shell import sh

_PAUSE = 2
# What a script may take beyond what it waits for; the ingress's lock may be held by another one.
_TURN = 120.0


@dataclass(slots=True)
class LoadBalancer:
    """The load balancer of an environment, as one run works with it.

    Attributes:
        learn: takes values that nothing may show from now on.
        environ: the variables of this machine.
        paused: draws nothing meanwhile: a command of `secrets` may ask on the terminal.
        by: who takes hosts out.
        out: the hosts that are out, by what they note of it.
        absent: those that serve nobody: out of reach, or without a release yet.
    """

    settings: Settings
    section: Balancer
    learn: Callable[[Iterable[str]], None]
    environ: Mapping[str, str]
    paused: Callable[[], AbstractContextManager[None]] = nullcontext
    by: str = ""
    out: dict[str, str] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    _secrets: Mapping[str, str] = field(default_factory=dict)
    _turn: Lock = field(default_factory=Lock)

    def ready(self) -> None:
        """Fetch what the calls need, before any host is asked.

        Raises:
            Refused: where a command yields no secret.
            ConfigError: where a variable is not set.
        """
        if self.section.secrets and not self._secrets:
            ask = self.settings.secret_commands.ask
            with self.paused() if ask else nullcontext():
                found = fetch(self.settings, self.section.secrets).all()
            self._secrets = {name: value.reveal() for name, value in found.items()}
            self.learn(self._secrets.values())
        for key, how in (("take_out", self.section.take_out), ("put_back", self.section.put_back)):
            names = calling.wanted(how) - {*self._secrets} if how else frozenset()
            if lacking := sorted(name for name in names if not self.environ.get(name)):
                raise ConfigError(
                    f"balancer.{key} needs {', '.join(lacking)}: no such variable is set",
                    hint="Set it, or name under balancer.secrets the command that prints it.",
                )
            self.learn(self.environ[name] for name in names)

    @property
    def behind(self) -> frozenset[str]:
        """The names of the hosts behind it."""
        return frozenset(host.name for host in self.settings.balanced_hosts())

    @property
    def serving(self) -> frozenset[str]:
        """The names of the hosts that it sends requests to, as far as this run knows."""
        return self.behind - {*self.out} - self.absent

    def look(self, host: HostContext) -> bool:
        """Return whether a host notes that it is taken out, and remember it."""
        if host.name not in self.behind:
            return False
        answer = host.run(remote_commands.look(self.settings)).stdout
        if not answer.strip():
            return False
        what = maintenance.parse(answer).what
        with self._turn:
            self.out.setdefault(host.name, what or "taken out")
        return True

    def refuse_all_out(self, batches: Iterable[Iterable[str]]) -> None:
        """Make sure that some host serves while each batch is out.

        Raises:
            Refused: naming the hosts that nobody would serve beside.
        """
        serving = {*self.serving}
        for batch in batches:
            leaving = serving & {*batch}
            if leaving and leaving == serving:
                names = ", ".join(sorted(leaving))
                others = ", ".join(sorted(self.behind - serving))
                raise Refused(
                    f"nobody would serve while {names} is taken out of the load balancer",
                    detail=f"not in service: {others}" if others else "",
                    hint="`inv status` tells how the others stand; `inv deploy.recover` puts back what a "
                    "killed run left out.",
                )
            # Once updated they are put back, also those that were out.
            serving |= self.behind & {*batch} - self.absent

    def take_out(self, host: HostContext, ports: Sequence[str]) -> None:
        """Take a host out, and wait until nothing is sent to it any more; one that is out stays so.

        Args:
            ports: where its ingress listens for whoever asks for its health.

        Raises:
            OpsError: where that was not seen to be done, or it is the last one that serves.
        """
        if host.name not in self.behind or host.name in self.out:
            return
        with self._turn:
            if self.serving <= {host.name}:
                raise OpsError("it is the last host in service, and is not taken out", host=host.name)
            self.out[host.name] = f"out of the load balancer, taken out by {self.by}"
        host.run(remote_commands.note(self.settings, f"taken out of the load balancer ({self.by})"))
        if self.section.health:
            if not self._left(host, self.section.health, ports):
                host.run(remote_commands.forget(self.settings))
                del self.out[host.name]
                return
        elif self.section.take_out:
            self._call(host, self.section.take_out, "taken out of")
        host.say("Taken out of the load balancer")
        host.emit(events.Fact("balancer", "out", host.name))
        self._drain(host)

    def _left(self, host: HostContext, path: str, ports: Sequence[str]) -> bool:
        """Have the ingress answer 503; False where it cannot yet, as before the first deploy with this."""
        command = remote_commands.turn(self.settings, "out", path, ports)
        answer = host.run(command, _TURN, check=False)
        if answer.code in (remote_commands.NO_INGRESS, remote_commands.TOO_OLD):
            host.warn(
                f"Not taken out of the load balancer: no ingress answers at {path} here until this release "
                "has configured it"
            )
            return False
        if not answer.ok:
            raise _failed(host, "could not be taken out of", _said(answer.stderr, answer.code))
        return True

    def _drain(self, host: HostContext) -> None:
        most = self.settings.rollout.drain
        command = remote_commands.drained(self.settings, self.section.drain)
        answer = host.run(command, self.section.drain + most + QUICK)
        if left := remote_commands.left_open(answer.stdout, most):
            host.warn(f"Taken out of the load balancer, {left}")

    def put_back(self, host: HostContext, ports: Sequence[str], *, wait: bool = True) -> None:
        """Put a host back that was taken out, and wait until it gets requests again.

        Args:
            wait: whether others are taken out afterwards.

        Raises:
            OpsError: where that was not seen to be done; it is out then, and its hint says what to do.
        """
        if host.name not in self.out:
            return
        # Whose lock is not ours any more is not spoken for either.
        host.run(remote_commands.look(self.settings))
        if self.section.health:
            command = remote_commands.turn(self.settings, "back", self.section.health, ports)
            answer = host.run(command, _TURN, check=False)
            if answer.code == remote_commands.NO_INGRESS:
                raise _failed(host, "is still out of", "no ingress runs there")
            if not answer.ok and answer.code != remote_commands.TOO_OLD:
                raise _failed(host, "is still out of", _said(answer.stderr, answer.code))
        elif self.section.put_back:
            self._call(host, self.section.put_back, "put back into")
        host.run(remote_commands.forget(self.settings))
        with self._turn:
            del self.out[host.name]
        host.say("Put back into the load balancer")
        host.emit(events.Fact("balancer", "in", host.name))
        if wait:
            _wait(host, self.section.rejoin)

    def _call(self, host: HostContext, how: Call, done: str) -> None:
        """Call the load balancer, again where it does not take it.

        Raises:
            OpsError: with how somebody does it by hand.
        """
        for left in range(self.section.tries - 1, -1, -1):
            workers.check()
            try:
                calling.call(how, host.entry, self._secrets, self.environ, self.section.deadline, _over)
                return
            except Failed as error:
                if not left:
                    hint = f"By hand: {calling.told(how, host.entry)}"
                    raise OpsError(
                        f"it was not {done} the load balancer: {error}", host=host.name, hint=hint
                    ) from None
                host.warn(f"{error}; trying again")
                _wait(host, _PAUSE)

    def by_hand(self, host: HostContext) -> str:
        """Return what puts a host back by hand, and takes the note of it away."""
        own = f"`inv deploy.recover --hosts {host.name}` puts it back"
        how = self.section.put_back
        return f"{own}; by hand: {calling.told(how, host.entry)}" if how else own


def _wait(host: HostContext, seconds: int) -> None:
    """Wait there: whoever interrupts what hosts do ends it."""
    host.run(sh("sleep", str(seconds)), seconds + QUICK)


def _over() -> bool:
    try:
        workers.check()
    except ConnectionLost:
        return True
    return False


def _said(stderr: str, code: int) -> str:
    return (stderr.strip().splitlines() or [f"exit code {code}"])[-1]


def _failed(host: HostContext, what: str, why: str) -> OpsError:
    return OpsError(f"it {what} the load balancer: {why}", host=host.name)
