"""MinIO."""

OBJECTS: dict[str, object] = {
    "path": "/data",
    # What it writes when it gives up on its files. Each line was written by one, or stands in its sources.
    "damage": (
        r"(?i)\b(format\.json|backend format|file|drive|disk)\b.* (is )?corrupt(ed)?\b",
        r"(?i)\bcorrupt(ed)? (backend )?format",
        r"(?i)(unsupported|unknown|inconsistent) backend format",
        r"found backend (type )?fs\b",
    ),
}
