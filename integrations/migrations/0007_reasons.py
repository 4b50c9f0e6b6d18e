"""Reasons become codes with parameters, beside the columns that hold sentences; 0008 carries the rows over."""

import django.db.models.deletion
from django.db import migrations, models

import integrations.failures

# The models that store a reason.
MODELS = (
    *("account", "attempt", "bulkrecipient", "change", "listsync", "message", "picture", "syncrun", "webhookevent"),
)


class AddColumns(migrations.RunPython):
    """Adds columns with a constant default. SQLite would build the table anew for each of them, and lose the triggers
    of the search; it can add them in place."""

    def __init__(self, model: str):
        super().__init__(self._add, self._remove)
        self._model = model

    @staticmethod
    def _field(model, name: str):
        """The column: `apps` is the state before this operation, which does not have it."""
        field = REASON_FIELDS[name].clone()
        field.set_attributes_from_name(name)
        field.model = model
        return field

    def _add(self, apps, schema_editor):
        model = apps.get_model("integrations", self._model)
        for name in REASON_FIELDS:
            field = self._field(model, name)
            if schema_editor.connection.vendor != "sqlite":
                schema_editor.add_field(model, field)
                continue
            default = "{}" if name == "reason_params" else ""
            kind = field.db_type(schema_editor.connection)
            check = f" CHECK (JSON_VALID({name}))" if name == "reason_params" else ""
            table = schema_editor.quote_name(model._meta.db_table)
            schema_editor.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind} NOT NULL DEFAULT '{default}'{check}")

    def _remove(self, apps, schema_editor):
        model = apps.get_model("integrations", self._model)
        for name in REASON_FIELDS:
            schema_editor.remove_field(model, self._field(model, name))


REASON_FIELDS = {
    "reason_code": models.CharField(
        blank=True, choices=integrations.failures.code_choices, default="", max_length=40, verbose_name="reason"
    ),
    "reason_params": models.JSONField(blank=True, default=dict),
    "vendor_reason": models.TextField(
        blank=True,
        default="",
        help_text="What Salesmsg said about it, word for word.",
        verbose_name="Salesmsg's words",
    ),
}


def add_reason(model: str) -> migrations.SeparateDatabaseAndState:
    return migrations.SeparateDatabaseAndState(
        database_operations=[AddColumns(model)],
        state_operations=[migrations.AddField(model, name, field) for name, field in REASON_FIELDS.items()],
    )


class Migration(migrations.Migration):
    dependencies = [("integrations", "0006_search")]

    operations = [
        *[add_reason(model) for model in MODELS],
        migrations.AddField(
            "auditentry",
            "contact",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="audit_entries",
                to="integrations.contact",
            ),
        ),
        migrations.AddField("auditentry", "params", models.JSONField(blank=True, default=dict)),
        migrations.AddField(
            "conversation",
            "latest_kind",
            models.CharField(
                choices=[("text", "Text"), ("picture", "Picture"), ("call", "Call")], default="text", max_length=8
            ),
        ),
        migrations.AlterField(
            "auditentry",
            "action",
            models.CharField(
                choices=[
                    ("account_connected", "Account connected"),
                    ("account_disconnected", "Account disconnected"),
                    ("webhook_renewed", "Webhook address renewed"),
                    ("membership_added", "Membership added"),
                    ("membership_changed", "Membership changed"),
                    ("membership_removed", "Membership removed"),
                    ("member_linked", "Linked to a Salesmsg user"),
                    ("sync_full", "Full sync requested"),
                    ("sync_changes", "Check for changes requested"),
                    ("sync_stopped", "Sync stopped"),
                    ("sync_paused", "Sync paused"),
                    ("sync_resumed", "Sync resumed"),
                    ("contact_refreshed", "Contact read again"),
                    ("conversation_refreshed", "Conversation read again"),
                    ("contact_edited", "Contact edited"),
                    ("fields_edited", "Custom fields edited"),
                    ("tag_added", "Tag added"),
                    ("tag_removed", "Tag removed"),
                    ("opted_out", "Contact opted out"),
                    ("opted_in", "Contact opted in"),
                    ("note_added", "Note added"),
                    ("conflict_decided", "Conflict decided"),
                    ("change_dropped", "Refused change dropped"),
                    ("conversation_closed", "Conversation closed"),
                    ("conversation_reopened", "Conversation reopened"),
                    ("conversation_assigned", "Conversation assigned"),
                    ("conversation_snoozed", "Conversation snoozed"),
                    ("conversation_woken", "Snooze ended"),
                    ("internal_note_added", "Internal note added"),
                    ("internal_note_deleted", "Internal note deleted"),
                    ("bulk_drafted", "Bulk text drafted"),
                    ("bulk_started", "Bulk text started"),
                    ("bulk_paused", "Bulk text paused"),
                    ("bulk_resumed", "Bulk text resumed"),
                    ("bulk_cancelled", "Bulk text cancelled"),
                ],
                max_length=64,
            ),
        ),
        migrations.AlterField(
            "account",
            "last_error_at",
            models.DateTimeField(blank=True, help_text="When what the reason says happened.", null=True),
        ),
        migrations.AlterField(
            "syncrun",
            "notes",
            models.JSONField(blank=True, default=list, help_text="What could not be read and why: reasons."),
        ),
    ]
