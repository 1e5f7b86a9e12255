"""What is to come on a host where releases are images that were built before, as the host tells it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from schedgen_ops.checklist.changes import Coming, compared, refused, said_of_variables
from schedgen_ops.commands import docker as engine
from schedgen_ops.commands import git
from schedgen_ops.commands.compose import Service, parse_services
from schedgen_ops.commands.image_names import full
from schedgen_ops.commands.own_files import parse_tracked
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.commands.registry import Held
from schedgen_ops.host_scripts import host_script
from schedgen_ops.orchestrators.compose import compose_of
from schedgen_ops.preflight.probe import Problem, listed
from schedgen_ops.remote import Result
from schedgen_ops.rollout import picked, scope
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.shell import Command

PUSHED_TO = "`swarm.registry` in the config says where such an image is pushed for all nodes."


def command(settings: Settings, ref: Ref, *, hashed: bool = True) -> Command:
    """Return the command that tells what a release of these images would be; it changes nothing."""
    return host_script(
        "deploy/look_images",
        title=f"look at {ref}",
        **compared(settings, hashed=hashed),
        **compose_of(settings).picked(picked.pick(settings, ref.name)),
    ).kept_private()


def parse(settings: Settings, ref: Ref, answer: Result) -> Coming:
    """Read the answer of `command`, also where Compose did not take the file.

    Raises:
        ValueError: for anything else.
    """
    blank, required = said_of_variables(answer)
    if not answer.ok:
        return Coming("", blank=blank, required=required, said=refused(answer), tag=ref.name)
    hashes, images, ids, document = git.sections(answer.stdout, 4)
    services = parse_services(json.loads(document), {})
    return Coming(
        "",
        blank=blank,
        required=required,
        hashes=hashes,
        document=document,
        images=engine.parse_images(images),
        tracked=picked.own(services, settings.directory, parse_tracked(ids.strip("\n"))),
        tag=ref.name,
    )


def services(settings: Settings, host: HostSettings, coming: Coming) -> tuple[Service, ...]:
    """Return the services of a host as a release of these images has them."""
    found = picked.known(settings, parse_services(json.loads(coming.document or "{}"), {}), coming.tag)
    return scope.on(found, settings, host)


def wanted(settings: Settings, host: HostSettings, coming: Coming) -> tuple[str, ...]:
    """Return the images that a registry has to have."""
    return () if settings.build.pull == "never" else picked.images(services(settings, host, coming))


def problems(
    settings: Settings, host: HostSettings, coming: Coming, held: Iterable[Held]
) -> Iterator[Problem]:
    """Find why a release of these images cannot be.

    Args:
        held: what registries say of the images that are wanted.
    """
    where = f"{settings.directory} on {host.name}"
    if coming.document is None:
        # What it lacks may come with the env file of the release.
        later = bool(coming.required) and {*coming.required} <= settings.delivered
        text = f"Compose does not take the file in {where}: {coming.said}"
        yield Problem(text, refuses=not later, unknown=later)
        return
    here = services(settings, host, coming)
    if built := [service.name for service in here if service.built]:
        text = f"built from files, and releases are images: {', '.join(built)}"
        yield Problem(text, "Name their image in the compose file, or in `release.images`.")
    picks = [service for service in here if service.picked]
    if not picks:
        how = f"by ${{{settings.release.variable}}}" if settings.release.variable else "in `release.images`"
        text = f"no service of {host.name} has an image with the tag {coming.tag}"
        yield Problem(text, f"See that the compose file takes the tag of an image {how}.")
    if settings.build.pull == "never":
        there = {name for image in coming.images for name in image.names}
        if lost := [each.image for each in picks if each.image not in there]:
            text = f"not on the host, and `build.pull: never` pulls nothing:\n{listed(lost)}"
            yield Problem(text, f"Bring them there, or deploy another tag than {coming.tag}.")
    yield from _unpushed(settings, here, coming)
    yield from filter(None, map(_problem, held))


def _unpushed(settings: Settings, services: Sequence[Service], coming: Coming) -> Iterator[Problem]:
    """Find what other nodes of a Swarm could not pull: what came from no registry, and is pushed to none."""
    if not settings.on_swarm or settings.swarm.registry or settings.build.pull == "always":
        return
    stays = [
        each for each in services if not each.built and (settings.build.pull == "never" or not each.picked)
    ]
    lost = {
        each.image
        for each in stays
        for image in coming.images
        if full(each.image) in image.names and not image.digest_of(each.image)
    }
    if lost:
        text = f"came from no registry, so that no other node can pull it: {', '.join(sorted(lost))}"
        yield Problem(text, PUSHED_TO)


def _problem(held: Held) -> Problem | None:
    server = held.image.partition("/")[0]
    match held.state:
        case "there":
            return None
        case "missing":
            hint = "See that CI has pushed it, and how the tag is written."
            return Problem(f"the registry has no {held.image}: {held.said}", hint)
        case "shut":
            hint = "`release.registry` says who signs in for a pull; else the host has to be: `docker login`."
            return Problem(f"the registry does not let us see {held.image}: {held.said}", hint)
        case "unknown":
            text = f"whether the registry has {held.image} is not known: {held.said}"
            return Problem(text, refuses=False, unknown=True)
        case _:
            hint = f"See from the host whether {server} can be reached."
            return Problem(f"the registry does not answer for {held.image}: {held.said}", hint)
