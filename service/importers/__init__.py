"""Histories of other systems, read into the log: a mapping says what becomes which event."""
