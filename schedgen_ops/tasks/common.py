"""Options that every task shares, defined once, and the one boundary where an error becomes an exit code."""

from __future__ import annotations

import atexit
import gc
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

from schedgen_ops.tasks.words import WordsTask

# What it returns is the exit code of a run that did not fail by itself.
Body = Callable[..., int | None]

_SHARED: dict[str, tuple[object, str]] = {
    "env": (None, "Environment: the name of a file in config/ (default: SCHEDGEN_ENV, else production)."),
    "hosts": (None, "Only these hosts, by name, separated by commas."),
    "skip": (None, "Without these hosts, by name, separated by commas."),
    "json": (False, "One JSON document on stdout, everything else on stderr."),
    "log_level": ("info", "The least to tell: debug, info, warning or error."),
}
# So many new objects are worth a look.
_ALLOCATIONS = 50_000
_YES = (False, "Answer every question with yes.")
_WAIT = ("", "Wait so long for another run to end, such as 10m or 90s, instead of ending with 7.")


def operation(
    *,
    default: bool = False,
    asks: bool = False,
    locks: bool = False,
    name: str = "",
    help: Mapping[str, str] | None = None,
    pre: Sequence[Any] = (),
    post: Sequence[Any] = (),
    words: str = "",
    swarm: str = "",
) -> Callable[[Body], Task[Any]]:
    """Make a function of an Operation, and of options of its own, an Invoke task with the shared options.

    Args:
        default: whether the collection's own name runs it.
        asks: whether it asks questions, so that it has the option --yes.
        locks: whether it takes the environment's lock, so that it has the option --wait.
        name: the task's name, if it is not the function's.
        help: what the task's own options mean, by the parameter's name.
        pre: Invoke tasks, or calls of them, to run before it; as with Invoke's own `@task`.
        post: the same, to run after it.
        words: the parameter that takes the words behind the task's name, any number of them.
        swarm: what it works on of a Swarm, "manager", "nodes" or "data"; "" has it refused there.
    """
    shared = dict(_SHARED)
    if asks:
        shared["yes"] = _YES
    if locks:
        shared["wait"] = _WAIT

    def decorate(body: Body) -> Task[Any]:
        def run(context: Context, **values: Any) -> None:
            refuse_dry(context)
            perform(body, values, shared, swarm)

        own = list(inspect.signature(body).parameters.values())[1:]
        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD),
                *own,
                *(
                    inspect.Parameter(option, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=value)
                    for option, (value, _) in shared.items()
                ),
            ]
        )
        run.__doc__ = body.__doc__
        run.__name__ = name or body.__name__
        texts = {option: text for option, (_, text) in shared.items()} | dict(help or {})
        # An option is a flag of its own full name only: letters would go to whichever comes first.
        return WordsTask(
            run,
            words=words,
            name=name or body.__name__,
            default=default,
            help=texts,
            auto_shortflags=False,
            pre=list(pre),
            post=list(post),
        )

    return decorate


def perform(body: Body, values: Mapping[str, Any], shared: Mapping[str, object], swarm: str = "") -> None:
    """Run `body` on an open Operation, which shows whatever ends it.

    Raises:
        Exit: with the error's exit code.
    """
    _look_for_garbage_less()
    from schedgen_ops.task_run import Options, opened

    # Invoke gives a task that runs before another one only what its call says.
    options = Options(**{name: values[name] for name in shared if name in values})
    own = {name: value for name, value in values.items() if name not in shared}
    with exits(), opened(options, swarm) as op:
        if swarm == "data" and op.settings.on_swarm:
            from schedgen_ops.cli import placing

            placing.place(op)
        code = body(op, **own)
    if code:
        raise Exit(code=code)


def refuse_dry(context: Context) -> None:
    """Refuse `inv --dry`: Invoke runs no shell command of this machine then, but hosts would change.

    Raises:
        Exit: with 2, before anything is read or asked.
    """
    if context.config.run.dry:
        told = "--dry would not keep this task from acting; `inv deploy.plan` shows what a deploy would do."
        raise Exit(told, code=2)


def _look_for_garbage_less() -> None:
    """What imports make is kept: looking for garbage in it, also at the end, is a fifth of a short task."""
    gc.set_threshold(_ALLOCATIONS)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


@contextmanager
def exits() -> Iterator[None]:
    """Turn an error that was shown into its exit code.

    Raises:
        Exit: for every error; a defect too is no traceback for an operator, since its log has it.
    """
    from schedgen_ops.errors import OpsError

    try:
        yield
    except OpsError as error:
        raise Exit(code=error.exit_code) from None
    except KeyboardInterrupt:
        raise Exit(code=130) from None
    except Exit:
        raise
    except Exception:
        raise Exit(code=5) from None


@contextmanager
def showing() -> Iterator[None]:
    """Show an error and turn it into its exit code, for a task that is no run on an environment."""
    from schedgen_ops.errors import OpsError
    from schedgen_ops.ui import failure

    with exits():
        try:
            yield
        except OpsError as error:
            failure.show(error)
            raise
