"""The team told of a run: a listener of its events, the messages that come of them, and their delivery.

Nothing here is imported where the config names nobody to tell.
"""
