"""Hooks as real executables, called by runs on simulated hosts."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import test_tasks
import yaml
from deploying import deployed
from simulated import SimHost
from simulated_world import OLD, fresh
from test_notify import gone
from test_tasks import CONFIG, Capture, Inv

from schedgen_ops.errors import ConfigError
from schedgen_ops.hooks import program
from schedgen_ops.hooks.found import NAMES, find

inv = test_tasks.inv
Hook = Callable[..., Path]


@pytest.fixture
def hook(inv: Inv, tmp_path: Path) -> Hook:
    """Write a hook that keeps what it is told, and does what `body` says."""
    folder = tmp_path / "config/hooks"

    def write(name: str, body: str = "", *, mode: int = 0o755) -> Path:
        folder.mkdir(exist_ok=True)
        file = folder / name
        file.write_text(f"#!/usr/bin/env bash\ncat >> {tmp_path}/told\n{body}\n")
        file.chmod(mode)
        return file

    return write


def told(tmp_path: Path) -> list[dict[str, Any]]:
    """What the hooks were told, in order."""
    file = tmp_path / "told"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def names(tmp_path: Path) -> list[str]:
    """Which hooks were called, in order."""
    return [event["hook"] for event in told(tmp_path)]


def settings(tmp_path: Path, **section: object) -> None:
    """Write a config with these values below `hooks`."""
    document = yaml.safe_load(CONFIG) | {"hooks": section}
    (tmp_path / "config/staging.yaml").write_text(yaml.safe_dump(document))


def test_a_deploy_calls_each_hook_in_its_place(inv: Inv, hook: Hook, tmp_path: Path, capsys: Capture) -> None:
    for name in (*NAMES, "pre-backend", "post-backend", "post-redis"):
        hook(name)
    assert inv("deploy", "--branch", "v1.2.4", on=[SimHost(world=deployed())]) == 0
    assert names(tmp_path) == [
        "pre-connect",
        "pre-deploy",
        "pre-backup",
        "post-migrate",
        "post-redis",
        "pre-backend",
        "post-backend",
        "post-deploy",
    ]
    titles = re.findall(r"^=== (?:Step \d+: )?(.*) ===$", capsys.readouterr().out, re.MULTILINE)
    assert titles.index("Hook pre-connect") < titles.index("Pre-flight Checks")
    assert titles[titles.index("Hook pre-deploy") - 1] == "Pre-flight Checks"
    assert titles[titles.index("Hook pre-backup") + 1] == "Pre-deployment backup"
    assert titles[titles.index("Hook pre-backend") + 1] == "Rolling update - Application services"
    assert titles[titles.index("Hook post-backend") - 1] == "Rolling update - Application services"
    assert titles[titles.index("Hook post-deploy") - 1] == "Cleaning up old images"


def test_a_hook_is_told_what_is_known_at_its_moment(inv: Inv, hook: Hook, tmp_path: Path) -> None:
    for name in ("pre-connect", "pre-backend", "post-deploy"):
        hook(name)
    assert inv("deploy", "--branch", "v1.2.4", on=[SimHost(world=deployed())]) == 0
    first, service, last = told(tmp_path)
    common = {"environment": "staging", "project": "schedgen", "command": "deploy", "asked": "v1.2.4"}
    assert common.items() <= first.items()
    assert first["hosts"] == ["app1"]
    assert re.fullmatch(r"\d{8}_\d{6}", first["run"])
    assert (first["release"], first["previous"]) == ("", "")
    assert service["service"] == "backend"
    assert service["release"].endswith(service["commit"][:7])
    assert service["backup"].startswith("backups/pre-deployment-")
    assert (last["code"], last["previous"]) == (0, "20250115_120000-bbbbbbb")
    assert Path(last["log"]).exists()


@pytest.mark.parametrize("name", ["pre-connect", "pre-deploy", "pre-backup"])
def test_a_hook_that_fails_before_anything_is_changed_refuses_the_deploy(
    inv: Inv, hook: Hook, tmp_path: Path, capsys: Capture, name: str
) -> None:
    hook(name, "echo 'Error: the change board said no'; exit 7")
    hook("on-failure")
    host = SimHost(world=deployed())
    assert inv("deploy", "--branch", "v1.2.4", on=[host]) == 3
    said = capsys.readouterr().err
    assert f"ERROR: the hook {name} failed with exit code 7" in said
    assert "Error: the change board said no" in said
    assert "outcome: nothing was changed" in said
    assert host.world.backups == deployed().backups
    assert host.world.head == deployed().head
    assert (host.asked == []) == (name == "pre-connect")
    assert names(tmp_path) == [name, "on-failure"]
    assert told(tmp_path)[-1]["code"] == 3


def test_a_hook_that_fails_before_a_service_takes_the_deploy_back(
    inv: Inv, hook: Hook, tmp_path: Path, capsys: Capture
) -> None:
    hook("pre-backend", "exit 1")
    hook("on-rollback")
    hook("on-failure")
    host = SimHost(world=fresh())
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 4
    assert host.world.head == OLD
    assert "ERROR: the hook pre-backend failed with exit code 1" in capsys.readouterr().err
    assert names(tmp_path) == ["pre-backend", "on-rollback", "on-failure"]
    assert told(tmp_path)[-1]["code"] == 4
    assert told(tmp_path)[-1]["step"] == "Hook pre-backend"


@pytest.mark.parametrize("name", ["post-migrate", "post-backend", "post-deploy"])
def test_a_hook_that_fails_afterwards_is_a_warning(inv: Inv, hook: Hook, capsys: Capture, name: str) -> None:
    hook(name, "echo 'cannot reach the cache' >&2; exit 2")
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    said = "".join(capsys.readouterr())
    assert f"[WARN] The hook {name} failed with exit code 2: cannot reach the cache" in said
    assert "Deployment Complete" in said


def test_a_deploy_that_fails_by_itself_calls_its_hooks(inv: Inv, hook: Hook, tmp_path: Path) -> None:
    for name in ("on-rollback", "on-failure", "post-deploy"):
        hook(name, "exit 1")
    sick = replace(fresh(), sick=("backend",))
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost(world=sick)]) == 4
    assert names(tmp_path) == ["on-rollback", "on-failure"]
    assert "backend" in told(tmp_path)[0]["message"]


def test_a_rollback_has_its_own(inv: Inv, hook: Hook, tmp_path: Path) -> None:
    for name in NAMES:
        hook(name)
    assert inv("rollback", "--yes", on=[SimHost(world=deployed())]) == 0
    assert names(tmp_path) == ["pre-connect", "on-rollback"]
    assert told(tmp_path)[-1]["command"] == "rollback"
    assert told(tmp_path)[-1]["release"]


def test_a_rollback_that_a_hook_speaks_against_asks_no_host(inv: Inv, hook: Hook) -> None:
    hook("pre-connect", "exit 1")
    host = SimHost(world=deployed())
    assert inv("rollback", "--yes", on=[host]) == 3
    assert host.asked == []


@pytest.mark.parametrize(("failing", "code"), [("", 0), ("pre-backup", 3), ("pre-connect", 3)])
def test_a_backup_by_hand_has_its_own(inv: Inv, hook: Hook, tmp_path: Path, failing: str, code: int) -> None:
    for name in NAMES:
        hook(name, f"exit {int(name == failing)}")
    host = SimHost(world=deployed())
    assert inv("backup", on=[host]) == code
    all_ = ["pre-connect", "pre-backup"]
    expected = all_ if not failing else [*all_[: all_.index(failing) + 1], "on-failure"]
    assert names(tmp_path) == expected
    assert (host.world.backups == deployed().backups) == bool(failing)


def test_files_that_could_never_be_called_are_refused_before_any_host_is_asked(
    inv: Inv, hook: Hook, tmp_path: Path, capsys: Capture
) -> None:
    hook("pre-deploy", mode=0o644)
    (tmp_path / "config/hooks/on-failure").symlink_to("/nowhere/on-failure")
    hook("pre-backnd")
    (tmp_path / "config/hooks/post-deploy").mkdir()
    for name in ("README.md", "pre-deploy.sample", ".keep", "pre-deploy~"):
        (tmp_path / "config/hooks" / name).touch()
    (tmp_path / "config/hooks/lib").mkdir()
    host = SimHost()
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 2
    said = capsys.readouterr().err
    assert "pre-deploy: is not executable; chmod +x " in said
    assert "on-failure: is a link that leads nowhere: /nowhere/on-failure" in said
    assert "pre-backnd: there is no such hook; did you mean 'pre-backend'?" in said
    assert "post-deploy: is no file" in said
    assert not {"README", "sample", ".keep", "~", "lib:"} & set(re.split(r"[\s./]", said))
    assert host.asked == []


def test_a_hook_whose_program_is_not_there_says_so(inv: Inv, hook: Hook, capsys: Capture) -> None:
    hook("pre-deploy").write_text("#!/nowhere/python\n")
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 3
    said = capsys.readouterr().err
    assert "the hook pre-deploy could not be started: No such file or directory" in said


def test_a_hook_that_hangs_is_ended_with_all_that_it_started(
    inv: Inv, hook: Hook, tmp_path: Path, capsys: Capture
) -> None:
    settings(tmp_path, deadline=1)
    hook("pre-deploy", f"trap '' TERM; sleep 600 & echo $! > {tmp_path}/pid; echo waiting; wait; wait")
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 3
    said = capsys.readouterr().err
    assert "the hook pre-deploy was ended, it took longer than 1 s" in said
    gone(int((tmp_path / "pid").read_text()))


def test_100_mb_of_output_are_bounded(inv: Inv, hook: Hook, tmp_path: Path) -> None:
    hook("pre-deploy", "head -c 100000000 /dev/zero | tr '\\0' x; echo; seq 1 100")
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    (log,) = (tmp_path / "state").rglob("deploy-*.log")
    assert log.stat().st_size < 1_000_000
    assert "more bytes of output are not kept" in log.read_text()


def test_output_is_in_the_log_without_control_characters_and_secrets(
    inv: Inv, hook: Hook, tmp_path: Path, capsys: Capture
) -> None:
    hook("pre-deploy", r"printf 'a\033[2Jb\a\nDB_PASSWORD=hunter22\nhttps://u:pw1234@host/\n\xff\n'; exit 1")
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 3
    (log,) = (tmp_path / "state").rglob("deploy-*.log")
    shown = log.read_text() + "".join(capsys.readouterr())
    assert "pre-deploy: ab" in shown
    assert "DB_PASSWORD=***" in shown
    assert not {"\x1b", "\a"} & set(shown)
    assert "hunter22" not in shown
    assert "pw1234" not in shown


def test_a_hook_that_reads_nothing_and_leaves_something_running_keeps_nobody(tmp_path: Path) -> None:
    file = tmp_path / "hook"
    file.write_text("#!/usr/bin/env bash\nsleep 600 &\necho $! done\n")
    file.chmod(0o755)
    said: list[str] = []
    assert program.run(file, b"x" * 1_000_000, 600, said.append) == 0
    pid, word = said[0].split()
    assert word == "done"
    os.kill(int(pid), 9)


def test_ctrl_c_ends_a_hook(tmp_path: Path) -> None:
    file = tmp_path / "hook"
    file.write_text("#!/usr/bin/env bash\necho $$\nsleep 600\n")
    file.chmod(0o755)
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        program.run(file, b"", 600, interrupt)
    gone(pids[0])


def test_another_folder_may_be_named_and_has_to_be_there(
    inv: Inv, hook: Hook, tmp_path: Path, capsys: Capture
) -> None:
    settings(tmp_path, directory="elsewhere")
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 2
    assert "hooks.directory is no folder: " in capsys.readouterr().err
    hook("pre-connect")
    (tmp_path / "config/hooks").rename(tmp_path / "config/elsewhere")
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    assert names(tmp_path) == ["pre-connect"]


def test_a_folder_that_cannot_be_read_is_a_wrong_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the folder of hooks cannot be read"):
        find(tmp_path / "none", ())


def test_without_tiers_any_service_may_have_hooks(inv: Inv, hook: Hook, tmp_path: Path) -> None:
    without_tiers(tmp_path)
    hook("pre-frontend")
    hook("post-frontend")
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    assert [event["service"] for event in told(tmp_path)] == ["frontend", "frontend"]


def without_tiers(tmp_path: Path) -> None:
    document = {key: value for key, value in yaml.safe_load(CONFIG).items() if key != "tiers"}
    (tmp_path / "config/staging.yaml").write_text(yaml.safe_dump(document))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("pre-depoly", "pre-deploy"),
        ("pre-migrate", "post-migrate"),
        ("post-conect", "pre-connect"),
        ("pre-backpu", "pre-backup"),
    ],
)
def test_a_misspelt_event_is_refused_without_tiers_too(
    inv: Inv, hook: Hook, tmp_path: Path, capsys: Capture, name: str, meant: str
) -> None:
    without_tiers(tmp_path)
    hook(name)
    host = SimHost()
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 2
    assert f"{name}: there is no such hook; did you mean {meant!r}?" in capsys.readouterr().err
    assert host.asked == []


@pytest.mark.parametrize(
    "name", ["post-migrator", "pre-connector", "pre-deployer", "post-immigrate", "post-back"]
)
def test_a_service_may_be_called_almost_like_an_event(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch(0o755)
    assert [*find(tmp_path, (), others=True)] == [name]


def test_a_wrong_name_is_a_warning_where_no_hook_of_a_service_would_be_called(
    inv: Inv, hook: Hook, capsys: Capture
) -> None:
    hook("post-migrator")
    hook("pre-depoly")
    assert inv("rollback.list", on=[SimHost(world=deployed())]) == 0
    assert inv("rollback", "--yes", on=[SimHost(world=deployed())]) != 2
    assert "pre-depoly: there is no such hook; did you mean 'pre-deploy'?" in capsys.readouterr().out
    assert inv("deploy", "--branch", "v1.2.4", on=[SimHost(world=deployed())]) == 2


@pytest.mark.parametrize("name", ["pre-frontned", "post-frontend-", "pre-backups"])
def test_a_hook_of_a_service_that_the_release_does_not_have_takes_it_back_before_anything_is_replaced(
    inv: Inv, hook: Hook, tmp_path: Path, capsys: Capture, name: str
) -> None:
    without_tiers(tmp_path)
    hook(name)
    host = SimHost(world=fresh())
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 4
    said = capsys.readouterr()
    assert f"{name}: there is no such hook" in said.err
    assert "=== Names of hooks ===" in said.out
    assert not re.search("=== .*(migrations|Ingress|Rolling update)", said.out)
    assert host.world.head == OLD
    assert names(tmp_path) == []


def test_a_plan_lists_them(inv: Inv, hook: Hook, capsys: Capture) -> None:
    hook("pre-backend")
    inv("deploy.plan", on=[SimHost(world=deployed())])
    assert "pre-backend" in capsys.readouterr().out


def test_without_a_folder_nothing_of_it_is_imported(inv: Inv) -> None:
    for name in [name for name in sys.modules if name.startswith("schedgen_ops.hooks")]:
        del sys.modules[name]
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    assert not [name for name in sys.modules if name.startswith("schedgen_ops.hooks")]
