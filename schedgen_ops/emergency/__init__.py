"""The recovery from the loss of everything, or of the database, by the last good backup."""
