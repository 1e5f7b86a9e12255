"""Knex, called where its knexfile is; NODE_ENV of the image chooses what it has for that environment."""

# Names stand below `Found 2 Completed Migration file/files.`, and then below one that says Pending.
_LATER = r"(?:Found \d+|No) Pending Migration"

MIGRATIONS: dict[str, object] = {
    "run": ("npx", "--no-install", "knex", "migrate:latest"),
    "show": ("npx", "--no-install", "knex", "migrate:list"),
    "revert": ("npx", "--no-install", "knex", "migrate:down"),
    "table": "knex_migrations",
    "applied": rf"^(\w\S*\.\w+)$(?=[\s\S]*^{_LATER})",
    "pending": rf"^(\w\S*\.\w+)$(?![\s\S]*^{_LATER})",
}
