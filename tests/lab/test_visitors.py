"""What visitors noticed, by a real HAProxy over real SSH: counted from end to end, or unknown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sshd import Sshd, sshd

from schedgen_ops.events import silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.lab import docker
from schedgen_ops.lab.place import PREFIX, Place
from schedgen_ops.probe.report import ProbeReport
from schedgen_ops.probe.run import Prober, probing
from schedgen_ops.probe.visitors import Visitors
from schedgen_ops.settings import Settings

NAME = f"{PREFIX}-visitors"
# The application: /bad is answered with 500, and nobody ever hears of /none.
SITE = """
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
frontend site
    bind 127.0.0.1:8081
    http-request return status 500 if { path /bad }
    http-request reject if { path /none }
    http-request return status 200
"""
# The ingress, as it counts, with one server that is known.
INGRESS = """
global
    stats socket ipv4@127.0.0.1:9999 level admin
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
frontend web_80
    bind 127.0.0.1:80
    http-request set-var(txn.ours) bool(true) if { hdr(User-Agent) schedgen_ops }
    default_backend web_80
backend web_80
    stick-table type integer size 64 store gpc0,gpc1
    http-response track-sc0 srv_id if !{ var(txn.ours) -m found }
    http-response sc-inc-gpc0(0) if !{ var(txn.ours) -m found }
    http-response sc-inc-gpc1(0) if { status ge 500 } !{ var(txn.ours) -m found }
    server s1 127.0.0.1:8081
"""
VISIT = r"""
agent=$1; shift
for path; do
  exec 3<>/dev/tcp/127.0.0.1/80
  printf 'GET %s HTTP/1.0\r\nUser-Agent: %s\r\n\r\n' "$path" "$agent" >&3
  timeout 20 cat <&3 >/dev/null; exec 3<&-
done
"""

# Over once another worker answers.
RELOAD = r"""
pid() { exec 3<>/dev/tcp/127.0.0.1/9999 && echo 'show info' >&3 && sed -n 's/^Pid: //p' <&3; }
was=$(pid); kill -USR2 1
until now=$(pid) && [ -n "$now" ] && [ "$now" != "$was" ]; do sleep 0.1; done
"""


class Well(BaseHTTPRequestHandler):
    """What the prober itself asks: it is always well."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def ingress(folder: Path) -> Iterator[None]:
    """An ingress and its site, with a loopback of their own."""
    run = ("run", "--detach", "--rm", "--volume", f"{folder}:/conf:ro")
    folder.chmod(0o755)
    (folder / "site.cfg").write_text(SITE)
    (folder / "ingress.cfg").write_text(INGRESS)
    labels = [f"--label=com.docker.compose.{key}" for key in (f"project={NAME}", "service=schedgen-ingress")]
    program = ("lab/haproxy:2.6", "haproxy", "-W", "-db", "-f")
    try:
        docker.run(*run, f"--name={NAME}-site", "--network=none", *program, "/conf/site.cfg")
        shared = f"--network=container:{NAME}-site"
        docker.run(*run, f"--name={NAME}", shared, *labels, *program, "/conf/ingress.cfg")
        docker.run("exec", NAME, "bash", "-c", "until (: <>/dev/tcp/127.0.0.1/9999); do sleep 0.1; done")
        yield
    finally:
        docker.succeeds("rm", "--force", NAME, f"{NAME}-site")


def visit(*paths: str, agent: str = "somebody") -> None:
    docker.run("exec", NAME, "bash", "-c", VISIT, "bash", agent, *paths)


@contextmanager
def watched(server: Sshd) -> Iterator[Prober]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Well) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        check = {"name": "well", "url": f"http://127.0.0.1:{site.server_port}/", "within": 20}
        row = {"name": "app1", "address": "127.0.0.1"}
        tiers = [{"name": "Web", "services": ["web"]}]
        values = {"project": NAME, "directory": "/srv/p", "hosts": [row], "tiers": tiers, "checks": [check]}
        none = {"database": None, "objects": None, "migrations": None}
        settings = Settings.model_validate({**values, **none})
        with probing(Fleet(server.hosts("app1", connect_timeout=20)), settings, silence) as prober:
            (_, ear) = prober._held[0]
            # The first look is over: only what comes now is the run's.
            while not any(line.startswith("visitors start ") for line in ear.lines):
                threading.Event().wait(0.05)
            yield prober
        site.shutdown()


def seen(server: Sshd, *paths: str, reload: bool = False) -> ProbeReport:
    with watched(server) as prober:
        visit("/bad", agent="schedgen_ops")
        visit(*paths)
        if reload:
            docker.run("exec", NAME, "bash", "-c", RELOAD)
        return prober.stop()


def test_what_visitors_noticed_is_counted_or_said_to_be_unknown(lab: Place, tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    with sshd(tmp_path / "sshd") as server:
        with watched(server) as prober:
            without = prober.stop().visitors
        with ingress(tmp_path / "conf"):
            good = seen(server, "/", "/", "/")
            bad = seen(server, "/", "/bad", "/none")
            anew = seen(server, "/", reload=True).visitors
    assert without == Visitors("", unknown="there is no ingress")
    assert (good.visitors, good.zero_downtime) == (Visitors("", 3), True)
    assert (bad.visitors, bad.zero_downtime) == (Visitors("", 3, 2), False)
    assert anew is not None
    assert anew.unknown == "the ingress was replaced or reloaded"
