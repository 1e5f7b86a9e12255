"""A bare host, with sshd alone, becomes one that can be deployed to."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import own_folder
import pytest
from sshd import keygen

from schedgen_ops.lab import docker, hosts
from schedgen_ops.lab.place import HOST_IMAGE, LABEL, Place

# A host of the lab without what made it one. Debian 12 has no package of the Compose plugin: a folder
# stands in for the site that has one.
_BARE = """
FROM HOST
RUN apt-get -qq purge --yes docker.io git curl containerd runc >/dev/null \\
 && apt-get -qq autoremove --yes >/dev/null \\
 && userdel --remove deploy && rm -rf /etc/docker /srv/* /usr/local/sbin/lab-* /etc/gitconfig \\
 && cp /dev/null /etc/ssh/sshd_config && ssh-keygen -A \\
 && echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/fast
RUN mkdir -p /bare && mv /usr/local/lib/docker/cli-plugins/docker-compose /bare/ \\
 && rm -rf /usr/local/lib/docker
COPY key.pub start site.sh /bare/
RUN mkdir -p /root/.ssh /run/sshd && install -m 600 /bare/key.pub /root/.ssh/authorized_keys
RUN bash -e /bare/site.sh
RUN useradd --create-home --shell /bin/bash guest && mkdir -p /home/guest/.ssh \\
 && cp /bare/key.pub /home/guest/.ssh/authorized_keys && usermod --password '*' guest
ENTRYPOINT ["/usr/bin/tini", "--", "/bare/start"]
"""
_SITE = """
cd /bare; chmod +x start; mkdir -p p/DEBIAN p/usr/libexec/docker/cli-plugins site
install -m 755 docker-compose p/usr/libexec/docker/cli-plugins/
cat > p/DEBIAN/control <<END
Package: docker-compose-plugin
Version: 5.0
Architecture: all
Maintainer: lab <lab@example.com>
Description: Compose
END
deb=docker-compose-plugin.deb
dpkg-deb -Znone --build p site/$deb
{ cat p/DEBIAN/control; echo "Filename: ./$deb"; echo "Size: $(stat -c %s site/$deb)"
  echo "SHA256: $(sha256sum < site/$deb | cut -d ' ' -f 1)"; } > site/Packages
echo 'deb [trusted=yes] file:/bare/site ./' > /etc/apt/sources.list.d/bare.list
rm -rf p docker-compose
"""
# The machine's init system: mounts that an engine may write to, sshd, an engine once a package brings one.
_START = """#!/bin/bash
if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
  for mount in /sys/fs/cgroup/*/; do mount -o remount,bind,rw "${mount%/}" 2>/dev/null; done
fi
printf '{"bip": "10.214.0.1/24"}' > /bare/daemon.json
while :; do
  getent group docker >/dev/null && dockerd --config-file /bare/daemon.json >> /bare/dockerd.log 2>&1
  sleep 1
done &
exec /usr/sbin/sshd -D -e
"""


@dataclass(frozen=True, slots=True)
class Bare:
    """The host, and the operator's folder."""

    container: str
    address: str
    folder: Path

    def sh(self, script: str) -> str:
        """What a script prints that root runs there."""
        return docker.run("exec", self.container, "bash", "-ec", script).strip()

    def inv(self, *words: str) -> tuple[int, str]:
        """Runs a task, and returns its exit code and all that it printed."""
        plain = {"NO_COLOR": "1", "COLUMNS": "200"}
        done = own_folder.run(self.folder, *words, "--env", "bare", timeout=400, **plain)
        return done.code, done.output


def configured(bare: Bare, key: Path) -> None:
    ssh = {
        "config_file": None,
        "identity_file": str(key),
        "known_hosts": str(bare.folder / "known"),
        "agent": False,
    }
    row = {"name": "app9", "address": bare.address, "user": "deploy"}
    config = {
        "project": "p",
        "directory": "/srv/p",
        "hosts": [row],
        "ssh": ssh,
        "secrets": {"PASSWORD": ["echo", "of-the-lab"]},
        "limits": {"disk_free_gb": 0.1},
    }
    (bare.folder / "config").mkdir()
    (bare.folder / "config/bare.yaml").write_text(json.dumps(config))


@pytest.fixture
def bare(lab: Place, tmp_path: Path) -> Iterator[Bare]:
    key = keygen(tmp_path / "key")
    build = tmp_path / "image"
    build.mkdir()
    (build / "Dockerfile").write_text(_BARE.replace("HOST", HOST_IMAGE))
    (build / "start").write_text(_START)
    (build / "site.sh").write_text(_SITE)
    (build / "key.pub").write_bytes(Path(f"{key}.pub").read_bytes())
    tag = f"schedgen-bare-{uuid.uuid4().hex[:8]}"
    docker.run("build", "--quiet", "--tag", tag, "--label", LABEL, str(build))
    try:
        docker.run(
            "run", "--detach", "--name", tag, "--label", LABEL, *hosts.capabilities(lab),
            "--volume", "/var/lib/docker", tag,
        )  # fmt: skip
        address = docker.run(
            "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", tag
        )
        host = Bare(tag, address.strip(), tmp_path)
        configured(host, key)
        yield host
    finally:
        docker.succeeds("rm", "--force", "--volumes", tag)
        docker.succeeds("image", "rm", "--force", tag)


def fingerprint(bare: Bare) -> str:
    return bare.sh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]


def repository(bare: Bare) -> None:
    """A git repository on the host itself, once git is there: nothing else can be reached from it."""
    bare.sh(
        "git init -q -b main /srv/origin; "
        "cd /srv/origin; echo 'services: {}' > compose.yaml; git add .; "
        "git -c user.name=l -c user.email=l@example.com commit -qm first; chown -R guest: /srv/origin; "
        "git config --system --add safe.directory '*'"
    )


def test_a_bare_host_becomes_one_that_can_be_deployed_to(bare: Bare) -> None:
    assert bare.inv("hosts.trust", "--fingerprint", fingerprint(bare))[0] == 0
    code, said = bare.inv("hosts.setup", "--login", "guest", "--repository", "/srv/origin", "--yes")
    assert code == 3, said
    assert "guest may not install" in said
    code, said = bare.inv("hosts.setup", "--login", "root", "--repository", "/srv/none")
    assert code == 2, said
    assert bare.sh("ls /srv; command -v docker || echo bare") == "bare"

    code, said = bare.inv("hosts.setup", "--login", "root", "--repository", "/srv/none", "--yes")
    assert code != 0, said
    assert "git could not clone the repository" in said, said
    assert bare.sh("ls -A /srv/p; id -nG deploy") == "deploy docker"

    repository(bare)
    code, said = bare.inv("hosts.setup", "--login", "root", "--repository", "/srv/origin", "--yes")
    assert code == 0, said
    assert "install" not in said
    assert bare.sh(
        "cd /srv/p; stat -c '%U %a' . .env; git status --short -uno; git rev-parse --abbrev-ref HEAD"
    ) == ("deploy 755\ndeploy 600\nmain")
    assert "of-the-lab" not in said

    before = bare.sh("find /srv/p /etc/passwd /etc/group /home/deploy -newermt @0 -printf '%p %T@\\n' | sort")
    code, said = bare.inv("hosts.setup", "--login", "root")
    assert code == 0, said
    assert "there was nothing to do" in said, said
    assert bare.inv("hosts.setup")[0] == 0
    assert (
        bare.sh("find /srv/p /etc/passwd /etc/group /home/deploy -newermt @0 -printf '%p %T@\\n' | sort")
        == before
    )

    bare.sh("rm -rf /srv/p/.git; echo mine > /srv/p/.env")
    code, said = bare.inv("hosts.setup", "--repository", "/srv/origin", "--yes")
    assert code == 3, said
    assert "holds other things" in said
    assert bare.sh("cat /srv/p/.env") == "mine"

    # A project of images needs no git: its files come from here.
    path = bare.folder / "config/bare.yaml"
    config = json.loads(path.read_text()) | {"project": "q", "directory": "/srv/q"}
    path.write_text(json.dumps(config | {"release": {"source": "image", "variable": "TAG"}}))
    (bare.folder / "site/conf").mkdir(parents=True)
    (bare.folder / "site/compose.yaml").write_text("services: {}\n")
    (bare.folder / "site/conf/app.conf").write_text("one\n")
    code, said = bare.inv("hosts.setup", "--login", "root", "--files", "site", "--yes")
    assert code == 0, said
    assert "done: bring the 2 files of site to /srv/q" in said
    assert bare.sh(
        "cd /srv/q; stat -c '%U %n' conf/app.conf; cat conf/app.conf; ls -A | grep -v '^.schedgen'"
    ) == ("deploy conf/app.conf\none\n.env\ncompose.yaml\nconf")
    code, said = bare.inv("hosts.setup", "--files", "site")
    assert code == 0, said
    assert "there was nothing to do" in said
