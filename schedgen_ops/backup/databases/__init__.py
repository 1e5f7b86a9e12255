"""What backups and restores need to know of PostgreSQL."""
