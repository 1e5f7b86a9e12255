"""An upload followed to its end, as a user would, and everything of it removed afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from schedgen_ops.commands import docker as engine
from schedgen_ops.commands import http
from schedgen_ops.databases import engine_of
from schedgen_ops.errors import CommandFailed, OpsError
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import HostContext
from schedgen_ops.host_scripts import host_script
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Flow
from schedgen_ops.shell import Command
from schedgen_ops.verify import content, remote_commands
from schedgen_ops.watch.rules import CheckVerdict, Finding

_PATIENCE = 20.0
_BOUNDARY = "schedgen-7c1f40a9d2"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Stop(Exception):
    """The flow ends here: `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


def multipart(flow: Flow, file: bytes, name: str) -> tuple[str, bytes]:
    """Return the form as it is sent: its content type and its body."""
    lines = [
        part
        for key, value in flow.form.items()
        for part in (f"--{_BOUNDARY}", f'Content-Disposition: form-data; name="{key}"', "", value)
    ]
    lines += [
        f"--{_BOUNDARY}",
        f'Content-Disposition: form-data; name="{flow.field}"; filename="{name}"',
        f"Content-Type: {flow.type}",
        "",
        "",
    ]
    body = "\r\n".join(lines).encode() + file + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return f"multipart/form-data; boundary={_BOUNDARY}", body


def follow(flow: Flow, job: str) -> Command:
    """Wait on the host until the job is done or failed, and print the last answer."""
    return host_script(
        "verify/follow_job",
        title="follow the job",
        url=flow.job.replace("{id}", job),
        within=flow.within,
        most=http.MOST,
        key=flow.status.split(".")[-1],
        ends=[*flow.done, *flow.failed],
    )


@dataclass(slots=True)
class Try:
    """One upload on one host.

    Attributes:
        fleet: every host of the environment: rows and objects may be on another one.
    """

    host: HostContext
    fleet: Fleet
    flow: Flow

    def __call__(self) -> tuple[Finding, ...]:
        """Follow the upload to its end, and return how far it came."""
        try:
            self._homes()
        except Stop as stop:
            return (stop.finding,)
        found: list[Finding] = []
        try:
            job = self._upload()
        except Stop as stop:
            return (stop.finding,)
        found.append(Finding("flow upload", CheckVerdict.PASSED, f"job {job}"))
        try:
            found.extend(self._followed(job))
        except Stop as stop:
            found.append(stop.finding)
        finally:
            # Whatever came of it, Ctrl-C included: nothing of ours stays in the product's data.
            cleaned = self._clean(job)
        return (*found, cleaned)

    def _homes(self) -> None:
        """Nothing is uploaded that could not be removed."""
        services = [step.service for step in self.flow.clean]
        if self.flow.clean_sql and self.host.settings.database:
            services.append(self.host.settings.database.service)
        for service in services:
            if self._home(service) is None:
                text = f"not tried: no chosen host runs {service}, so that nothing of it could be removed"
                raise Stop(Finding("flow", CheckVerdict.UNKNOWN, text))

    def _home(self, service: str) -> Remote | None:
        hosts = [remote for remote in self.fleet if self.host.settings.host(remote.name).runs(service)]
        return self.host.remote if self.host.remote in hosts else next(iter(hosts), None)

    def _upload(self) -> str:
        file = self.flow.file
        try:
            data = file.read_bytes()
        except OSError as error:
            raise Stop(Finding("flow upload", CheckVerdict.UNKNOWN, f"{file}: {error.strerror}")) from error
        kind, body = multipart(self.flow, data, f"schedgen-verification{file.suffix}")
        reply = self._answer("flow upload", http.post(self.flow.upload, _PATIENCE, kind, body), _PATIENCE)
        job = content.pick(content.as_json(reply.body), self.flow.id)
        if not 200 <= reply.status < 300 or not _ID.fullmatch(str(job)):
            why = f"answered {reply.status} without {self.flow.id}: {reply.body.strip()[:200]}"
            raise Stop(Finding("flow upload", CheckVerdict.FAILED, why))
        return str(job)

    def _answer(self, name: str, command: Command, seconds: float) -> http.Reply:
        """The answer to a request.

        Raises:
            Stop: where there is none.
        """
        result = self.host.remote.run(command, deadline=seconds * 2 + _PATIENCE, check=False)
        found = content.reply(name, result, seconds + _PATIENCE)
        if isinstance(found, Finding):
            raise Stop(found)
        return found

    def _followed(self, job: str) -> Iterator[Finding]:
        reply = self._answer("flow job", follow(self.flow, job), self.flow.within)
        document = content.as_json(reply.body)
        status = content.pick(document, self.flow.status)
        if status not in self.flow.done:
            raise Stop(Finding("flow job", CheckVerdict.FAILED, self._undone(job, reply, status)))
        yield Finding("flow job", CheckVerdict.PASSED, str(status))
        if self.flow.events is None:
            return
        url = self.flow.events.replace("{id}", job)
        reply = self._answer("flow events", http.fetch(url, _PATIENCE), _PATIENCE)
        events = content.as_json(reply.body)
        count = len(events) if isinstance(events, list) else -1
        if count != self.flow.expect:
            what = f"{count} events" if count >= 0 else f"status {reply.status} and no list"
            text = f"answered {what} where the file holds {self.flow.expect}"
            raise Stop(Finding("flow events", CheckVerdict.FAILED, text))
        yield Finding("flow events", CheckVerdict.PASSED, f"{count} events")

    def _undone(self, job: str, reply: http.Reply, status: object) -> str:
        if status in self.flow.failed:
            return f"job {job} is {status}: {reply.body.strip()[:200]}"
        told = repr(status) if status is not content.MISSING else f"told of with status {reply.status}"
        return f"job {job} is still {told} after {self.flow.within} s{self._worker()}"

    def _worker(self) -> str:
        """What became of who should have done it."""
        if not self.flow.worker or (home := self._home(self.flow.worker)) is None:
            return ""
        docker = self.host.docker
        result = home.run(docker.containers(self.host.settings.project), deadline=60, check=False)
        boxes = engine.parse_containers(result.stdout) if result.ok else ()
        states = [f"{box.name} is {box.state}" for box in boxes if box.service == self.flow.worker]
        return f"; {self.flow.worker}: {', '.join(states) or 'no container'}"

    def _clean(self, job: str) -> Finding:
        left: list[str] = []
        for what, act in self._removals(job):
            try:
                act()
            except OpsError as error:
                reason = (getattr(error, "detail", "") or error.message).splitlines()[-1]
                left.append(f"{what}: {reason}")
        if not left:
            with suppress(Stop):
                url = self.flow.job.replace("{id}", job)
                reply = self._answer("flow clean-up", http.fetch(url, _PATIENCE), _PATIENCE)
                if reply.status < 400 and (self.flow.clean_sql or self.flow.clean):
                    left.append(f"the application still knows job {job}")
        if left:
            return Finding(
                "flow clean-up", CheckVerdict.FAILED, f"of job {job} there stays: {'; '.join(left)}"
            )
        return Finding("flow clean-up", CheckVerdict.PASSED, "rows and objects removed")

    def _removals(self, job: str) -> Iterator[tuple[str, Callable[[], object]]]:
        docker, project = self.host.docker, self.host.settings.project
        database = self.host.settings.database
        if database and self.flow.clean_sql:
            sql = "".join(f"{statement.rstrip().rstrip(';')};\n" for statement in self.flow.clean_sql)
            words = engine_of(database.engine).reading(database, id=job)
            command = remote_commands.inside(docker, project, database.service, *words).with_stdin(sql)
            yield "rows", partial(self._run, database.service, command)
        for step in self.flow.clean:
            words = tuple(word.replace("{id}", job) for word in step.run)
            command = remote_commands.inside(docker, project, step.service, *words)
            yield f"objects of {step.service}", partial(self._run, step.service, command)

    def _run(self, service: str, command: Command) -> None:
        home = self._home(service)
        if home is None:
            raise CommandFailed(f"no host runs {service}")
        home.run(command, deadline=60)
