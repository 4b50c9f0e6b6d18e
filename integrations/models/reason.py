"""The columns that store why a row failed, waits or was skipped."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..failures import Reason, code_choices

REASON_COLUMNS = ("reason_code", "reason_params", "vendor_reason")


class ReasonFields(models.Model):
    """A code with parameters, plus the vendor's own text. `reason` combines the three.

    Write with `**reason.columns()`; `failures` turns codes into messages.
    """

    reason_code = models.CharField(_("reason"), max_length=40, choices=code_choices, blank=True, default="")
    reason_params = models.JSONField(default=dict, blank=True)
    vendor_reason = models.TextField(
        _("Message from Salesmsg"), blank=True, default="", help_text=_("The original message from Salesmsg.")
    )

    class Meta:
        abstract = True

    @property
    def reason(self) -> Reason:
        return Reason(self.reason_code, self.reason_params, self.vendor_reason)

    @property
    def explanation(self) -> str:
        """Return the reason and its consequence in the reader's language, or "" without a reason."""
        return self.reason.explained(getattr(self, "state", ""))

    def set_reason(self, reason: Reason) -> None:
        """Set the columns on this object without saving."""
        for name, value in reason.columns().items():
            setattr(self, name, value)
