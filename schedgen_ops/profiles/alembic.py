"""Alembic, called where its alembic.ini is."""

MIGRATIONS: dict[str, object] = {
    "run": ("alembic", "upgrade", "heads"),
    "show": ("alembic", "history", "--indicate-current", "--rev-range", "current:heads"),
    "revert": ("alembic", "downgrade", "-1"),
    # `72f122d85eaa -> 29246f428c44 (head) (current), add a price`: older ones are not listed.
    "applied": r"^\S+ -> (\w+)\b(?=[^,\n]*\(current\))",
    "pending": r"^\S+ -> (\w+)\b(?![^,\n]*\(current\))",
}
