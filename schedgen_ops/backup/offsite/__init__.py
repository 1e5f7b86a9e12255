"""Copies of backups on other machines."""
