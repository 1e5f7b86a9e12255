"""TypeORM, called by the npm scripts that its documentation proposes."""

MIGRATIONS: dict[str, object] = {
    "run": ("npm", "run", "migration:run"),
    "show": ("npm", "run", "migration:show"),
    "revert": ("npm", "run", "migration:revert"),
    "table": "migrations",
    # `[X] 12 CreateJobs1712000000000` is applied, `[ ] AddIndex1716000000000` is not.
    "applied": r"^\s*\[[Xx]\]\s+(?:\d+\s+)?(\S+)",
    "pending": r"^\s*\[ \]\s+(?:\d+\s+)?(\S+)",
}
