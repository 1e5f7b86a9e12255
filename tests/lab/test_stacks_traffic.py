"""Projects of other people's shapes under visitors: long requests, a front, two projects of one folder."""

from __future__ import annotations

from pathlib import Path

from box import Box
from stack_kit import Stack, stack

from schedgen_ops.lab.place import Place

KINDS = ("ws", "sse", "upload", "expect")


def test_what_goes_on_for_a_while(lab: Place, empty_host: Box, tmp_path: Path) -> None:
    with stack("streams", lab, empty_host, tmp_path) as streams:
        streams.deploy("v1")
        door = "127.0.0.1:8122"
        with streams.visitors(*(f"{kind}={door}" for kind in (*KINDS, "held"))) as ended:
            said = streams.deploy("v2")
            back = streams.op("rollback", "--yes")
            assert back.code == 0, back.output
            seen = ended()
        for kind in KINDS:
            assert {*seen[f"{kind}={door}"]} == {"1", "2"}, seen
        # Who stays longer is told of, and hears of it from the old container, which has its stop grace.
        for output in (said, back.output):
            assert "requests to web were still open after 5s" in output
        assert seen[f"held={door}"] == {"1 closed with 1001": 1, "2 closed with 1001": 1}


FOUR = ("http=127.0.0.1:8118",) * 4


def test_a_front_that_keeps_the_address_of_another_service(
    lab: Place, empty_host: Box, tmp_path: Path
) -> None:
    with stack("front", lab, empty_host, tmp_path) as front:
        # It does not start before what it asks is there: its owner has started both.
        empty_host.sh(f"cd {front.directory} && docker compose up --detach --build")
        front.deploy("v1")
        with front.visitors(*FOUR) as ended:
            # Only what it asks is replaced: it would be left alone with an address where nobody is.
            ran = front.op("deploy", "--branch", "v2")
            assert ran.code == 4, ran.output
            assert "once the containers that were replaced were out of reach" in ran.output
            assert "restart: true" in ran.output
            (seen,) = ended().values()
        assert seen.keys() == {"1"}, seen
        assert front.inside("app", "cat", "version") == "1"
        front.deploy("v3")
        with front.visitors(*FOUR) as ended:
            said = front.deploy("v4")
            (seen,) = ended().values()
        assert "Service front updated successfully" in said
        assert seen.keys() == {"3", "4"}, seen
        assert front.runs() == {"app", "front"}


def test_mounted_code_and_two_projects_of_one_folder(lab: Place, empty_host: Box, tmp_path: Path) -> None:
    empty_host.sh("docker network create edge")
    with (
        stack("source", lab, empty_host, tmp_path) as source,
        stack("twin", lab, empty_host, tmp_path / "twin", shape="source") as twin,
    ):
        empty_host.sh(f"sed -i 's/source-/twin-/; s/8123/8124/' {twin.directory}/.env")
        config = tmp_path / "twin" / "config" / "lab.yaml"
        config.write_text(config.read_text().replace("8123", "8124"))
        source.deploy("v1")
        with source.visitors("http=127.0.0.1:8123") as ended:
            twin.deploy("v1")
            with twin.visitors("http=127.0.0.1:8124") as twin_ended:
                plan = " ".join(source.op("deploy.plan", "--branch", "v2").stdout.split())
                assert "its files change under it already when the code is checked out" in plan
                source.deploy("v2")
                assert _is(source, "2")
                assert _is(twin, "1")
                twin.deploy("v2")
                back = source.op("rollback", "--yes")
                assert back.code == 0, back.output
                assert _is(source, "1")
                assert _is(twin, "2")
                (twin_seen,) = twin_ended().values()
            (seen,) = ended().values()
        assert {*seen} == {"source-1", "source-2"}, seen
        assert {*twin_seen} == {"twin-1", "twin-2"}, twin_seen


def _is(project: Stack, version: str) -> bool:
    """Whether all of it that is to run does, with the code of that release."""
    assert project.runs() == {"web", "worker"}
    return {project.inside(each, "cat", "version") for each in ("web", "worker")} == {version}


def test_an_application_that_keeps_all_in_mysql(lab: Place, empty_host: Box, tmp_path: Path) -> None:
    with stack("shop", lab, empty_host, tmp_path) as shop:
        shop.deploy("v1")
        database = shop.inside("db", "hostname")
        broken = "sed -i 's/^function serve.*/&process.exit(1);/' shop.js"
        empty_host.sh(
            f"cd {shop.directory}; git checkout -q -b broken v2; {broken}; git commit -qam broken; "
            "git push -q origin broken; git checkout -q v1"
        )
        with shop.visitors("http=127.0.0.1:8125") as ended:
            shop.deploy("v2")
            ran = shop.op("deploy", "--branch", "broken")
            assert ran.code == 4, ran.output
            assert shop.inside("web", "cat", "version") == "2"
            back = shop.op("rollback", "--yes")
            assert back.code == 0, back.output
            (seen,) = ended().values()
        assert seen.keys() == {"1", "2"}, seen
        assert shop.inside("db", "hostname") == database
        # Nothing is lost of what visitors were told was done.
        for version, visits in seen.items():
            noted = shop.inside(
                "db", f"mariadb -N -e 'SELECT count(*) FROM shop.visits WHERE of = {version}'"
            )
            assert int(noted) >= visits
