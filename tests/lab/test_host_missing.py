"""Tasks that only look, over real SSH: hosts that turn us away hide nothing that the others say."""

from __future__ import annotations

import json
from pathlib import Path

import own_folder
from sshd import free_port, keygen, sshd


def test_refused_keys_closed_ports_and_unknown_hosts_hide_no_other(tmp_path: Path) -> None:
    project = tmp_path / "project"
    release = project / ".schedgen/releases/20250115_120000-bbbbbbb"
    release.mkdir(parents=True)
    record = {"id": release.name, "branch": "v1.2.3", "commit": "b" * 40, "state": "DONE"}
    record |= {"started": "2025-01-15T12:00:00Z", "previous": ""}
    (release / "release.json").write_text(json.dumps(record))
    (project / ".schedgen/current").write_text(release.name + "\n")
    with sshd(tmp_path / "good") as good, sshd(tmp_path / "strict") as strict:
        other = keygen(tmp_path / "other")
        (strict.folder / "authorized_keys").write_text(other.with_suffix(".pub").read_text())
        known = tmp_path / "known_hosts"
        known.write_text(good.known_hosts.read_text() + strict.known_hosts.read_text())
        ports = {"good": good.port, "refused": strict.port, "closed": free_port()}
        rows = [{"name": name, "address": "127.0.0.1", "port": port} for name, port in ports.items()]
        # The same server under a name that no known_hosts file has.
        rows.append({"name": "unknown", "address": "localhost", "port": good.port})
        ssh = {"config_file": None, "identity_file": str(good.key), "known_hosts": str(known), "agent": False}
        config = {"project": "p", "directory": str(project), "hosts": rows, "ssh": ssh}
        (tmp_path / "config").mkdir()
        (tmp_path / "config/near.yaml").write_text(json.dumps(config))
        ran = own_folder.run(tmp_path, "deploy.history", "--env", "near", "--json")
    document = json.loads(ran.stdout)
    assert [(row["host"], row["release"]) for row in document["result"]] == [("good", release.name)]
    why = {host["host"]: host["message"] for host in document["missing"]}
    assert sorted(why) == ["closed", "refused", "unknown"]
    assert "refuses connections" in why["closed"]
    assert "key" in why["refused"]
    assert "known_hosts" in why["unknown"]
    assert (ran.code, document["exit_code"]) == (8, 8)
    assert document["error"]["message"] == "3 of 4 hosts failed: refused, closed, unknown"
