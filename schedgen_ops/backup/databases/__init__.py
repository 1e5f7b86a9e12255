"""What backups and restores ask of PostgreSQL."""
