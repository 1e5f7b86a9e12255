"""What watches a host from the host itself. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from schedgen_ops.commands import postgres
from schedgen_ops.commands.docker import PROJECT_LABEL, SERVICE_LABEL, Docker
from schedgen_ops.host_scripts import library
from schedgen_ops.settings import Database
from schedgen_ops.shell import Command, script

_TIMING = re.compile(r"Time: ([\d.]+) ms")

# Ends with the first container that dies, or when the youngest is seen to be old enough: the engine tells,
# nobody polls. Its stream of events also ends with the engine; what it did not tell is seen by who still
# runs, and since when. What cannot be seen for too long is not known, and no good end.
_SETTLE = (
    library("docker")
    + r"""
settle=$1 count=$2; shift 2
ids=("${@:1:count}"); shift "$count"
docker=("$@")
printf -v limit '%(%s)T' -1; limit=$((limit + 2 * settle + 30)) since='' asked=''
format='{{.State.StartedAt}}{{if ne .State.Status "running"}} {{.Name}} {{.State.ExitCode}}{{end}}'
while :; do
  until=$limit
  if seen=$(present "$format" "${ids[@]}"); then
    [ "$(grep -c . <<< "$seen")" -eq "$count" ] || { echo "a container is gone" >&2; exit 1; }
    died=$(sed -n 's/^[^ ]* \/*//p' <<< "$seen" | head -n 1)
    [ -z "$died" ] || { echo "$died"; exit 0; }
    seen=$(sort <<< "$seen")
    since=${since:-$(head -n 1 <<< "$seen")}
    until=$(($(date -d "$(tail -n 1 <<< "$seen")" +%s) + settle)) || exit
    printf -v now '%(%s)T' -1
    [ -z "$asked" ] || [ "$now" -lt "$until" ] || exit 0
    exec 3< <(exec "$@" events --since "$since" --until "$until" \
      --filter event=die "${ids[@]/#/--filter=container=}" \
      --format '{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}')
    events=$! asked=yes
    if IFS= read -r died <&3; then kill "$events" 2>/dev/null; echo "$died"; exit 0; fi
    exec 3<&-
  fi
  printf -v now '%(%s)T' -1
  [ "$now" -lt "$limit" ] || { echo "Docker does not tell" >&2; exit 1; }
  [ "$now" -ge "$until" ] || sleep 1
done
"""
)

# $1 project's label, $2 service's label, $3 the service, $4 docker's words, those, then what to run.
# Ends with 69 where no container of the service runs.
_INSIDE = r"""
project=$1 label=$2 service=$3; shift 3
docker=("${@:2:$1}"); shift $(($1 + 1))
read -r id _ < <("${docker[@]}" ps --quiet --no-trunc --filter "$project" --filter "$label" \
  --filter label=com.docker.compose.oneoff=False) || { echo "no container of $service runs" >&2; exit 69; }
exec "${docker[@]}" exec -i "$id" "$@"
"""
NOT_THERE = 69


def settle(docker: Docker, containers: Sequence[str], seconds: int) -> Command:
    """Waits until every container has run for `seconds`; prints the name and exit code of one that died."""
    ids = (str(len(containers)), *containers)
    return script(_SETTLE, str(seconds), *ids, *docker.words, title="wait for the containers to settle")


def inside(docker: Docker, project: str, service: str, *argv: str) -> Command:
    """A program in the newest container of a service; `NOT_THERE` is the exit code where none runs."""
    labels = (f"label={PROJECT_LABEL}={project}", f"label={SERVICE_LABEL}={service}")
    words = (*labels, service, str(len(docker.words)), *docker.words, *argv)
    return script(_INSIDE, *words, title=f"{service}: {argv[0]}")


def queries(docker: Docker, project: str, database: Database, *statements: str) -> Command:
    """Statements in one session of psql in the database's container: bare rows, each followed by its time."""
    sql = ("SET statement_timeout = '60s'", r"\timing on", *statements)
    options = ("-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "--no-password")
    who = ("-U", database.user, "-d", database.name)
    each = (word for statement in sql for word in ("-c", statement))
    words = ("sh", "-c", postgres.WITH_PASSWORD, "sh", "psql", *options, *who, *each)
    return inside(docker, project, database.service, *words).named("psql")


def parse_queries(stdout: str) -> tuple[tuple[str, float], ...]:
    """Reads the answer of `queries`: each statement's rows and its seconds."""
    found: list[tuple[str, float]] = []
    rows: list[str] = []
    for line in stdout.splitlines():
        if took := _TIMING.match(line):
            found.append(("\n".join(rows), float(took[1]) / 1000))
            rows = []
        else:
            rows.append(line)
    return tuple(found)
