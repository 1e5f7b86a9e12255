"""Projects of other people's shapes: deployed where nothing of them runs, changed, and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from box import Box
from load import failed, loads
from stack_kit import STACKS, Stack, stack

from schedgen_ops.lab import docker
from schedgen_ops.lab.place import Place


def test_what_a_definition_says_besides_services(lab: Place, host: Box, tmp_path: Path) -> None:
    with stack("words", lab, host, tmp_path) as words:
        services = {"WebApp", "api", "worker", "mailer"}
        for version in ("1", "2"):
            words.deploy(f"v{version}")
            assert words.runs() == services
            assert {words.inside(each, "cat", "version") for each in services} == {version}
            assert words.inside("WebApp", "cat", "/run/secrets/token") == "s3cr3t"
        assert _long_headers(host) == (200, 40_000)
        # The env file of that release comes back with it, whatever the host's own says by now.
        host.sh(f"sed -i s/s3cr3t/later/ {words.directory}/.env")
        ran = words.op("rollback", "--yes")
        assert ran.code == 0, ran.output
        assert {words.inside(each, "cat", "version") for each in services} == {"1"}
        assert words.inside("WebApp", "cat", "/run/secrets/token") == "s3cr3t"


DOORS = {
    "tls=127.0.0.1:8443": "",
    "h2c=127.0.0.1:8081": "",
    "line=127.0.0.1:9000": "",
    "http=127.0.0.1:8118": "shop-",
    "http=127.0.0.2:8118": "admin-",
    "http=127.0.0.1:8090": "dual-",
    "http=[::1]:8090": "dual-",
}


def test_whatever_ports_speak_and_wherever_they_are_published(lab: Place, host: Box, tmp_path: Path) -> None:
    with _shared(host), stack("ports", lab, host, tmp_path) as ports:
        ports.by_hand("up", "--detach", "--build")
        # Another project's service of the same name, on the network that both are in.
        host.sh("docker run -d --name edge-shop --network edge --network-alias shop -e APP=beta- ports-shop")
        plan = ports.op("deploy.plan", "--branch", "v2").output
        assert "no HTTP, passed on as it comes: h2c 8081, line 9000, tls 8443" in plan, plan
        said = ports.deploy("v2")
        assert "Port 8443 of tls speaks no HTTP: its bytes are passed on as they come" in said
        with ports.visitors(*DOORS) as ended:
            ports.deploy("v1")
            seen = ended()
        for door, name in DOORS.items():
            assert {*seen[door]} == {f"{name}1", f"{name}2"}, (door, seen[door])


@contextmanager
def _shared(host: Box) -> Iterator[None]:
    """A network that projects share, IPv6 on the host, and a certificate of a service's that it knows."""
    set_ipv6 = "sysctl -qw net.ipv6.conf.all.disable_ipv6"
    was = host.sh("sysctl -n net.ipv6.conf.all.disable_ipv6", user="root")
    known, update = "/usr/local/share/ca-certificates/ports.crt", "update-ca-certificates > /dev/null"
    pem = (STACKS / "web/tls.pem").read_text()
    host.sh(
        f"{set_ipv6}=0; docker network create edge; echo '{pem}' | openssl x509 > {known}; {update}",
        user="root",
    )
    try:
        yield
    finally:
        host.sh(
            f"docker rm -f edge-shop; docker network rm edge; {set_ipv6}={was}; rm {known}; {update}",
            user="root",
        )


def test_what_listens_late_and_has_no_healthcheck(lab: Place, host: Box, tmp_path: Path) -> None:
    with stack("slow", lab, host, tmp_path) as slow:
        # What its owner runs answers already; deployed by us, all of it takes its time.
        host.sh(f"cd {slow.directory} && LATE='0 0' docker compose up --detach --build")
        plan = slow.op("deploy.plan", "--branch", "v2").output
        assert "start-first, no healthcheck: the old one serves until port 8000 answers" in plan
        assert "no gap" not in plan
        slow.deploy("v2")
        assert _versions(slow) == {"2"}
        host.sh(f"echo LATE=3 3 > {slow.directory}/.env")
        address = docker.run(
            "inspect",
            "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
            host.host.container,
        )
        with loads(*(f"http://{address.strip()}:{port}/" for port in (8118, 8119))) as ended:
            slow.deploy("v1")
            assert not failed(ended())
        assert _versions(slow) == {"1"}


def _versions(slow: Stack) -> set[str]:
    """What `web` and `late` say at their ports, and `web` of `api`, asked several times."""
    asked = "for n in 1 2 3 4; do curl -sSf localhost:8118/; echo; curl -sSf localhost:8119/; echo; done"
    return set(slow.box.sh(asked).split())


def _long_headers(host: Box) -> tuple[int, int]:
    """The status of a request with 40 kB of cookies, and the length of the header that comes back."""
    cookie = "$(head -c 40000 /dev/zero | tr '\\0' a)"
    asked = f"curl -s -o /dev/null -D - -H \"Cookie: {cookie}\" 'http://localhost:8117/big?40000'"
    head = host.sh(asked).splitlines()
    (big,) = (line.partition(": ")[2] for line in head if line.lower().startswith("x-big: "))
    return int(head[0].split()[1]), len(big.strip())
