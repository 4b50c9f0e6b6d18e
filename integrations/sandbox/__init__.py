"""Salesmsg sandbox: a separate HTTP server with its own state that behaves like the Salesmsg API.

Implements the API document (salesmsg-api.md) independently of the portal's client, so that tests find
differences between the two. Uses only the standard library and imports nothing from the portal.

    cli -> server -> app -> api -> endpoints -> state -> model
                         -> oauth, limit, faults, journal
                         -> panel, phone (HTML pages)
    life (delivery, replies) and webhooks run in the background.
"""
