"""How fast answers come and how busy host and containers are: median and p95 of several samples. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from schedgen_ops import settings as s
from schedgen_ops.commands import http
from schedgen_ops.commands.docker import Docker
from schedgen_ops.databases import engine_of
from schedgen_ops.databases.contract import DatabaseEngine
from schedgen_ops.host_scripts import host_script
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command
from schedgen_ops.verify import remote_commands
from schedgen_ops.verify.checks import Check
from schedgen_ops.watch import rules, sampler
from schedgen_ops.watch.figures import median, p95
from schedgen_ops.watch.host_sample import ContainerSample, HostSample, Reader
from schedgen_ops.watch.rules import CheckVerdict, Finding

# Rounds that the use of the host is looked at, and seconds between them.
_ROUNDS, _INTERVAL = 9, 0.5


def on(settings: s.Settings, host: s.HostSettings) -> tuple[Check, ...]:
    """Return what is measured on `host`, one after the other, or they would measure one another."""
    docker, project = Docker(settings.sudo), settings.project
    asked = settings.checks_on(host)
    found = [Check("performance", "response", "", ask(asked, settings), partial(responses, asked))]
    if settings.database and host.runs(settings.database.service):
        often = [settings.verify.query] * settings.verify.samples
        timed = remote_commands.queries(docker, project, settings.database, *often)
        judge = partial(database, settings.limits, engine_of(settings.database.engine))
        found.append(Check("performance", "database", settings.database.service, timed, judge))
    rounds = sampler.Sampling(
        docker, project, (), rounds=_ROUNDS, interval=_INTERVAL, patience=1, log_rounds=1000
    ).command
    found.append(Check("performance", "use", "", rounds, partial(use, settings.limits)))
    return tuple(found)


def ask(checks: Sequence[s.Check], settings: s.Settings) -> Command:
    """Send several requests to each URL, and print how long each took."""
    return host_script(
        "verify/response_times",
        title="measure responses",
        samples=settings.verify.samples,
        patience=rules.patience(checks),
        urls=[check.asked for check in checks],
    )


def responses(checks: Sequence[s.Check], result: Result) -> Sequence[Finding]:
    """Return findings on the p95 of each URL's times, held against the time it may take."""
    answers: list[list[http.HttpAnswer]] = [[] for _ in checks]
    for line in result.lines():
        index, _, answer = line.partition("\t")
        answers[int(index)].append(http.parse_answer(answer))
    return tuple(map(_response, checks, answers))


def _response(check: s.Check, answers: Sequence[http.HttpAnswer]) -> Finding:
    name = f"response {check.name}"
    if not answers:
        return Finding(name, CheckVerdict.UNKNOWN, "could not be measured")
    bad = [answer for answer in answers if rules.wrong_status(check, answer.status)]
    if bad:
        why = bad[0].error or f"answered {bad[0].status}"
        return Finding(name, CheckVerdict.FAILED, f"{len(bad)} of {len(answers)} requests failed: {why}")
    return _timed(name, [answer.seconds for answer in answers], check.within)


def database(limits: s.Limits, kind: DatabaseEngine, result: Result) -> Sequence[Finding]:
    """Return the finding on the p95 of the query's times."""
    times = [seconds for _, seconds in kind.parse_queries(result.stdout)]
    if not result.ok or not times:
        why = result.stderr.strip().splitlines()[-1:] or [f"exit code {result.code}"]
        return (Finding("database query", CheckVerdict.UNKNOWN, f"could not be measured: {why[0]}"),)
    return (_timed("database query", times, limits.database_ms / 1000),)


def _timed(name: str, seconds: Sequence[float], limit: float) -> Finding:
    late = p95(seconds)
    text = (
        f"median {median(seconds) * 1000:.0f} ms, p95 {late * 1000:.0f} ms "
        f"of {len(seconds)} (limit {limit * 1000:.0f} ms)"
    )
    return Finding(name, CheckVerdict.PASSED if late <= limit else CheckVerdict.FAILED, text, late)


def use(limits: s.Limits, result: Result) -> Sequence[Finding]:
    """Return findings on the medians of what host and containers use: a busy moment is no trouble."""
    reader = Reader(0)
    samples = [sample for sample in map(reader.feed, result.stdout.splitlines()) if sample]
    cpu = [sample.cpu_percent for sample in samples if sample.cpu_percent is not None]
    memory = [sample.memory_percent for sample in samples if sample.memory_percent is not None]
    return (
        _used("CPU", cpu, limits.cpu_percent),
        _used("memory", memory, limits.memory_percent),
        _containers(samples, limits),
    )


def _used(name: str, percents: Sequence[float], limit: float) -> Finding:
    if not percents:
        return Finding(name, CheckVerdict.UNKNOWN, "could not be measured")
    middle = median(percents)
    text = f"median {middle:.0f} %, p95 {p95(percents):.0f} % of {len(percents)} (limit {limit:g} %)"
    return Finding(name, CheckVerdict.PASSED if middle <= limit else CheckVerdict.FAILED, text)


def _containers(samples: Sequence[HostSample], limits: s.Limits) -> Finding:
    """The containers' memory, of what each may use, and their CPU time, of one core."""
    name = "containers"
    shares: dict[str, list[float]] = {}
    cpus: dict[str, list[float]] = {}
    for container in (container for sample in samples for container in sample.containers or ()):
        if (share := memory_share(container)) is not None:
            shares.setdefault(container.name, []).append(share)
        if container.cpu_percent is not None:
            cpus.setdefault(container.name, []).append(container.cpu_percent)
    if not shares and not cpus:
        return Finding(name, CheckVerdict.UNKNOWN, "could not be measured")
    full = {container: median(values) for container, values in shares.items()}
    busy = {container: median(values) for container, values in cpus.items()}
    most_memory, most_cpu = limits.memory_percent, limits.cpu_percent
    over = [
        f"{container}: {value:.0f} % of its memory"
        for container, value in full.items()
        if value > most_memory
    ]
    over += [f"{container}: {value:.0f} % of a core" for container, value in busy.items() if value > most_cpu]
    if over:
        limit = f"limits {most_memory:g} and {most_cpu:g} %"
        return Finding(name, CheckVerdict.FAILED, f"{'; '.join(over)} ({limit})")
    most = [f"{_top(full)} of its memory"] if full else []
    most += [f"{_top(busy)} of a core"] if busy else []
    return Finding(name, CheckVerdict.PASSED, f"most used: {', '.join(most)}")


def memory_share(container: ContainerSample) -> float | None:
    """Return memory in use, in percent of the container's limit; None where it has no limit of its own."""
    if container.memory is None or not container.memory_limit:
        return None
    return 100 * container.memory / container.memory_limit


def _top(values: dict[str, float]) -> str:
    name = max(values, key=lambda key: values[key])
    return f"{name} {values[name]:.0f} %"
