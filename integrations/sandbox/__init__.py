"""A stand-in Salesmsg: its own process and state, real HTTP, as unforgiving as the vendor.

Written from the API document (salesmsg-api.md), never from the portal's client, so that the two can
disagree. Standard library only; nothing of the portal is imported here.

    cli -> server -> app -> api -> endpoints -> state -> model
                         -> oauth, limit, faults, journal
                         -> panel, phone (people's pages)
    life (delivery, answers) and webhooks run beside it.
"""
