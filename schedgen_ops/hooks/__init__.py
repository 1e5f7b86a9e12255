"""Hooks: executables of the operator's that a run calls, with what happens as JSON on stdin.

Nothing here is imported where there is no folder of hooks.
"""
