"""Makes a backup, and reads it back."""
