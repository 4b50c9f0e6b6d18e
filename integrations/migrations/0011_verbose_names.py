"""Models and fields have names for people. No column changes."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0010_names'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='account',
            options={'ordering': ['label', 'pk'], 'verbose_name': 'account', 'verbose_name_plural': 'accounts'},
        ),
        migrations.AlterModelOptions(
            name='attempt',
            options={'ordering': ['pk'], 'verbose_name': 'attempt', 'verbose_name_plural': 'attempts'},
        ),
        migrations.AlterModelOptions(
            name='auditentry',
            options={'ordering': ['-pk'], 'verbose_name': 'audit entry', 'verbose_name_plural': 'audit entries'},
        ),
        migrations.AlterModelOptions(
            name='bulk',
            options={'ordering': ['-pk'], 'verbose_name': 'bulk', 'verbose_name_plural': 'bulks'},
        ),
        migrations.AlterModelOptions(
            name='bulkrecipient',
            options={'ordering': ['pk'], 'verbose_name': 'bulk recipient', 'verbose_name_plural': 'bulk recipients'},
        ),
        migrations.AlterModelOptions(
            name='change',
            options={'ordering': ['-pk'], 'verbose_name': 'change', 'verbose_name_plural': 'changes'},
        ),
        migrations.AlterModelOptions(
            name='contact',
            options={'ordering': ['-pk'], 'verbose_name': 'contact', 'verbose_name_plural': 'contacts'},
        ),
        migrations.AlterModelOptions(
            name='conversation',
            options={'ordering': ['-latest_at', '-pk'], 'verbose_name': 'conversation', 'verbose_name_plural': 'conversations'},
        ),
        migrations.AlterModelOptions(
            name='inbox',
            options={'ordering': ['name', 'pk'], 'verbose_name': 'inbox', 'verbose_name_plural': 'inboxes'},
        ),
        migrations.AlterModelOptions(
            name='member',
            options={'ordering': ['full_name', 'pk'], 'verbose_name': 'member', 'verbose_name_plural': 'members'},
        ),
        migrations.AlterModelOptions(
            name='membership',
            options={'verbose_name': 'membership', 'verbose_name_plural': 'memberships'},
        ),
        migrations.AlterModelOptions(
            name='message',
            options={'ordering': ['-at', '-rank'], 'verbose_name': 'message', 'verbose_name_plural': 'messages'},
        ),
        migrations.AlterModelOptions(
            name='number',
            options={'ordering': ['phone', 'pk'], 'verbose_name': 'number', 'verbose_name_plural': 'numbers'},
        ),
        migrations.AlterModelOptions(
            name='savedreply',
            options={'ordering': ['name', 'pk'], 'verbose_name': 'saved reply', 'verbose_name_plural': 'saved replies'},
        ),
        migrations.AlterModelOptions(
            name='syncrun',
            options={'ordering': ['-pk'], 'verbose_name': 'sync run', 'verbose_name_plural': 'sync runs'},
        ),
        migrations.AlterModelOptions(
            name='syncstream',
            options={'ordering': ['position'], 'verbose_name': 'sync stream', 'verbose_name_plural': 'sync streams'},
        ),
        migrations.AlterModelOptions(
            name='webhookevent',
            options={'ordering': ['-pk'], 'verbose_name': 'webhook event', 'verbose_name_plural': 'webhook events'},
        ),
        migrations.AlterField(
            model_name='account',
            name='connected_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='connected at'),
        ),
        migrations.AlterField(
            model_name='account',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at'),
        ),
        migrations.AlterField(
            model_name='account',
            name='label',
            field=models.CharField(help_text='How your team calls this account.', max_length=120, verbose_name='label'),
        ),
        migrations.AlterField(
            model_name='account',
            name='last_error_at',
            field=models.DateTimeField(blank=True, help_text='When what the reason says happened.', null=True, verbose_name='last error at'),
        ),
        migrations.AlterField(
            model_name='account',
            name='last_event_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='last event at'),
        ),
        migrations.AlterField(
            model_name='account',
            name='organization_id',
            field=models.BigIntegerField(blank=True, null=True, unique=True, verbose_name='organization id'),
        ),
        migrations.AlterField(
            model_name='account',
            name='organization_name',
            field=models.CharField(blank=True, max_length=255, verbose_name='organization name'),
        ),
        migrations.AlterField(
            model_name='account',
            name='organization_timezone',
            field=models.CharField(blank=True, max_length=64, verbose_name='organization timezone'),
        ),
        migrations.AlterField(
            model_name='account',
            name='state',
            field=models.CharField(choices=[('connected', 'Connected'), ('attention', 'Needs to be connected again'), ('disconnected', 'Disconnected')], default='disconnected', max_length=16, verbose_name='state'),
        ),
        migrations.AlterField(
            model_name='account',
            name='synced_at',
            field=models.DateTimeField(blank=True, help_text='When the last complete sync ended.', null=True, verbose_name='synced at'),
        ),
        migrations.AlterField(
            model_name='account',
            name='thread_dialect',
            field=models.CharField(choices=[('paginated', '/messages/{c}/paginated'), ('before', '/messages/{c}?before_id')], default='paginated', max_length=16, verbose_name='thread dialect'),
        ),
        migrations.AlterField(
            model_name='account',
            name='vendor_user_id',
            field=models.BigIntegerField(blank=True, help_text='The Salesmsg user we act as.', null=True, verbose_name='vendor user id'),
        ),
        migrations.AlterField(
            model_name='attachment',
            name='attempts',
            field=models.PositiveIntegerField(default=0, verbose_name='attempts'),
        ),
        migrations.AlterField(
            model_name='attachment',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at'),
        ),
        migrations.AlterField(
            model_name='attachment',
            name='due_at',
            field=models.DateTimeField(blank=True, default=django.utils.timezone.now, null=True, verbose_name='due at'),
        ),
        migrations.AlterField(
            model_name='attachment',
            name='message',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='integrations.message', verbose_name='message'),
        ),
        migrations.AlterField(
            model_name='attachment',
            name='state',
            field=models.CharField(choices=[('waiting', 'On its way'), ('stored', 'Stored'), ('refused', 'Not kept: too large, or no picture'), ('lost', 'Could not be fetched')], default='waiting', max_length=8, verbose_name='state'),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='finished_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='finished at'),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='message',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='integrations.message', verbose_name='message'),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='outcome',
            field=models.CharField(choices=[('running', 'Running'), ('accepted', 'Accepted'), ('refused', 'Refused'), ('not_done', 'Did not reach Salesmsg; tried again'), ('unclear', 'No clear answer')], default='running', max_length=10, verbose_name='outcome'),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='started_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='started at'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='account',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='audit_entries', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='action',
            field=models.CharField(choices=[('account_connected', 'Account connected'), ('account_disconnected', 'Account disconnected'), ('webhook_renewed', 'Webhook address renewed'), ('membership_added', 'Membership added'), ('membership_changed', 'Membership changed'), ('membership_removed', 'Membership removed'), ('member_linked', 'Linked to a Salesmsg user'), ('sync_full', 'Full sync requested'), ('sync_changes', 'Check for changes requested'), ('sync_stopped', 'Sync stopped'), ('sync_paused', 'Sync paused'), ('sync_resumed', 'Sync resumed'), ('contact_refreshed', 'Contact read again'), ('conversation_refreshed', 'Conversation read again'), ('contact_edited', 'Contact edited'), ('fields_edited', 'Custom fields edited'), ('tag_added', 'Tag added'), ('tag_removed', 'Tag removed'), ('opted_out', 'Contact opted out'), ('opted_in', 'Contact opted in'), ('note_added', 'Note added'), ('conflict_decided', 'Conflict decided'), ('change_dropped', 'Refused change dropped'), ('conversation_closed', 'Conversation closed'), ('conversation_reopened', 'Conversation reopened'), ('conversation_assigned', 'Conversation assigned'), ('conversation_snoozed', 'Conversation snoozed'), ('conversation_woken', 'Snooze ended'), ('internal_note_added', 'Internal note added'), ('internal_note_deleted', 'Internal note deleted'), ('bulk_drafted', 'Bulk text drafted'), ('bulk_started', 'Bulk text started'), ('bulk_paused', 'Bulk text paused'), ('bulk_resumed', 'Bulk text resumed'), ('bulk_cancelled', 'Bulk text cancelled')], max_length=64, verbose_name='action'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='at'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='contact',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='audit_entries', to='integrations.contact', verbose_name='contact'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='user',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AlterField(
            model_name='authorizationstate',
            name='account',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='authorizationstate',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='created at'),
        ),
        migrations.AlterField(
            model_name='authorizationstate',
            name='label',
            field=models.CharField(blank=True, max_length=120, verbose_name='label'),
        ),
        migrations.AlterField(
            model_name='authorizationstate',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AlterField(
            model_name='budget',
            name='account',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='budget', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='budgetblock',
            name='at',
            field=models.DateTimeField(verbose_name='at'),
        ),
        migrations.AlterField(
            model_name='budgetcall',
            name='started_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='started at'),
        ),
        migrations.AlterField(
            model_name='bulk',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='bulks', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='bulk',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at'),
        ),
        migrations.AlterField(
            model_name='bulk',
            name='created_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='created by'),
        ),
        migrations.AlterField(
            model_name='bulk',
            name='finished_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='finished at'),
        ),
        migrations.AlterField(
            model_name='bulk',
            name='started_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='started at'),
        ),
        migrations.AlterField(
            model_name='bulk',
            name='state',
            field=models.CharField(choices=[('draft', 'Being prepared'), ('running', 'Being sent'), ('paused', 'Paused'), ('cancelled', 'Cancelled'), ('done', 'Done')], default='draft', max_length=10, verbose_name='state'),
        ),
        migrations.AlterField(
            model_name='bulk',
            name='text',
            field=models.TextField(help_text='With merge fields, such as {first_name}.', verbose_name='text'),
        ),
        migrations.AlterField(
            model_name='bulkrecipient',
            name='bulk',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recipients', to='integrations.bulk', verbose_name='bulk'),
        ),
        migrations.AlterField(
            model_name='bulkrecipient',
            name='contact',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='integrations.contact', verbose_name='contact'),
        ),
        migrations.AlterField(
            model_name='bulkrecipient',
            name='message',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='bulk_recipient', to='integrations.message', verbose_name='message'),
        ),
        migrations.AlterField(
            model_name='bulkrecipient',
            name='state',
            field=models.CharField(choices=[('waiting', 'Waiting'), ('handed', 'Handed to the outbox'), ('left_out', 'Left out'), ('cancelled', 'Cancelled')], default='waiting', max_length=10, verbose_name='state'),
        ),
        migrations.AlterField(
            model_name='bulkrecipient',
            name='text',
            field=models.TextField(blank=True, help_text='What this contact is to get, as it was previewed.', verbose_name='text'),
        ),
        migrations.AlterField(
            model_name='change',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='change',
            name='attempts',
            field=models.PositiveIntegerField(default=0, verbose_name='attempts'),
        ),
        migrations.AlterField(
            model_name='change',
            name='contact',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='integrations.contact', verbose_name='contact'),
        ),
        migrations.AlterField(
            model_name='change',
            name='conversation',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='integrations.conversation', verbose_name='conversation'),
        ),
        migrations.AlterField(
            model_name='change',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at'),
        ),
        migrations.AlterField(
            model_name='change',
            name='due_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='due at'),
        ),
        migrations.AlterField(
            model_name='change',
            name='finished_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='finished at'),
        ),
        migrations.AlterField(
            model_name='change',
            name='kind',
            field=models.CharField(choices=[('contact', 'Contact edited'), ('close', 'Conversation closed'), ('reopen', 'Conversation reopened'), ('assign', 'Conversation assigned'), ('tag', 'Tag added'), ('untag', 'Tag removed'), ('opt_out', 'Contact opted out'), ('opt_in', 'Contact opted in'), ('note', 'Note added'), ('fields', 'Custom fields edited')], max_length=8, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='change',
            name='requested_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='requested by'),
        ),
        migrations.AlterField(
            model_name='change',
            name='state',
            field=models.CharField(choices=[('pending', 'Waiting to be saved in Salesmsg'), ('pushing', 'Being saved in Salesmsg'), ('done', 'Saved in Salesmsg'), ('conflict', 'Changed in Salesmsg, too: waits for your choice'), ('refused', 'Refused by Salesmsg'), ('superseded', 'Replaced by a later change')], default='pending', max_length=10, verbose_name='state'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contacts', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='blocked',
            field=models.BooleanField(default=False, verbose_name='blocked'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='country',
            field=models.CharField(blank=True, max_length=8, verbose_name='country'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='email',
            field=models.CharField(blank=True, max_length=320, verbose_name='email'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='first_name',
            field=models.CharField(blank=True, max_length=255, verbose_name='first name'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='full_name',
            field=models.CharField(blank=True, max_length=512, verbose_name='full name'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='last_name',
            field=models.CharField(blank=True, max_length=255, verbose_name='last name'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='opted_in_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='opted in at'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='opted_out',
            field=models.BooleanField(default=False, verbose_name='opted out'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='opted_out_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='opted out at'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='phone',
            field=models.CharField(blank=True, help_text='E.164, such as +13055550142.', max_length=32, verbose_name='phone'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='conversations', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='closed_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='closed at'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='contact',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='conversations', to='integrations.contact', verbose_name='contact'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='inbox',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='conversations', to='integrations.inbox', verbose_name='inbox'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='last_message_at',
            field=models.DateTimeField(blank=True, help_text='As Salesmsg tells it.', null=True, verbose_name='last message at'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='latest_at',
            field=models.DateTimeField(default=django.utils.timezone.now, help_text='Sorts the inbox.', verbose_name='latest at'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='latest_state',
            field=models.CharField(blank=True, max_length=12, verbose_name='latest state'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='line_phone',
            field=models.CharField(blank=True, help_text='Our number in this conversation.', max_length=32, verbose_name='line phone'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='owner',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='conversations', to='integrations.member', verbose_name='owner'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='started_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='started at'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='unread_at_vendor',
            field=models.IntegerField(default=0, verbose_name='unread at vendor'),
        ),
        migrations.AlterField(
            model_name='credential',
            name='account',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='credential', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='credential',
            name='kind',
            field=models.CharField(choices=[('oauth', 'OAuth2'), ('pat', 'Personal access token')], max_length=8, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='draft',
            name='conversation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='drafts', to='integrations.conversation', verbose_name='conversation'),
        ),
        migrations.AlterField(
            model_name='draft',
            name='text',
            field=models.TextField(blank=True, verbose_name='text'),
        ),
        migrations.AlterField(
            model_name='draft',
            name='updated_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='updated at'),
        ),
        migrations.AlterField(
            model_name='draft',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AlterField(
            model_name='freshhour',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fresh_hours', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='heartbeat',
            name='at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='at'),
        ),
        migrations.AlterField(
            model_name='heartbeat',
            name='name',
            field=models.CharField(max_length=32, unique=True, verbose_name='name'),
        ),
        migrations.AlterField(
            model_name='inbox',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='inboxes', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='inbox',
            name='name',
            field=models.CharField(blank=True, max_length=255, verbose_name='name'),
        ),
        migrations.AlterField(
            model_name='inbox',
            name='phone',
            field=models.CharField(blank=True, max_length=32, verbose_name='phone'),
        ),
        migrations.AlterField(
            model_name='inbox',
            name='vendor_id',
            field=models.BigIntegerField(verbose_name='vendor id'),
        ),
        migrations.AlterField(
            model_name='internalnote',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='internal_notes', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='internalnote',
            name='at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='at'),
        ),
        migrations.AlterField(
            model_name='internalnote',
            name='author_name',
            field=models.CharField(blank=True, max_length=255, verbose_name='author name'),
        ),
        migrations.AlterField(
            model_name='internalnote',
            name='client_uuid',
            field=models.UUIDField(help_text='Made by the form, so that one posted twice is one note.', unique=True, verbose_name='client uuid'),
        ),
        migrations.AlterField(
            model_name='internalnote',
            name='conversation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='internal_notes', to='integrations.conversation', verbose_name='conversation'),
        ),
        migrations.AlterField(
            model_name='internalnote',
            name='text',
            field=models.TextField(verbose_name='text'),
        ),
        migrations.AlterField(
            model_name='listsync',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lists', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='listsync',
            name='due_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='due at'),
        ),
        migrations.AlterField(
            model_name='listsync',
            name='name',
            field=models.CharField(max_length=32, verbose_name='name'),
        ),
        migrations.AlterField(
            model_name='member',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='member',
            name='email',
            field=models.CharField(blank=True, max_length=255, verbose_name='email'),
        ),
        migrations.AlterField(
            model_name='member',
            name='full_name',
            field=models.CharField(blank=True, max_length=255, verbose_name='full name'),
        ),
        migrations.AlterField(
            model_name='member',
            name='role',
            field=models.CharField(blank=True, max_length=64, verbose_name='role'),
        ),
        migrations.AlterField(
            model_name='member',
            name='vendor_id',
            field=models.BigIntegerField(verbose_name='vendor id'),
        ),
        migrations.AlterField(
            model_name='membership',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='membership',
            name='member',
            field=models.ForeignKey(blank=True, help_text='Who this person is at Salesmsg; decides what “mine” shows.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='integrations.member', verbose_name='member'),
        ),
        migrations.AlterField(
            model_name='membership',
            name='role',
            field=models.CharField(choices=[('agent', 'Agent: reads and answers'), ('manager', 'Manager: also connects and disconnects')], default='agent', max_length=8, verbose_name='role'),
        ),
        migrations.AlterField(
            model_name='membership',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='salesmsg_memberships', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AlterField(
            model_name='mention',
            name='note',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mentions', to='integrations.internalnote', verbose_name='note'),
        ),
        migrations.AlterField(
            model_name='mention',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AlterField(
            model_name='message',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='message',
            name='at',
            field=models.DateTimeField(help_text="Orders the thread: the vendor's time, or ours until it is known.", verbose_name='at'),
        ),
        migrations.AlterField(
            model_name='message',
            name='author_name',
            field=models.CharField(blank=True, max_length=255, verbose_name='author name'),
        ),
        migrations.AlterField(
            model_name='message',
            name='automated',
            field=models.BooleanField(default=False, verbose_name='automated'),
        ),
        migrations.AlterField(
            model_name='message',
            name='bulk',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='messages', to='integrations.bulk', verbose_name='bulk'),
        ),
        migrations.AlterField(
            model_name='message',
            name='claimed_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='claimed at'),
        ),
        migrations.AlterField(
            model_name='message',
            name='client_uuid',
            field=models.UUIDField(blank=True, null=True, unique=True, verbose_name='client uuid'),
        ),
        migrations.AlterField(
            model_name='message',
            name='conversation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='integrations.conversation', verbose_name='conversation'),
        ),
        migrations.AlterField(
            model_name='message',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at'),
        ),
        migrations.AlterField(
            model_name='message',
            name='delivered_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='delivered at'),
        ),
        migrations.AlterField(
            model_name='message',
            name='due_at',
            field=models.DateTimeField(blank=True, help_text="When a waiting text may leave next; empty: it waits for a person's word.", null=True, verbose_name='due at'),
        ),
        migrations.AlterField(
            model_name='message',
            name='failed_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='failed at'),
        ),
        migrations.AlterField(
            model_name='message',
            name='kind',
            field=models.CharField(choices=[('sms', 'Text'), ('mms', 'Picture'), ('call', 'Call'), ('other', 'Other')], default='sms', max_length=8, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='message',
            name='received_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='received at'),
        ),
        migrations.AlterField(
            model_name='message',
            name='send_at',
            field=models.DateTimeField(blank=True, help_text='When it was scheduled for; empty: at once.', null=True, verbose_name='send at'),
        ),
        migrations.AlterField(
            model_name='message',
            name='sent_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='sent at'),
        ),
        migrations.AlterField(
            model_name='message',
            name='source',
            field=models.CharField(blank=True, max_length=64, verbose_name='source'),
        ),
        migrations.AlterField(
            model_name='message',
            name='state',
            field=models.CharField(choices=[('received', 'Received'), ('queued', 'Waiting to be sent'), ('sending', 'Sending'), ('sent', 'Sent'), ('delivered', 'Delivered'), ('failed', 'Not sent'), ('unknown', 'Not known whether it was sent'), ('cancelled', 'Cancelled')], max_length=12, verbose_name='state'),
        ),
        migrations.AlterField(
            model_name='message',
            name='stop_on_reply',
            field=models.BooleanField(default=False, help_text='Cancelled when the contact answers first.', verbose_name='stop on reply'),
        ),
        migrations.AlterField(
            model_name='message',
            name='text',
            field=models.TextField(blank=True, verbose_name='text'),
        ),
        migrations.AlterField(
            model_name='message',
            name='vendor_status',
            field=models.CharField(blank=True, max_length=64, verbose_name='vendor status'),
        ),
        migrations.AlterField(
            model_name='message',
            name='zone',
            field=models.CharField(blank=True, help_text='The time zone in which it was scheduled.', max_length=64, verbose_name='zone'),
        ),
        migrations.AlterField(
            model_name='number',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='numbers', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='number',
            name='country',
            field=models.CharField(blank=True, max_length=8, verbose_name='country'),
        ),
        migrations.AlterField(
            model_name='number',
            name='inbox',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='numbers', to='integrations.inbox', verbose_name='inbox'),
        ),
        migrations.AlterField(
            model_name='number',
            name='phone',
            field=models.CharField(blank=True, max_length=32, verbose_name='phone'),
        ),
        migrations.AlterField(
            model_name='number',
            name='vendor_id',
            field=models.BigIntegerField(verbose_name='vendor id'),
        ),
        migrations.AlterField(
            model_name='presence',
            name='conversation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='presences', to='integrations.conversation', verbose_name='conversation'),
        ),
        migrations.AlterField(
            model_name='presence',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AlterField(
            model_name='readmark',
            name='at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='at'),
        ),
        migrations.AlterField(
            model_name='readmark',
            name='conversation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='read_marks', to='integrations.conversation', verbose_name='conversation'),
        ),
        migrations.AlterField(
            model_name='readmark',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AlterField(
            model_name='savedreply',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_replies', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='savedreply',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at'),
        ),
        migrations.AlterField(
            model_name='savedreply',
            name='created_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='created by'),
        ),
        migrations.AlterField(
            model_name='savedreply',
            name='name',
            field=models.CharField(help_text='What it is found by, after a “/”.', max_length=80, verbose_name='name'),
        ),
        migrations.AlterField(
            model_name='savedreply',
            name='owner',
            field=models.ForeignKey(blank=True, help_text='Empty: everybody.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner'),
        ),
        migrations.AlterField(
            model_name='savedreply',
            name='text',
            field=models.TextField(verbose_name='text'),
        ),
        migrations.AlterField(
            model_name='savedreply',
            name='updated_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='updated at'),
        ),
        migrations.AlterField(
            model_name='savedreply',
            name='used',
            field=models.PositiveIntegerField(default=0, verbose_name='used'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sync_runs', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='changed',
            field=models.PositiveIntegerField(default=0, verbose_name='changed'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='contacts',
            field=models.PositiveIntegerField(default=0, verbose_name='contacts'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='conversations',
            field=models.PositiveIntegerField(default=0, verbose_name='conversations'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='due_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='due at'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='failures',
            field=models.PositiveIntegerField(default=0, help_text='Failed tries of the present step.', verbose_name='failures'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='finished_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='finished at'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='kind',
            field=models.CharField(choices=[('full', 'Everything'), ('changes', 'What changed'), ('check', 'Comparison')], max_length=8, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='lease_until',
            field=models.DateTimeField(blank=True, null=True, verbose_name='lease until'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='messages',
            field=models.PositiveIntegerField(default=0, verbose_name='messages'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='requested_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='requested by'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='requests',
            field=models.PositiveIntegerField(default=0, verbose_name='requests'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='started_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='started at'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='state',
            field=models.CharField(choices=[('running', 'Running'), ('done', 'Complete'), ('failed', 'Failed'), ('stopped', 'Stopped')], default='running', max_length=8, verbose_name='state'),
        ),
        migrations.AlterField(
            model_name='syncrun',
            name='step',
            field=models.PositiveIntegerField(default=0, verbose_name='step'),
        ),
        migrations.AlterField(
            model_name='syncseen',
            name='vendor_id',
            field=models.BigIntegerField(verbose_name='vendor id'),
        ),
        migrations.AlterField(
            model_name='syncstream',
            name='changed',
            field=models.PositiveIntegerField(default=0, verbose_name='changed'),
        ),
        migrations.AlterField(
            model_name='syncstream',
            name='name',
            field=models.CharField(max_length=32, verbose_name='name'),
        ),
        migrations.AlterField(
            model_name='syncstream',
            name='restarts',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='restarts'),
        ),
        migrations.AlterField(
            model_name='syncstream',
            name='seen',
            field=models.PositiveIntegerField(default=0, verbose_name='seen'),
        ),
        migrations.AlterField(
            model_name='syncstream',
            name='total',
            field=models.PositiveIntegerField(blank=True, help_text='As the vendor tells it, when it does.', null=True, verbose_name='total'),
        ),
        migrations.AlterField(
            model_name='tag',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='tag',
            name='label',
            field=models.CharField(blank=True, max_length=120, verbose_name='label'),
        ),
        migrations.AlterField(
            model_name='tag',
            name='vendor_id',
            field=models.BigIntegerField(verbose_name='vendor id'),
        ),
        migrations.AlterField(
            model_name='threadsync',
            name='conversation',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='thread_sync', to='integrations.conversation', verbose_name='conversation'),
        ),
        migrations.AlterField(
            model_name='threadsync',
            name='due_at',
            field=models.DateTimeField(blank=True, db_index=True, null=True, verbose_name='due at'),
        ),
        migrations.AlterField(
            model_name='threadsync',
            name='failures',
            field=models.PositiveIntegerField(default=0, verbose_name='failures'),
        ),
        migrations.AlterField(
            model_name='threadsync',
            name='lease_until',
            field=models.DateTimeField(blank=True, null=True, verbose_name='lease until'),
        ),
        migrations.AlterField(
            model_name='webhookevent',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='webhook_events', to='integrations.account', verbose_name='account'),
        ),
        migrations.AlterField(
            model_name='webhookevent',
            name='attempts',
            field=models.PositiveIntegerField(default=0, verbose_name='attempts'),
        ),
        migrations.AlterField(
            model_name='webhookevent',
            name='due_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='due at'),
        ),
        migrations.AlterField(
            model_name='webhookevent',
            name='name',
            field=models.CharField(blank=True, max_length=120, verbose_name='name'),
        ),
        migrations.AlterField(
            model_name='webhookevent',
            name='processed_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='processed at'),
        ),
        migrations.AlterField(
            model_name='webhookevent',
            name='received_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='received at'),
        ),
        migrations.AlterField(
            model_name='webhookevent',
            name='repeats',
            field=models.PositiveIntegerField(default=0, verbose_name='repeats'),
        ),
        migrations.AlterField(
            model_name='webhookevent',
            name='state',
            field=models.CharField(choices=[('new', 'Waiting'), ('done', 'Processed'), ('unknown', 'Not understood; kept'), ('failed', 'Failed')], default='new', max_length=8, verbose_name='state'),
        ),
    ]
