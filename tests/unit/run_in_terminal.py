"""A run for a test in a terminal of its own: `python run_in_terminal.py FOLDER MODE`.

It writes what happens into FOLDER/diary and, whatever signal comes, its exit code into FOLDER/code.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path


def run(folder: Path, mode: str) -> None:
    from schedgen_ops.errors import OpsError
    from schedgen_ops.events import RunStarted, info
    from schedgen_ops.runner import StepRunner
    from schedgen_ops.steps import Step
    from schedgen_ops.task_run import Operation
    from schedgen_ops.tasks.common import perform

    def note(word: str) -> None:
        with (folder / "diary").open("a") as file:
            file.write(word + "\n")

    def body(op: Operation) -> None:
        def work() -> None:
            note("two begun")
            if mode == "fails":
                raise OpsError("it failed")
            if mode != "cleans":
                time.sleep(0.5 if mode == "ends" else 60)

        def undo(name: str) -> None:
            note(f"undo {name}")
            for _ in range(8):
                time.sleep(0.05)
                info(op.emit, f"taking back {name}")
            note(f"undone {name}")

        def clean() -> None:
            note("cleaning")
            while not (folder / "go").exists():
                time.sleep(0.01)
            note("cleaned")

        settles = mode == "cleans"
        steps = [
            Step("1", "One", lambda: note("one"), undo=lambda: undo("one")),
            Step("2", "Two", work, undo=lambda: undo("two"), settles=settles),
            Step("3", "Clean", clean, stays="It serves. Stop cleaning up?"),
        ]
        titles = tuple((step.number, step.title) for step in steps)
        op.emit(RunStarted("deploy", "r1", "lab", "A run", ("app1",), (), titles))
        StepRunner(op.emit, op.clock).run(steps if settles else steps[:2])

    shared: dict[str, object] = {"env": "lab", "hosts": "", "json": False, "log_level": "info"}
    perform(body, shared, shared)


def main() -> None:
    from invoke.exceptions import Exit

    folder, mode = Path(sys.argv[1]), sys.argv[2]
    if len(sys.argv) > 3:
        try:
            run(folder, mode)
        except Exit as error:
            sys.exit(error.code)
        return
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    child = subprocess.Popen([sys.executable, __file__, *sys.argv[1:3], "run"])
    (folder / "pid").write_text(str(child.pid))
    while child.poll() is None:
        time.sleep(0.02)
    (folder / "code.part").write_text(str(child.returncode))
    (folder / "code.part").rename(folder / "code")


if __name__ == "__main__":
    main()
