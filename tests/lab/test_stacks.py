"""Projects of other people's shapes: deployed where nothing of them runs, changed, and taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from box import Box
from load import failed, loads
from stack_kit import STACKS, Stack, stack

from schedgen_ops.lab import docker
from schedgen_ops.lab.place import Place


def test_what_a_definition_says_besides_services(lab: Place, empty_host: Box, tmp_path: Path) -> None:
    with stack("words", lab, empty_host, tmp_path) as words:
        services = {"WebApp", "api", "worker", "mailer"}
        for version in ("1", "2"):
            words.deploy(f"v{version}")
            assert words.runs() == services
            assert {words.inside(each, "cat", "version") for each in services} == {version}
            assert words.inside("WebApp", "cat", "/run/secrets/token") == "s3cr3t"
        assert _long_headers(empty_host) == (200, 40_000)
        # The env file of that release comes back with it, whatever the host's own says by now.
        empty_host.sh(f"sed -i s/s3cr3t/later/ {words.directory}/.env")
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


def test_whatever_ports_speak_and_wherever_they_are_published(
    lab: Place, empty_host: Box, tmp_path: Path
) -> None:
    with _shared(empty_host), stack("ports", lab, empty_host, tmp_path) as ports:
        ports.by_hand("up", "--detach", "--build")
        # Another project's service of the same name, on the network that both are in.
        empty_host.sh(
            "docker run -d --name edge-shop --network edge --network-alias shop -e APP=beta- ports-shop"
        )
        plan = ports.op("deploy.plan", "--branch", "v2").output
        assert "no HTTP seen, passed on as it comes: h2c 8081, line 9000, tls 8443" in plan, plan
        said = ports.deploy("v2")
        assert "No HTTP was seen at port 8443 of tls: bytes are passed on as they come" in said
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


def test_services_that_end(lab: Place, empty_host: Box, tmp_path: Path) -> None:
    with stack("jobs", lab, empty_host, tmp_path) as jobs:

        def ran() -> str:
            return empty_host.sh("cat /var/lib/docker/volumes/jobs_runs/_data/log", user="root").strip()

        for version in ("1", "2"):
            said = jobs.deploy(f"v{version}")
            # Where nothing runs yet, the ingress starts what is behind it.
            assert said.index("Job seed ended well") < said.index(
                "The ingress has" if version == "1" else "Service web"
            )
            assert ran().split()[-3:] == [f"migrate{version}", f"init{version}", f"seed{version}"]
            assert jobs.inside("web", "cat", "version") == version
        assert len(ran().split()) == 6
        assert jobs.runs() == {"web"}
        assert jobs.op("verify.quick").code == 0
        seen = jobs.op.document("status")["results"]
        states = {row["service"]: row["state"] for row in seen["Services"]}
        assert (states["init"], states["seed"], seen["Hosts"][0]["well"]) == ("exited (0)",) * 2 + ("4/4",)
        # One that fails keeps all from being replaced.
        _third(empty_host)
        ran_3 = jobs.op("deploy", "--branch", "v3")
        assert ran_3.code == 4, ran_3.output
        assert "Job seed failed" in ran_3.stderr
        assert "ended with exit code 3" in ran_3.stderr
        assert "seed of 3" in ran_3.output
        assert re.search(r"during: [1-9]\d* requests, 0 failed", ran_3.output), ran_3.output
        assert ran().split()[6:] == ["migrate3", "init3", "seed3"]
        assert jobs.inside("web", "cat", "version") == "2"
        # No way back runs one again, and nobody misses it.
        assert jobs.op("verify.quick").code == 0
        back = jobs.op("rollback", "--yes")
        assert back.code == 0, back.output
        assert jobs.inside("web", "cat", "version") == "1"
        assert len(ran().split()) == 9
        assert jobs.op("verify.quick").code == 0


def _third(host: Box) -> None:
    """A third release of the jobs."""
    host.sh(
        "cd; git clone -q jobs.git third; cd third; echo 3 > web/version; "
        "git -c user.name=t -c user.email=t@example.org commit -qam v3; git tag v3; "
        "git push -q origin main v3; cd; rm -rf third"
    )


def test_what_a_deploy_must_neither_lose_nor_have_twice(lab: Place, empty_host: Box, tmp_path: Path) -> None:
    with stack("state", lab, empty_host, tmp_path) as state:
        state.deploy("v1")
        state.inside("wiki", "sh -c 'echo page > /var/lib/wiki/page'")
        state.inside("notes", "sh -c 'echo note > /app/cache/note'")
        empty_host.sh(f"cd {state.directory}; docker compose up -d --no-recreate --scale worker=2 worker")
        plan = state.op("deploy.plan", "--branch", "v2").stdout
        for words in (
            "each container of it has a volume of its own at /var/lib/wiki",
            "each container of it has a volume of its own at /app/cache",
            "2 containers, as they run",
            "client uses its network",
            "vpn, which it restarts with, is replaced",
        ):
            assert words in " ".join(plan.split()), plan
        said = state.deploy("v2")
        assert "Service worker keeps 2 containers, as they run" in said
        assert _kept(state, "2")
        # The wiki is the last one to be replaced: all the others are put back with it.
        broken = 'if (require("node:fs").existsSync("/var/lib/wiki")) process.exit(1);'
        empty_host.sh(
            f"cd {state.directory}; git checkout -q -b broken v2; echo '{broken}' >> web/server.js; "
            "git commit -qam broken; git push -q origin broken; git checkout -q v2"
        )
        assert state.op("deploy", "--branch", "broken").code == 4
        assert _kept(state, "2")
        ran = state.op("rollback", "--yes")
        assert ran.code == 0, ran.output
        assert _kept(state, "1")
        assert state.op("ops.restart", "vpn", "--yes").code == 0
        assert _kept(state, "1")
        config = tmp_path / "config" / "lab.yaml"
        config.write_text(config.read_text().replace("rollout:\n", "rollout:\n  ingress: [wiki]\n"))
        ran = state.op("deploy", "--branch", "v2")
        assert ran.code == 3
        assert "rollout.ingress has wiki: each container of it has a volume of its own" in ran.output


def _kept(state: Stack, version: str) -> bool:
    """Whether nothing is lost of what there was, and all is of that release."""
    assert state.inside("wiki", "cat /var/lib/wiki/page version").split() == ["page", version]
    assert state.inside("notes", "cat /app/cache/note version").split() == ["note", version]
    # Whoever is on a network that is gone finds nobody there.
    asked = r'exec 3<> /dev/tcp/127.0.0.1/8000; printf "GET / HTTP/1.0\r\n\r\n" >&3; tail -n 1 <&3'
    assert state.inside("client", f"bash -c '{asked}'") == version
    label = "label=com.docker.compose.service"
    listed = f"docker ps -q --filter label=com.docker.compose.project={state.name} --filter {label}=worker"
    return len(state.box.sh(listed).split()) == 2


def test_what_listens_late_and_has_no_healthcheck(lab: Place, empty_host: Box, tmp_path: Path) -> None:
    with stack("slow", lab, empty_host, tmp_path) as slow:
        # What its owner runs answers already; deployed by us, all of it takes its time.
        empty_host.sh(f"cd {slow.directory} && LATE='0 0' docker compose up --detach --build")
        plan = slow.op("deploy.plan", "--branch", "v2").output
        assert "start-first, no healthcheck: the old one serves until port 8000 answers" in plan
        assert "no gap" not in plan
        slow.deploy("v2")
        assert _versions(slow) == {"2"}
        empty_host.sh(f"echo LATE=3 3 > {slow.directory}/.env")
        address = docker.run(
            "inspect",
            "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
            empty_host.host.container,
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
