"""Outgoing notices: events told to others over HTTP, at least once, in the order of each journey (docs/webhooks.md)."""
