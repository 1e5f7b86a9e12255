"""One run at a time in an environment: a lock on every host, held by a process that dies with its holder."""
