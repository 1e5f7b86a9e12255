"""What hosts run for releases that are images: a definition with a tag, registries, credentials."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import result
from kit import bash, minimal, path, program

from schedgen_ops.checklist import arrival
from schedgen_ops.checklist.changes import Coming
from schedgen_ops.commands import image_names, picks, registry
from schedgen_ops.commands.compose import Compose, parse_services
from schedgen_ops.commands.docker import Docker, Image
from schedgen_ops.commands.own_files import parse_tracked
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.commands.registry import Held, Login
from schedgen_ops.errors import Refused
from schedgen_ops.host_scripts import host_script
from schedgen_ops.rollout import picked
from schedgen_ops.secrets.registry import SignIn
from schedgen_ops.shell import Secret

LOGIN = Login("registry.example:5000", "ci", Secret("s3:cr et'"))
IMAGE = "registry.example:5000/team/shop:v1"


@pytest.mark.parametrize(
    ("image", "server", "repository", "tag"),
    [
        ("nginx", "docker.io", "nginx", "latest"),
        ("team/shop:v1", "docker.io", "team/shop", "v1"),
        ("localhost/shop", "localhost", "localhost/shop", "latest"),
        (IMAGE, "registry.example:5000", "registry.example:5000/team/shop", "v1"),
        ("a.b/shop:v1@sha256:ab", "a.b", "a.b/shop", "v1"),
        ("a.b/shop@sha256:ab", "a.b", "a.b/shop", ""),
    ],
)
def test_a_name_says_where_an_image_is(image: str, server: str, repository: str, tag: str) -> None:
    assert image_names.server_of(image) == server
    assert image_names.repository_of(image) == repository
    assert image_names.tag_of(image) == tag


def test_a_digest_is_that_of_the_repository_it_was_pulled_from() -> None:
    made = Image("sha256:1", digests=("a.b/other@sha256:x", "a.b/shop@sha256:y", "nginx@sha256:z"))
    assert made.digest_of("a.b/shop:v1") == "a.b/shop@sha256:y"
    assert made.digest_of("docker.io/library/nginx:1") == "nginx@sha256:z"
    assert made.digest_of("built-here") == made.digest_of("") == ""


# The definition, with a tag

COMPOSE = """
case $* in
  *"config --services"*) printf 'web\\nworker\\n' ;;
  *"config --hash"*) echo 'web h1' ;;
  *config*)
    printf '%s\\n' "$*" "SHOP=$SHOP" >&2
    for word; do [ "$last" != --env-file ] || tail -n 1 "$word" >&2; last=$word; done
    echo '{}'
    ;;
esac
"""


def resolve(folder: Path, pick: picks.Pick, *files: str) -> str:
    """What Compose is asked for, its variable, and the end of its env file."""
    programs = program(folder / "bin", "docker", COMPOSE).parent
    (folder / "project").mkdir(exist_ok=True)
    (folder / "project/compose.yaml").write_text("")
    (folder / "project/.env").write_text("SHOP=v0")
    compose = Compose(Docker(), "p", str(folder / "project"), files)
    ran = bash(compose.resolve(str(folder / "r"), pick), folder, PATH=path(programs))
    return ran.stderr if ran.ok else f"failed: {ran.stderr}"


def test_a_variable_has_the_tag_for_this_release_alone(tmp_path: Path) -> None:
    said = resolve(tmp_path, picks.picking("v1", "SHOP", {}))
    assert f"--env-file {tmp_path}/r/.env config --format json\nSHOP=v1\nSHOP=v1\n" in said
    assert (tmp_path / "project/.env").read_text() == "SHOP=v0"
    assert oct((tmp_path / "r/.env").stat().st_mode)[-3:] == "600"


def test_as_it_stands_nothing_is_added(tmp_path: Path) -> None:
    said = resolve(tmp_path, picks.AS_IT_STANDS, "a.yaml")
    assert "compose --project-name p -f a.yaml config --format json\nSHOP=\n" in said


def test_services_get_an_image_that_their_file_does_not_name(tmp_path: Path) -> None:
    said = resolve(tmp_path, picks.picking("v1", None, {"web": "a.b/shop"}))
    assert f"-f compose.yaml -f {tmp_path}/r/picked.yaml config" in said
    written = json.loads((tmp_path / "r/picked.yaml").read_text())
    assert written == {"services": {"web": {"image": "a.b/shop:v1"}}}


def test_no_service_is_made_of_a_name_that_the_file_does_not_have(tmp_path: Path) -> None:
    said = resolve(tmp_path, picks.picking("v1", None, {"wbe": "a.b/shop"}))
    assert said == 'failed: release.images: the compose file has no service "wbe"\n'


def test_files_that_services_mount_are_told_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/a b").write_text("1")
    (tmp_path / "empty").mkdir()

    def told() -> Mapping[str, str]:
        command = host_script("deploy/file_ids", paths=("conf.d", "conf.d/a b", "empty", "gone"))
        return parse_tracked(bash(command, tmp_path).stdout).ids

    before = told()
    assert before.keys() == {"conf.d", "conf.d/a b"}
    assert told() == before
    (tmp_path / "conf.d/a b").write_text("2")
    assert all(told()[name] != before[name] for name in before)


def test_what_a_service_may_write_to_is_no_configuration() -> None:
    mounts = [
        {"type": "bind", "source": "/srv/p/conf", "target": "/c", "read_only": True},
        {"type": "bind", "source": "/srv/p/data", "target": "/d"},
        {"type": "bind", "source": "/etc/localtime", "target": "/l", "read_only": True},
    ]
    services = parse_services({"services": {"web": {"image": "x", "volumes": mounts}}}, {})
    assert picked.own_mounts(services, "/srv/p") == ("conf",)


# Who signs in

DOCKER = """
all=$*
case $* in
  *"context inspect"*) echo unix:///run/other.sock; exit ;;
  info*) echo plain.example; exit ;;
esac
{
  echo "$*"
  env | grep -c registry_password
  while [ "$1" != --config ] && [ "$#" -gt 0 ]; do shift; done
  [ -z "$2" ] || { stat -c %a "$2" "$2/config.json"; cat "$2/config.json"; }
} >> "$HOME/calls"
[ -z "$SLOW" ] || exec sleep 20
[[ $all != *gone* ]] || { echo "no such manifest" >&2; exit 1; }
"""


def _signed(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    programs = program(tmp_path / "bin", "docker", DOCKER).parent
    return programs, {"PATH": path(programs), "registry_password_0": LOGIN.password.reveal()}


def _left() -> list[Path]:
    return [*Path("/dev/shm").glob("schedgen-registry.*"), *Path("/tmp").glob("schedgen-registry.*")]


def test_the_password_is_there_for_the_length_of_a_pull(tmp_path: Path) -> None:
    command = registry.pull(Docker(), LOGIN, (IMAGE,))
    assert "cr et" not in command.text
    assert dict(command.secrets) == {"registry_password_0": LOGIN.password}
    _, env = _signed(tmp_path)
    assert bash(command, tmp_path, **env).ok
    call, named, folder, file, config = (tmp_path / "calls").read_text().splitlines()
    assert call.endswith(f"--host unix:///run/other.sock pull {IMAGE}")
    assert (named, folder, file) == ("0", "700", "600")
    assert json.loads(config)["auths"] == {"registry.example:5000": {"auth": "Y2k6czM6Y3IgZXQn"}}
    assert not _left()


def test_several_registries_are_signed_in_to_and_the_hosts_own_stay_so(tmp_path: Path) -> None:
    more = Login("docker.io", "other", Secret('a"b'))
    command = registry.pull(Docker(), replace(LOGIN, more=(more,)), (IMAGE,))
    assert 'a"b' not in command.text
    assert [registry.at(replace(LOGIN, more=(more,)), each) for each in (IMAGE, "nginx", "a.b/c")] == [
        True,
        True,
        False,
    ]
    _, env = _signed(tmp_path)
    (tmp_path / ".docker").mkdir()
    theirs = {
        "auths": {
            "mine.example": {"auth": "bWluZQ=="},
            "token.example": {"auth": "dA==", "identitytoken": "t"},
            "https://index.docker.io/v1/": {"auth": "b2xk"},
            "kept.example": {},
        },
        "credHelpers": {"ecr.example": "ecr-login"},
        "credsStore": "pass",
        "HttpHeaders": {"X-Of-Theirs": "1"},
    }
    (tmp_path / ".docker/config.json").write_text(json.dumps(theirs, indent="\t"))
    assert bash(command, tmp_path, **env, registry_password_1='a"b').ok
    *_, config = (tmp_path / "calls").read_text().splitlines()
    said = json.loads(config)
    assert said["auths"] == {
        "mine.example": {"auth": "bWluZQ=="},
        "token.example": {"auth": "dA==", "identitytoken": "t"},
        "registry.example:5000": {"auth": "Y2k6czM6Y3IgZXQn"},
        "https://index.docker.io/v1/": {"auth": base64.b64encode(b'other:a"b').decode()},
    }
    # What would be kept in a store of the host's is asked of none: it is in this file alone.
    assert said["credHelpers"] == {
        "ecr.example": "ecr-login",
        "registry.example:5000": "",
        "https://index.docker.io/v1/": "",
    }
    assert said["credsStore"] == "pass"
    assert not _left()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE])
def test_it_is_gone_when_a_pull_is_ended(tmp_path: Path, how: signal.Signals) -> None:
    _, env = _signed(tmp_path)
    command = registry.pull(Docker(), LOGIN, (IMAGE,))
    words = ["bash", "-c", f"exec {command.text}"]
    process = subprocess.Popen(
        words,
        env={**os.environ, **env, "HOME": str(tmp_path), "SLOW": "1"},
        # Whoever runs the tests may be deaf to it, and so would they be.
        preexec_fn=lambda: signal.signal(how, signal.SIG_DFL),  # noqa: PLW1509 - no thread is at work
    )
    while not (tmp_path / "calls").exists():
        time.sleep(0.05)
    process.send_signal(how)
    assert process.wait(timeout=20) != 0
    assert not _left()


def test_what_a_pull_left_that_was_killed_goes_with_the_next(tmp_path: Path) -> None:
    old = Path("/dev/shm/schedgen-registry.4194999.abcdefgh")
    old.mkdir()
    _, env = _signed(tmp_path)
    assert bash(registry.ask(Docker(), LOGIN, (IMAGE,)), tmp_path, **env).ok
    assert not old.exists()


def test_registries_are_asked_as_the_engine_would(tmp_path: Path) -> None:
    images = (IMAGE, "plain.example/gone:v1", "localhost:5000/shop:v1")
    _, env = _signed(tmp_path)
    ran = bash(registry.ask(Docker(), None, images), tmp_path, **env)
    held = registry.parse_asked(images, ran.stdout)
    assert [each.state for each in held] == ["there", "missing", "there"]
    calls = [line for line in (tmp_path / "calls").read_text().splitlines() if "manifest" in line]
    assert ["--insecure" in call for call in calls] == [False, True, True]
    assert not any("--config" in call for call in calls)


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("0 ", "there"),
        ("1 no such manifest: x", "missing"),
        ("1 manifest unknown", "missing"),
        ('1 Get "https://x/v2/": no basic auth credentials', "shut"),
        ("1 unauthorized: authentication required", "shut"),
        ("1 dial tcp: lookup registry.invalid: no such host", "silent"),
        ("124 ", "silent"),
        ("1 docker manifest inspect is only supported on a Docker cli with experimental features", "unknown"),
    ],
)
def test_what_a_registry_says_is_told_apart(line: str, state: str) -> None:
    (held,) = registry.parse_asked((IMAGE,), f"{line}\n")
    assert held.state == state


def test_an_answer_about_other_images_is_none() -> None:
    with pytest.raises(ValueError, match="zip"):
        registry.parse_asked((IMAGE,), "")


# What speaks against a release

CONFIG = minimal(release={"source": "image", "variable": "SHOP", "images": {"api": "a.b/api"}})
HOST = CONFIG.hosts[0]


def coming(**images: str) -> Coming:
    body = {name: {"image": image} for name, image in images.items()}
    return Coming("", document=json.dumps({"services": body}), tag="v1")


def texts(found: Coming, *held: Held, config: object = CONFIG) -> list[str]:
    return [each.text for each in arrival.problems(config, HOST, found, held)]  # type: ignore[arg-type]


def test_what_the_registry_has_is_no_problem() -> None:
    found = coming(web="a.b/shop:v1", cache="redis:7")
    assert arrival.wanted(CONFIG, HOST, found) == ("a.b/shop:v1",)
    assert texts(found, Held("a.b/shop:v1", "there")) == []


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("missing", "the registry has no a.b/shop:v1: said"),
        ("shut", "the registry does not let us see a.b/shop:v1: said"),
        ("silent", "the registry does not answer for a.b/shop:v1: said"),
        ("unknown", "whether the registry has a.b/shop:v1 is not known: said"),
    ],
)
def test_why_an_image_cannot_be_had_is_told(state: str, text: str) -> None:
    assert texts(coming(web="a.b/shop:v1"), Held("a.b/shop:v1", state, "said")) == [text]


def test_a_tag_that_no_service_takes_is_refused() -> None:
    assert texts(coming(web="a.b/shop:v0")) == ["no service of app1 has an image with the tag v1"]


def test_what_can_only_be_built_is_refused() -> None:
    found = coming(web="a.b/shop:v1")
    document = json.loads(found.document or "")
    document["services"]["tool"] = {"build": {"context": "/srv/blog/tool"}}
    assert texts(Coming("", document=json.dumps(document), tag="v1")) == [
        "built from files, and releases are images: tool"
    ]


def test_a_file_that_compose_does_not_take_is_refused_unless_the_rest_comes_with_the_release() -> None:
    answer = result(stderr="required variable TOKEN is missing a value: set it", code=1)
    (problem,) = arrival.problems(CONFIG, HOST, arrival.parse(CONFIG, Ref("v1"), answer), ())
    assert problem.refuses
    delivering = minimal(release={"source": "image", "variable": "SHOP"}, secrets={"TOKEN": "cat token"})
    (later,) = arrival.problems(delivering, HOST, arrival.parse(delivering, Ref("v1"), answer), ())
    assert (later.refuses, later.unknown) == (False, True)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"release": {"variable": "SHOP"}}, "that is for `source: image`"),
        ({"release": {"source": "image"}}, "needs `variable` or `images`"),
        ({"release": {"source": "image", "variable": "A"}, "variables": {"A": "1"}}, "'A' is in"),
        ({"release": {"source": "image", "variable": "A"}, "policy": {"approvals": 1}}, "is about a commit"),
    ],
)
def test_what_does_not_go_together_is_refused(values: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        minimal(**values)


def test_the_password_of_a_registry_is_fetched_once_and_learnt(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("pw-of-ci\n")
    learnt: list[str] = []

    def sign_in(words: str) -> SignIn:
        config = minimal(release={"registry": {"server": "a.b", "user": "ci", "password": words}})
        return SignIn(config, config.registries, learnt.extend, nullcontext)

    good = sign_in(f"cat {tmp_path}/password")
    assert good() == Login("a.b", "ci", Secret("pw-of-ci"))
    (tmp_path / "password").unlink()
    assert good() == Login("a.b", "ci", Secret("pw-of-ci"))
    assert learnt == ["pw-of-ci"]
    with pytest.raises(Refused, match="1 secret could not be fetched") as caught:
        sign_in(f"cat {tmp_path}/password")()
    assert "release.registry.password: cat failed with exit code 1" in str(caught.value.detail)
