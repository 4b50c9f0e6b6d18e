"""Why a row failed, waits or was left out: the same three columns wherever that is stored."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..failures import Reason, code_choices

REASON_COLUMNS = ("reason_code", "reason_params", "vendor_reason")


class ReasonFields(models.Model):
    """A code with parameters, and the vendor's own words apart from both; `reason` is the three together.

    Written with `**reason.columns()`, put into words by `failures`.
    """

    reason_code = models.CharField(_("reason"), max_length=40, choices=code_choices, blank=True, default="")
    reason_params = models.JSONField(default=dict, blank=True)
    vendor_reason = models.TextField(
        _("Salesmsg's words"), blank=True, default="", help_text=_("What Salesmsg said about it, word for word.")
    )

    class Meta:
        abstract = True

    @property
    def reason(self) -> Reason:
        return Reason(self.reason_code, self.reason_params, self.vendor_reason)

    @property
    def explanation(self) -> str:
        """The reason and what follows from it, in the reader's language; "" without one."""
        return self.reason.explained(getattr(self, "state", ""))

    def set_reason(self, reason: Reason) -> None:
        """Puts the columns on this object, unsaved."""
        for name, value in reason.columns().items():
            setattr(self, name, value)
