"""One request from the host itself, by curl and, where there is none, by bash alone."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from http_kit import Quiet, serving
from kit import bash, program

from schedgen_ops.commands import http
from schedgen_ops.settings import Check


class Site(Quiet):
    """Answers /200 with 200, and so on; remembers what was asked."""

    asked: list[tuple[str, str]] = []  # noqa: RUF012
    hosts: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("User-Agent", "")))
        self.hosts.append(self.headers.get("Host", ""))
        if self.path.startswith("/hang"):
            self.server.stop.wait(5)  # type: ignore[attr-defined]
            return
        body = b"x" * 100_000
        self.send_response(int(self.path.strip("/").partition("?")[0] or 200))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Site)) as server:
        server.stop = threading.Event()  # type: ignore[attr-defined]
        yield f"http://127.0.0.1:{server.server_port}"
        server.stop.set()  # type: ignore[attr-defined]


@pytest.fixture(scope="module", params=["curl", "bash"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """PATH as it is, or with nothing but what the script needs without curl."""
    if request.param == "curl":
        return os.environ["PATH"]
    folder = tmp_path_factory.mktemp("bin")
    for name in ("bash", "timeout", "awk", "cat", "head", "tr"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return str(folder)


def ask(url: str, path: str, cwd: Path, limit: float = 20) -> http.HttpAnswer:
    answer = bash(http.get(url, limit), cwd, PATH=path)
    assert answer.ok, answer.stderr
    assert len(answer.stdout.splitlines()) == 1
    return http.parse_answer(answer.stdout)


@pytest.mark.parametrize(
    ("where", "status"), [("", 200), ("/", 200), ("/204", 204), ("/404", 404), ("/500?a=b/c&d=e", 500)]
)
def test_the_status_and_the_time_are_told(
    site: str, path: str, tmp_path: Path, where: str, status: int
) -> None:
    answer = ask(site + where, path, tmp_path)
    assert (answer.status, answer.error) == (status, "")
    assert 0 < answer.seconds < 20
    assert Site.asked[-1] == (where or "/", "schedgen_ops")


def test_a_port_where_nobody_listens_is_no_answer(path: str, tmp_path: Path) -> None:
    answer = ask("http://127.0.0.1:9/", path, tmp_path)
    assert answer.status == 0
    assert answer.error


def test_an_answer_that_does_not_come_is_given_up(site: str, path: str, tmp_path: Path) -> None:
    answer = ask(f"{site}/hang", path, tmp_path, limit=0.25)
    assert answer.status == 0
    assert answer.error
    assert 0.2 < answer.seconds < 15


def test_a_url_is_no_option_and_no_code(path: str, tmp_path: Path) -> None:
    for url in (
        "http://127.0.0.1:9/$(touch made)",
        "http://127.0.0.1:9/';touch made;'",
        "http://127.0.0.1:9/-o x",
    ):
        assert ask(url, path, tmp_path).status == 0
    assert list(tmp_path.iterdir()) == []


def test_https_needs_curl_and_says_so(path: str, tmp_path: Path) -> None:
    answer = ask("https://127.0.0.1:9/", path, tmp_path)
    assert answer.status == 0
    assert path == os.environ["PATH"] or answer.error == "https needs curl on the host"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("200 0.012345 \n", http.HttpAnswer(200, 0.012345)),
        ("000 0.1 curl: (7) Failed  to connect \n", http.HttpAnswer(0, 0.1, "curl: (7) Failed  to connect")),
    ],
)
def test_an_answer_is_read(text: str, answer: http.HttpAnswer) -> None:
    assert http.parse_answer(text) == answer


@pytest.mark.parametrize("text", ["", "200", "x 0.1", "200 x"])
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        http.parse_answer(text)


@pytest.mark.parametrize(
    ("host", "named"), [(None, ""), ("shop.example", "shop.example"), ("a-b:81", "a-b:81")]
)
def test_a_check_is_asked_where_its_url_leads_as_a_visitor_of_the_host_that_it_names(
    site: str, path: str, tmp_path: Path, host: str | None, named: str
) -> None:
    check = Check(name="page", url=f"{site}/200?a=b#top", host=host)
    for command in (http.get(check.asked, 20), http.fetch(check.asked, 20)):
        assert bash(command, tmp_path, PATH=path).ok
        assert Site.asked[-1][0] == "/200?a=b"
        assert Site.hosts[-1] == (named or site.removeprefix("http://"))


def test_over_tls_the_server_hears_that_host_too(tmp_path: Path) -> None:
    """What curl is told: no certificate of a name that leads elsewhere can be had here."""
    told = program(tmp_path / "bin", "curl", 'printf "%s\\n" "$@" > "$HOME/words"; echo; echo 200 0.1').parent
    check = Check(name="page", url="https://localhost:8443/x?y=1", host="shop.example")
    assert bash(http.get(check.asked, 20), tmp_path, PATH=f"{told}:{os.environ['PATH']}").ok
    words = (tmp_path / "words").read_text().split("\n")
    assert words[words.index("--connect-to") + 1] == "::localhost:8443"
    assert "Host: shop.example" in words
    assert "https://shop.example:8443/x?y=1" in words
