"""The index that the search reads; see integrations/search/index.py."""

from django.db import migrations, models

from integrations.search import index


def install(apps, schema_editor):
    index.install(schema_editor.connection)


def remove(apps, schema_editor):
    index.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("integrations", "0005_inbox_scale")]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["-at", "-id"], name="message_newest"),
        ),
        migrations.RunPython(install, remove),
    ]
