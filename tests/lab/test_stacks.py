"""Projects of other people's shapes: deployed where nothing of them runs, changed, and taken back."""

from __future__ import annotations

from pathlib import Path

from box import Box
from stack_kit import stack, visitors

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


def test_a_front_that_keeps_the_address_of_another_service(lab: Place, host: Box, tmp_path: Path) -> None:
    with stack("front", lab, host, tmp_path) as front:
        # It does not start before what it asks is there: its owner has started both.
        host.sh(f"cd {front.directory} && docker compose up --detach --build")
        front.deploy("v1")
        with visitors(host, "http://localhost:8118/") as ended:
            # Only what it asks is replaced: it would be left alone with an address where nobody is.
            ran = front.op("deploy", "--branch", "v2")
            assert ran.code == 4, ran.output
            assert "once the containers that were replaced were out of reach" in ran.output
            assert "restart: true" in ran.output
            seen = ended()
        assert seen.keys() == {"1 200"}, seen
        assert front.inside("app", "cat", "version") == "1"
        front.deploy("v3")
        with visitors(host, "http://localhost:8118/") as ended:
            said = front.deploy("v4")
            seen = ended()
        assert "Service front updated successfully" in said
        assert seen.keys() == {"3 200", "4 200"}, seen
        assert front.runs() == {"app", "front"}


def _long_headers(host: Box) -> tuple[int, int]:
    """The status of a request with 40 kB of cookies, and the length of the header that comes back."""
    cookie = "$(head -c 40000 /dev/zero | tr '\\0' a)"
    asked = f"curl -s -o /dev/null -D - -H \"Cookie: {cookie}\" 'http://localhost:8117/big?40000'"
    head = host.sh(asked).splitlines()
    (big,) = (line.partition(": ")[2] for line in head if line.lower().startswith("x-big: "))
    return int(head[0].split()[1]), len(big.strip())
