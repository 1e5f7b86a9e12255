"""Projects of other people's shapes: deployed where nothing of them runs, changed, and taken back."""

from __future__ import annotations

from pathlib import Path

from box import Box
from stack_kit import Stack, stack

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


def test_what_a_deploy_must_neither_lose_nor_have_twice(lab: Place, host: Box, tmp_path: Path) -> None:
    with stack("state", lab, host, tmp_path) as state:
        state.deploy("v1")
        state.inside("wiki", "sh -c 'echo page > /var/lib/wiki/page'")
        state.inside("notes", "sh -c 'echo note > /app/cache/note'")
        host.sh(f"cd {state.directory}; docker compose up -d --no-recreate --scale worker=2 worker")
        plan = state.op("deploy.plan", "--branch", "v2").stdout
        for words in (
            "each container of it has a volume of its own at /var/lib/wiki",
            "each container of it has a volume of its own at /app/cache",
            "2 containers, as they run",
            "client uses its network",
            "vpn, whose network it uses, is replaced",
        ):
            assert words in " ".join(plan.split()), plan
        said = state.deploy("v2")
        assert "Service worker keeps 2 containers, as they run" in said
        assert _kept(state, "2")
        # The wiki is the last one to be replaced: all the others are put back with it.
        broken = 'if (require("node:fs").existsSync("/var/lib/wiki")) process.exit(1);'
        host.sh(
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


def _long_headers(host: Box) -> tuple[int, int]:
    """The status of a request with 40 kB of cookies, and the length of the header that comes back."""
    cookie = "$(head -c 40000 /dev/zero | tr '\\0' a)"
    asked = f"curl -s -o /dev/null -D - -H \"Cookie: {cookie}\" 'http://localhost:8117/big?40000'"
    head = host.sh(asked).splitlines()
    (big,) = (line.partition(": ")[2] for line in head if line.lower().startswith("x-big: "))
    return int(head[0].split()[1]), len(big.strip())
