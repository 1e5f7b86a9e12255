"""The making of a backup, and its reading back."""
