"""What an operator looks at and types on hosts that run: how they stand, their logs, a terminal there."""
