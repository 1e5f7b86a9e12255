"""Backups of the database and the objects: made, checked, listed."""
