"""The consent ledger, and the columns of safeguards and bulk windows."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from integrations.db.migration_operations import AddFieldInPlace


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0011_verbose_names'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ConsentEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('phone', models.CharField(max_length=32, verbose_name='phone')),
                ('kind', models.CharField(choices=[('opt_out', 'Opted out'), ('opt_in', 'Opted in'), ('doubt', 'May have asked to opt out'), ('cleared', 'Did not ask to opt out')], max_length=8, verbose_name='kind')),
                ('source', models.CharField(choices=[('keyword', 'By text message'), ('staff', 'By staff in the portal'), ('salesmsg', 'In Salesmsg'), ('import', 'By an import')], max_length=8, verbose_name='source')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='recorded at')),
                ('contact_name', models.CharField(blank=True, max_length=512, verbose_name='contact name')),
                ('message_vendor_id', models.BigIntegerField(blank=True, null=True, verbose_name='Salesmsg message id')),
                ('text', models.TextField(blank=True, help_text="The contact's text.", verbose_name='text')),
                ('user_name', models.CharField(blank=True, max_length=255, verbose_name='user name')),
                ('note', models.TextField(blank=True, help_text='The reason that staff gave.', verbose_name='note')),
            ],
            options={
                'verbose_name': 'consent entry',
                'verbose_name_plural': 'consent entries',
                'ordering': ['-at', '-pk'],
            },
        ),
        AddFieldInPlace(
            model_name='bulk',
            name='accepted',
            field=models.JSONField(blank=True, default=list, help_text='The safeguards whose questions the author has answered with “send”.'),
        ),
        AddFieldInPlace(
            model_name='bulk',
            name='from_hour',
            field=models.PositiveSmallIntegerField(blank=True, help_text="In each recipient's time zone; empty: after quiet hours.", null=True, verbose_name='from hour'),
        ),
        AddFieldInPlace(
            model_name='bulk',
            name='start_at',
            field=models.DateTimeField(blank=True, help_text='When to send the first text; empty: when it is started.', null=True, verbose_name='start at'),
        ),
        AddFieldInPlace(
            model_name='bulk',
            name='to_hour',
            field=models.PositiveSmallIntegerField(blank=True, help_text="In each recipient's time zone; empty: until quiet hours.", null=True, verbose_name='to hour'),
        ),
        AddFieldInPlace(
            model_name='bulkrecipient',
            name='due_at',
            field=models.DateTimeField(blank=True, help_text="Not before this moment: the recipient's own morning.", null=True, verbose_name='due at'),
        ),
        AddFieldInPlace(
            model_name='message',
            name='accepted',
            field=models.JSONField(blank=True, default=list, help_text='The safeguards whose questions the author has answered with “send”.'),
        ),
        AddFieldInPlace(
            model_name='message',
            name='machine',
            field=models.CharField(blank=True, choices=[('reaction', 'Reaction'), ('auto_reply', 'Automatic reply')], default='', help_text='An inbound text that no person typed.', max_length=10, verbose_name='written by a machine'),
        ),
        migrations.AddIndex(
            model_name='bulkrecipient',
            index=models.Index(fields=['bulk', 'state', 'due_at'], name='bulk_due'),
        ),
        migrations.AddField(
            model_name='consententry',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='consent_entries', to='integrations.account', verbose_name='account'),
        ),
        migrations.AddField(
            model_name='consententry',
            name='contact',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='consent_entries', to='integrations.contact', verbose_name='contact'),
        ),
        migrations.AddField(
            model_name='consententry',
            name='user',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AddIndex(
            model_name='consententry',
            index=models.Index(fields=['account', 'phone', '-at', '-id'], name='consent_by_phone'),
        ),
        migrations.AddIndex(
            model_name='consententry',
            index=models.Index(fields=['at'], condition=models.Q(kind='opt_out', source='keyword'), name='consent_keywords'),
        ),
        migrations.AddConstraint(
            model_name='consententry',
            constraint=models.UniqueConstraint(fields=('account', 'message_vendor_id', 'kind'), name='consent_once_per_message'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='action',
            field=models.CharField(choices=[('account_connected', 'Account connected'), ('account_disconnected', 'Account disconnected'), ('webhook_renewed', 'Webhook address renewed'), ('membership_added', 'Membership added'), ('membership_changed', 'Membership changed'), ('membership_removed', 'Membership removed'), ('member_linked', 'Linked to a Salesmsg user'), ('sync_full', 'Full sync requested'), ('sync_changes', 'Check for changes requested'), ('sync_stopped', 'Sync stopped'), ('sync_paused', 'Sync paused'), ('sync_resumed', 'Sync resumed'), ('contact_refreshed', 'Contact refreshed'), ('conversation_refreshed', 'Conversation refreshed'), ('contact_edited', 'Contact edited'), ('fields_edited', 'Custom fields edited'), ('tag_added', 'Tag added'), ('tag_removed', 'Tag removed'), ('opted_out', 'Contact opted out'), ('opted_in', 'Contact opted in'), ('doubt_cleared', 'Text not taken as an opt-out'), ('note_added', 'Note added'), ('conflict_decided', 'Conflict resolved'), ('change_dropped', 'Refused change discarded'), ('conversation_closed', 'Conversation closed'), ('conversation_reopened', 'Conversation reopened'), ('conversation_assigned', 'Conversation assigned'), ('conversation_snoozed', 'Conversation snoozed'), ('conversation_woken', 'Snooze ended'), ('internal_note_added', 'Internal note added'), ('internal_note_deleted', 'Internal note deleted'), ('bulk_drafted', 'Bulk text drafted'), ('bulk_started', 'Bulk text started'), ('bulk_paused', 'Bulk text paused'), ('bulk_resumed', 'Bulk text resumed'), ('bulk_cancelled', 'Bulk text cancelled')], max_length=64, verbose_name='action'),
        ),
    ]
