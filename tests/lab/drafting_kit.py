"""A stranger with a laptop, and a host that runs a project already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from deploy_kit import Operator

from schedgen_ops.lab.place import Place


def at_home(lab: Place, folder: Path) -> Path:
    """Return a stranger's home in a new folder, whose ssh knows the lab's hosts."""
    ssh = folder / "home" / ".ssh"
    ssh.mkdir(parents=True)
    (ssh / "known_hosts").write_text(lab.known_hosts.read_text())
    (ssh / "config").write_text(f"Host *\n  IdentityFile {lab.key}\n")
    return ssh.parent


def drafted(op: Operator, home: Path, directory: str) -> dict[str, Any]:
    """What `inv init` wrote, which `config.check` takes and a plan was shown of."""
    (host,) = op.boxes
    where = f"deploy@{host.address}:{op.place.ssh_port}"
    env = {"HOME": str(home)}
    ran = op("init", "--host", where, "--directory", directory, "--replace", env=env)
    assert ran.code == 0, ran.output
    assert "what a deploy of" in ran.stdout
    checked = op("config.check", env=env)
    assert checked.code == 0, checked.output
    return dict(yaml.safe_load((op.folder / "config" / "lab.yaml").read_text()))
