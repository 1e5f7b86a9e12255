"""What a verification looks at beside containers and URLs. Every duration is in seconds."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import DEFAULTS, Section
from schedgen_ops.settings.profiled import Profiled

Scalar = str | int | float | bool | None


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"must be a regular expression: {error}") from None
    return value


def _with_id(value: str) -> str:
    if "{id}" not in value:
        raise ValueError("must hold {id}, which stands for the job's id")
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
IdUrl = Annotated[t.Url, AfterValidator(_with_id)]
Within = Annotated[float, Field(gt=0, le=300, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class CommandCheck(Section):
    """A command that has to end with 0."""

    name: t.CheckName = Field(description="How reports call it; unique.")
    run: t.Argv = Field(description="The command and its arguments.")
    service: t.ServiceName | None = Field(
        default=None, description="Run in this service's container; on the host without this key."
    )
    matches: Pattern | None = Field(default=None, description="Regular expression to be found in its output.")
    within: Within = Field(default=10.0, description="Seconds it may take.")


class QueryCheck(Section):
    """A statement whose first value is judged."""

    name: t.CheckName = Field(description="How reports call it; unique.")
    sql: t.Word = Field(description="One statement that reads; asked of the database's own container.")
    equals: str | None = Field(
        default=None, description="The value it has to have, as the database's client prints it."
    )
    at_least: Number | None = Field(default=None, description="The least the value may be.")
    at_most: Number | None = Field(default=None, description="The most the value may be.")
    within: Within = Field(default=1.0, description="Seconds it may take.")


class CleanUp(Section):
    """A command that removes what the flow's job left."""

    service: t.ServiceName = Field(description="Run in this service's container.")
    run: t.Argv = Field(description="The command; {id} stands for the job's id.")


class Flow(Profiled):
    """An upload followed to its end, as a user would."""

    place: ClassVar[str] = "verify.flow"

    service: t.ServiceName = Field(description="Tried on the hosts that run this service.")
    worker: t.ServiceName | None = Field(
        default=None, description="The service that does the job: looked at when it is not done."
    )
    upload: t.Url = Field(description="Where the file is sent.")
    field: t.Word = Field(default="file", description="The form's field for the file.")
    form: t.Pairs[str] = Field(default={}, description="The form's other fields and their values.")
    file: t.LocalPath = Field(description="The file to upload, relative to this one.")
    type: t.Word = Field(default="application/octet-stream", description="The file's media type.")
    id: t.Word = Field(description="Where the answer has the job's id, as a.b.c.")
    job: IdUrl = Field(description="Tells of the job.")
    status: t.Word = Field(description="Where that answer has the job's status, as a.b.c.")
    done: t.Some[t.Word] = Field(description="Statuses of a job that went well.")
    failed: t.Many[t.Word] = Field(default=(), description="Statuses of a job that went wrong.")
    events: IdUrl | None = Field(
        default=None, description="The list that came of the job; null: nothing is asked after its end."
    )
    expect: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=1, description="How many entries that list has to have."
    )
    within: t.Seconds = Field(default=60, description="Seconds the job may take.")
    clean_sql: t.Many[t.Word] = Field(
        default=(), description="Statements that remove the job's rows; :'id' stands for its id."
    )
    clean: t.Rows[CleanUp] = Field(default=(), description="Commands that remove the job's objects.")


class Queue(Section):
    """The job queue, as the application tells of it."""

    url: t.Url = Field(description="Answers with a JSON object of numbers.")
    service: t.ServiceName | None = Field(
        default=None, description="Ask only the hosts that run this service; all hosts without this key."
    )
    within: Within = Field(default=1.0, description="Seconds the answer may take.")
    at_most: t.Pairs[Number] = Field(
        default={},
        description="The most that a number may be: where it stands, as a.b.c, and the limit.",
    )


class Prometheus(Section):
    """The Prometheus whose targets are looked at."""

    url: t.Url = Field(default="http://localhost:9090", description="Its address on the host itself.")
    service: t.ServiceName | None = Field(
        default=None, description="Ask only the hosts that run this service; all without this key."
    )
    patience: t.SecondsOrNone = Field(
        default=20, description="Seconds that a target which was just replaced has to be seen again."
    )


class Logs(Section):
    """Errors and warnings that came into the logs."""

    window: t.Seconds = Field(
        default=600, description="Seconds to look back where nothing was deployed by us yet."
    )
    fail: Literal["new", "any", "never"] = Field(
        default="new",
        description="Errors that fail: of a pattern the release before did not log, any, or none.",
    )
    ignore: t.Many[Pattern] = Field(
        default=(), description="Regular expressions of lines that are not looked at."
    )


class Verification(Section):
    """What `inv verify` looks at beside containers and `checks`."""

    samples: Annotated[int, Field(ge=3, le=1000)] = Field(
        default=20, description="Requests and queries that a figure of verify.performance is made of."
    )
    query: t.Word = Field(default="SELECT 1", description="What verify.performance times on the database.")
    commands: t.Rows[CommandCheck] = Field(default=(), description="Commands that have to end with 0.")
    queries: t.Rows[QueryCheck] = Field(default=(), description="Statements whose value is judged.")
    flow: Flow | None = Field(default=None, description="The upload that is followed; null for none.")
    queue: Queue | None = Field(default=None, description="The job queue; null if there is none.")
    prometheus: Prometheus | None = Field(default=None, description="Null if there is none.")
    logs: Logs = Field(default=DEFAULTS, description="How the logs are judged.")
