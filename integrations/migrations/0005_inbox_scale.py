from django.conf import settings
from django.db import migrations, models
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, Subquery, Value, When

from integrations.models import lookups  # noqa: F401 - registers `filled`, which a condition below needs


def fill(apps, schema_editor):
    """`news_pk` and `trouble` of what is there. Only rows that have either are written."""
    Conversation = apps.get_model("integrations", "Conversation")
    Message = apps.get_model("integrations", "Message")
    own = Message.objects.filter(conversation=OuterRef("pk"))
    news = own.filter(inbound=True, is_news=True).order_by("-pk").values("pk")
    Conversation.objects.filter(Exists(news)).update(news_pk=Subquery(news[:1]))
    lost, held = Q(state__in=["failed", "unknown"]), Q(state="queued", due_at=None)
    ours = own.filter(inbound=False).exclude(state="queued", send_at__isnull=False, due_at__isnull=False)
    told = ours.order_by("-at", "-rank").annotate(
        told=Case(When(held, then=Value("held")), When(lost, then=F("state")), default=Value(""), output_field=CharField())
    )
    somewhere = Message.objects.filter(lost | held, inbound=False).order_by().values("conversation")
    Conversation.objects.filter(pk__in=somewhere).update(trouble=Subquery(told.values("told")[:1]))


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0004_inbox_together'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(fields=['inbox', '-latest_at', '-id'], name='conversation_in_inbox'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(condition=models.Q(('owner__isnull', False)), fields=['owner', '-latest_at', '-id'], name='conversation_owned'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['account', '-latest_at', '-id', 'inbox'], name='conversation_open'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(condition=models.Q(('closed_at__isnull', False)), fields=['account', '-latest_at', '-id', 'inbox'], name='conversation_closed'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(condition=models.Q(('closed_at__isnull', True), ('owner__isnull', True)), fields=['account', '-latest_at', '-id', 'inbox'], name='conversation_unassigned'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(condition=models.Q(('trouble__filled', True)), fields=['account', '-latest_at', '-id', 'inbox'], name='conversation_trouble'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(condition=models.Q(('news_pk__isnull', False)), fields=['account', '-latest_at', '-id', 'inbox', 'news_pk'], name='conversation_news'),
        ),
    ]
