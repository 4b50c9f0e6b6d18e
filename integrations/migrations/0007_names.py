"""Names of the field: attachments, authorization, the heartbeat's sequence, and the lanes of the budget."""

import django.db.models.deletion
from django.db import migrations, models

LANES = {"people": "interactive", "follow": "delivery_status"}


def _rename_lanes(apps, lanes: dict[str, str]) -> None:
    for old, new in lanes.items():
        apps.get_model("integrations", "BudgetCall").objects.filter(lane=old).update(lane=new)
    # Refused calls that are waited for: forgetting them costs a lane its turn once.
    apps.get_model("integrations", "Budget").objects.exclude(waiting={}).update(waiting={})


def forwards(apps, schema_editor):
    _rename_lanes(apps, LANES)


def backwards(apps, schema_editor):
    _rename_lanes(apps, {new: old for old, new in LANES.items()})


class Migration(migrations.Migration):
    dependencies = [("integrations", "0006_search")]

    operations = [
        migrations.RenameModel("ConsentState", "AuthorizationState"),
        migrations.RenameModel("Picture", "Attachment"),
        migrations.AlterField(
            "attachment",
            "message",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="attachments", to="integrations.message"
            ),
        ),
        migrations.RenameField("heartbeat", "beat", "sequence"),
        migrations.RenameField("budget", "people_wake_at", "interactive_wake_at"),
        migrations.AlterField(
            "budgetcall",
            "lane",
            models.CharField(
                choices=[
                    ("token", "Tokens"),
                    ("interactive", "People's texts"),
                    ("edit", "Edits"),
                    ("event", "Events and open threads"),
                    ("delivery_status", "Delivery of sent texts"),
                    ("sync", "Sync"),
                    ("bulk", "Bulk texts"),
                    ("idle", "Comparing and filling gaps"),
                ],
                max_length=16,
            ),
        ),
        migrations.RunPython(forwards, backwards),
    ]
