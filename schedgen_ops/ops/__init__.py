"""Single operations on what runs: a service restarted, stopped, started or built, the schema moved."""
