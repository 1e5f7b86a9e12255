"""The backups that a host keeps: what each says of itself, which one is meant, and which may go."""
