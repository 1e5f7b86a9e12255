"""The flows: lab.up, lab.down, lab.reset. Each holds the lab's lock for as long as it works."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from schedgen_ops.lab import base, docker, engine, golden, hosts, images, keys, swarm
from schedgen_ops.lab.place import (
    BASE_IMAGE,
    HOST_IMAGE,
    LABEL,
    MOST_HOSTS,
    NETWORK,
    LabError,
    LabHost,
    Place,
    choose_ssh_port,
    first_hosts,
    locked,
)
from schedgen_ops.lab.progress import LabProgress, Line


def up(place: Place, count: int, progress: LabProgress, *, nodes: int = 0) -> tuple[LabHost, ...]:
    """Boot hosts until `count` of them run and are healthy; what is there already is used as it is.

    The first `nodes` of them become one Swarm, with a registry beside them.

    Raises LabError with the reason when a part cannot be installed, built or started.
    """
    count = max(count, nodes)
    if not 1 <= count <= MOST_HOSTS or nodes < 0:
        raise LabError(f"--hosts and --swarm take a number from 1 to {MOST_HOSTS}")
    with locked(place):
        _announce(count, progress)
        engine.ensure(place, progress)
        if absent := _missing_images():
            base.ensure(place, progress)
            images.ensure(absent, progress)
        hosts.ensure_network()
        golden.ensure(place, progress)
        booted = _boot(place, count, progress)
        if nodes:
            swarm.ensure(booted[:nodes], progress)
        return booted


def reset(place: Place, count: int, progress: LabProgress) -> None:
    """Put the first `count` hosts back to the golden state, softly where that works.

    Raises LabError when one of them is not there, or cannot even be made anew.
    """
    with locked(place):
        wanted = first_hosts(count)
        if absent := [host.name for host in wanted if host not in hosts.existing()]:
            raise LabError(f"Not in the lab: {', '.join(absent)}", hint=f"inv lab.up --hosts {count}")
        with progress.step("Putting the lab back to its golden state") as line:
            _each(wanted, lambda host: _put(place, host, "reset", progress, line))
        _write_hosts(place, hosts.running(hosts.existing()))


def empty(place: Place, count: int, progress: LabProgress) -> None:
    """Have the first `count` hosts up with nothing running on them, and nothing there but what is golden.

    Raises LabError when one of them cannot be booted or emptied.
    """
    up(place, count, progress)
    with locked(place):
        _each(first_hosts(count), lambda host: _put(place, host, "empty", progress, progress.say))


def empty_swarm(place: Place, count: int, progress: LabProgress) -> None:
    """Have the first `count` hosts in one Swarm with nothing in it; one that is there is cleared.

    Raises LabError when it can neither be cleared nor made anew.
    """
    try:
        up(place, count, progress, nodes=count)
        with locked(place):
            swarm.clear(first_hosts(count))
    except LabError as error:
        progress.say(f"{error.detail or error.message}; making the Swarm anew")
        with locked(place):
            _each(first_hosts(count), lambda host: _put(place, host, "empty", progress, progress.say))
        up(place, count, progress, nodes=count)


def halt(place: Place, host: LabHost) -> None:
    """Switch a host off; it keeps all that it has, and `up` and `reset` start it again.

    Raises LabError when it cannot be stopped.
    """
    with locked(place):
        docker.run("stop", host.container)
        _write_hosts(place, hosts.running(hosts.existing()))


def down(place: Place, progress: LabProgress, purge: bool) -> None:
    """Remove the hosts; with `purge` everything else of the lab too, here and in the engine."""
    with locked(place):
        if engine.answering():
            with progress.step("Removing the hosts"):
                for host in hosts.existing():
                    hosts.remove(host)
                swarm.remove_registry()
            if purge:
                with progress.step("Removing images, volumes and the network"):
                    _purge(place)
        if not purge:
            _write_hosts(place, ())
            return
        engine.stop(place, progress)
        engine.unlink_plugin()
        shutil.rmtree(place.root, ignore_errors=True)


def _announce(count: int, progress: LabProgress) -> None:
    """Say what will be installed, built or started before any of it is."""
    for plan in (*engine.missing(), *(_plans(count) if engine.answering() else _plans_from_nothing(count))):
        progress.say(f"To do: {plan}")


def _plans_from_nothing(count: int) -> Iterator[str]:
    yield f"get {BASE_IMAGE} (pulled, or made with debootstrap) and build the lab's images on it"
    yield "prepare one host completely, to copy every host from"
    yield _plural("boot", count)


def _plans(count: int) -> Iterator[str]:
    if absent := _missing_images():
        if not base.present():
            yield f"get the base image {BASE_IMAGE}: pulled, or made with debootstrap"
        yield f"build {', '.join(absent)}"
    if not golden.is_ready():
        yield "prepare one host completely, to copy every host from"
    if missing := count - len(hosts.running(first_hosts(count))):
        yield _plural("boot", missing)


def _plural(verb: str, count: int) -> str:
    return f"{verb} {count} host{'s' if count > 1 else ''}"


def _missing_images() -> tuple[str, ...]:
    """The application's own are needed only to make the golden volume, which has them."""
    return images.missing((HOST_IMAGE,) if golden.is_ready() else (HOST_IMAGE, *images.app_tags()))


def _boot(place: Place, count: int, progress: LabProgress) -> tuple[LabHost, ...]:
    wanted = first_hosts(count)
    everyone = tuple(dict.fromkeys((*wanted, *hosts.existing())))
    if not hosts.existing():
        choose_ssh_port(place, wanted[0].address)
    keys.ensure(place, everyone)
    content = golden.content()
    with progress.step(f"Booting {', '.join(host.name for host in wanted)}") as line:
        _each(wanted, lambda host: hosts.boot(place, host, content, line))
    _write_hosts(place, hosts.running(everyone))
    return wanted


def _put(place: Place, host: LabHost, verb: str, progress: LabProgress, line: Line) -> None:
    """Have the host as the verb of its own lab-state says: made anew where that cannot be had otherwise."""
    try:
        if not hosts.is_running(host):
            hosts.boot(place, host, golden.kept(), line)
        hosts.state(host.container, verb, timeout=120)
    except LabError as error:
        progress.say(f"{host.name}: {error.detail or error.message}; making it anew")
        hosts.rebuild(place, host, golden.kept(), line)
        if verb != "reset":
            hosts.state(host.container, verb, timeout=120)


def _each(wanted: tuple[LabHost, ...], action: Callable[[LabHost], None]) -> None:
    """Two at a time: a small machine gains nothing from more."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        for done in [pool.submit(action, host) for host in wanted]:
            done.result()


def _write_hosts(place: Place, up: tuple[LabHost, ...]) -> None:
    entries = [
        f"- {{name: {host.name}, address: {host.address}, user: deploy, port: {place.ssh_port}}}\n"
        for host in up
    ]
    new = place.hosts_file.with_suffix(".new")
    new.write_text("# Written by `inv lab.up`.\n" + ("".join(entries) or "[]\n"))
    new.replace(place.hosts_file)


def _purge(place: Place) -> None:
    """By label, so that nothing is touched that is not the lab's."""
    for name in _labelled("container", "--all"):
        docker.run("rm", "--force", "--volumes", name)
    for name in _labelled("volume"):
        docker.run("volume", "rm", "--force", name)
    docker.succeeds("network", "rm", NETWORK)
    for image in _labelled("image", "--all"):
        docker.succeeds("image", "rm", "--force", image)
    base.remove(place)


def _labelled(kind: str, *options: str) -> tuple[str, ...]:
    found = docker.run(kind, "ls", "--quiet", f"--filter=label={LABEL}", *options)
    return tuple(dict.fromkeys(found.split()))
