"""Django, called by the manage.py of the image's working directory."""

MIGRATIONS: dict[str, object] = {
    "run": ("python", "manage.py", "migrate", "--noinput"),
    "show": ("python", "manage.py", "showmigrations", "--plan"),
    # It goes to a migration of an application that is named, and has no word for the last one.
    "revert": None,
    # `[X]  shop.0001_initial` is applied, `[ ]  shop.0002_price` is not.
    "applied": r"^\[X\]\s+(\S+)",
    "pending": r"^\[ \]\s+(\S+)",
}
