"""What a proxy is to a release: a service of its compose file, and a file that configures it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from schedgen_ops.proxy.routes import Route
from schedgen_ops.settings import Ingress

DEFAULTS = Ingress()
Networks = Mapping[str, Collection[str]]
"""Names by the network where they are known."""


class Proxy(Protocol):
    """A program that has the published ports, and leads requests to the containers of a service.

    Its answers are pure. What it is asked on a host is a script of its name in host_scripts/proxies/, with
    the functions that host_scripts/lib/proxy.bash lists.
    Containers come and go behind it under the name of their service, so it has to follow Docker's DNS.
    """

    @property
    def name(self) -> str:
        """Its name among PROXIES."""
        ...

    @property
    def config_name(self) -> str:
        """The name of its configuration in a release's folder, and in the folder that its container has."""
        ...

    @property
    def folder(self) -> str:
        """Where its container has its configuration."""
        ...

    def besides(self, page: str) -> Mapping[str, str]:
        """Return the files that it reads besides, by their names there, for when nobody is turned away.

        Args:
            page: what visitors get who are.
        """
        ...

    def service(
        self, image: str, folder: str, routes: Iterable[Route], networks: Networks
    ) -> Mapping[str, Any]:
        """Return it as a service of a compose file, with the published ports of `routes`.

        Args:
            image: what it runs from: `ingress.image` of the configuration.
            folder: the path on the host of the folder with its configuration, mounted into its container.
            networks: those of the services behind it, and the names that it answers to there.
        """
        ...

    def render(
        self, routes: Iterable[Route], service: Mapping[str, Any] | None, limits: Ingress = DEFAULTS
    ) -> str:
        """Return the text of its configuration: everything that scripts address goes by `Route.proxy`.

        Args:
            limits: how much of everything it allows.
            service: what `service` returned, None where there is no route. The text for another service has
                to be another text, since a host compares texts to know whether anything is to be done.
        """
        ...
