"""The services that are called by nothing but their name, by what was seen. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from schedgen_ops.drafting import found
from schedgen_ops.drafting.seen import Seen
from schedgen_ops.rollout import by_name


def candidates(seen: Seen) -> Mapping[str, by_name.Candidate]:
    """Return those that may be called by way of the ingress."""
    variable, _ = found.picked(seen)
    tagged = {image for name, image in seen.tagged if name == variable}
    released = [service for service in seen.services if found.released(service, tagged)]
    return by_name.candidates(seen.services, released, seen.listens)


def called(seen: Seen) -> dict[str, int | str]:
    """Return `rollout.by_name` for what was seen to answer: the port, as HTTP or as bytes."""
    return by_name.answering(candidates(seen), seen.spoken)
