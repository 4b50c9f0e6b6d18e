"""The columns that held sentences go: 0008 has carried their rows over."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("integrations", "0008_carry_over_reasons")]

    operations = [
        migrations.RemoveField("account", "last_error"),
        migrations.RemoveField("attempt", "detail"),
        migrations.RemoveField("auditentry", "detail"),
        migrations.RemoveField("bulkrecipient", "reason"),
        migrations.RemoveField("change", "reason"),
        migrations.RemoveField("listsync", "error"),
        migrations.RemoveField("message", "failure"),
        migrations.RemoveField("picture", "reason"),
        migrations.RemoveField("syncrun", "error"),
        migrations.RemoveField("webhookevent", "note"),
    ]
