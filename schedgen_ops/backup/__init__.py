"""Backups of a host's database and objects: make, prove, copy and restore them."""
