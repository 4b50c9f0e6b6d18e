"""Speaks to Salesmsg; knows no Django. The only place that imports `requests`.

- client    a method per endpoint, each returns records; no token, no network
- http      one request: time-out, redacted errors
- media     one file of a message: bounded, and only from the public internet
- verdict   what an answer or a failure of the network means
- errors    the tree of what can go wrong: did it happen, when again?
- oauth     consent, exchange, refresh, renewal of personal tokens
- records   typed records; values reads one value, words holds the vendor's words and ours
- pages     the envelopes and page dialects
- text      segments, phones, HTML to plain
- redact    what must never be shown or logged
"""
