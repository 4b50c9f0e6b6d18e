"""Opens the ledger with what Salesmsg says of each contact. Deleted contacts count: consent belongs to the phone."""

from django.db import migrations
from django.db.models import Exists, OuterRef
from django.db.models.functions import Coalesce

BATCH = 1000


def fill(apps, schema_editor):
    contact_model = apps.get_model("integrations", "Contact")
    entry_model = apps.get_model("integrations", "ConsentEntry")

    def write(contacts, kind):
        entries = (
            entry_model(
                account_id=one.account_id, phone=one.phone, kind=kind, source="salesmsg", at=one.moment, contact=one,
                contact_name=(one.full_name or f"{one.first_name} {one.last_name}".strip())[:512],
            )
            for one in contacts.exclude(phone="").order_by("pk").iterator(chunk_size=BATCH)
        )
        batch = []
        for entry in entries:
            batch.append(entry)
            if len(batch) == BATCH:
                entry_model.objects.bulk_create(batch)
                batch = []
        entry_model.objects.bulk_create(batch)

    fields = ("pk", "account_id", "phone", "full_name", "first_name", "last_name")
    contacts = contact_model.objects.only(*fields)
    write(contacts.filter(opted_out=True).annotate(moment=Coalesce("opted_out_at", "created_at")), "opt_out")
    # Contacts with the same phone that opted in later. Without a date, the order is unknown.
    earlier = entry_model.objects.filter(
        account=OuterRef("account"), phone=OuterRef("phone"), kind="opt_out", at__lt=OuterRef("opted_in_at")
    )
    again = contacts.filter(Exists(earlier), opted_out=False, deleted_at=None, opted_in_at__isnull=False)
    write(again.annotate(moment=Coalesce("opted_in_at", "created_at")), "opt_in")


class Migration(migrations.Migration):
    dependencies = [("integrations", "0012_consent")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
