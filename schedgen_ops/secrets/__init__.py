"""The env file of an environment, rendered here from the operator's commands and delivered to its hosts."""
