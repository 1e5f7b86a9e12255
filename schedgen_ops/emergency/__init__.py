"""What an operator does when everything, or the database, is lost: put back from the last good backup."""
