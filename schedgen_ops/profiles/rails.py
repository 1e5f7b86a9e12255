"""Rails, called by the bin/rails of the image's working directory."""

MIGRATIONS: dict[str, object] = {
    "run": ("bin/rails", "db:migrate"),
    "show": ("bin/rails", "db:migrate:status"),
    "revert": ("bin/rails", "db:rollback"),
    # `   up     20260101000000  Create orders` is applied, `  down    20260102000000  Add a price` is not.
    "applied": r"^ *up +(\d+)",
    "pending": r"^ *down +(\d+)",
}
