"""The Salesmsg client. It does not import Django, and is the only package that imports `requests`.

- client         one method per endpoint, returns records; no token, no network
- http           one request: timeout, redacted errors
- media          one file of a message: size limit, public internet only
- error_mapping  maps an answer or a network failure to an error
- errors         the error tree: did the vendor act, and when may the call be retried?
- oauth          authorization, code exchange, refresh, renewal of personal tokens
- records        typed records; `values` reads single values, `vocabulary` maps the vendor's terms
- pages          envelopes and pagination formats
- envelopes      describes the form of an answer without its content, for the probe
- keywords       opt-out, opt-in and help words in inbound texts
- machine_replies  reactions and automatic replies in inbound texts
- phones         phone numbers: reads what people type or paste
- text           segments, HTML to plain text
- redact         removes what must not be shown or logged
"""
