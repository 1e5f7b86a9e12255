"""Databases, by the name of their engine. To add one, write its module and its script, and name it here.

`contract.DatabaseEngine` says what a module has, host_scripts/lib/database.bash what a script has.
"""

from __future__ import annotations

from collections.abc import Mapping

from schedgen_ops.databases.contract import DatabaseEngine
from schedgen_ops.databases.postgres import Postgres

# By `database.engine` in a config, and the name of the file in host_scripts/databases/.
ENGINES: Mapping[str, DatabaseEngine] = {"postgres": Postgres()}
# The engine of a backup whose manifest names none.
DEFAULT = "postgres"


def engine_of(name: str) -> DatabaseEngine:
    """Return the engine of that name.

    Raises:
        KeyError: where there is none; a config cannot name it.
    """
    return ENGINES[name]
