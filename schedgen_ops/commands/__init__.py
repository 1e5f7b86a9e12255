"""What to run on a host: builders of commands and parsers of their answers, one module per program. Pure."""
