"""Why something failed, waits or was left out: a code with parameters in the row, text only where it is shown.

Workers store a `Reason`: a `Code`, its parameters (ids, counts, names of fields and lists), and separately what
Salesmsg said. Pages, the admin, commands and JSON turn it into text in the reader's language. Salesmsg's own words are
shown as a quotation; only the five-digit codes of carriers are read from them (`Reason.from_vendor`).
"""

from .codes import Code, code_choices
from .parameters import described_phone
from .reason import NO_REASON, Reason

__all__ = ["NO_REASON", "Code", "Reason", "code_choices", "described_phone"]
