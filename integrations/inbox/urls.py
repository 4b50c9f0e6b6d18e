"""URLs of the inbox."""

from django.urls import path

from . import onboarding
from .collaboration import notes
from .collaboration import views as collaboration_views
from .composer import actions, drafts, scheduled
from .composer.saved_replies import views as saved_replies_views
from .contact_panel import change_history
from .contact_panel import views as contact_panel_views
from .conversation_list import polling as conversation_list_polling
from .conversation_list import views as conversation_list_views
from .thread import history
from .thread import polling as thread_polling
from .thread import views as thread_views

app_name = "inbox"
urlpatterns = [
    path("", conversation_list_views.inbox, name="list"),
    path("new/", actions.new, name="new"),
    path("new/number/", actions.check_number, name="check-number"),
    path("rows/", conversation_list_views.rows, name="rows"),
    path("first-steps/", onboarding.page, name="first-steps"),
    path("first-steps/hide/", onboarding.hide, name="hide-first-steps"),
    path("poll/", conversation_list_polling.list_poll, name="list-poll"),
    path("replies/", saved_replies_views.index, name="replies"),
    path("replies/new/", saved_replies_views.new, name="reply-new"),
    path("replies/<int:pk>/", saved_replies_views.edit, name="reply"),
    path("replies/<int:pk>/delete/", saved_replies_views.delete, name="reply-delete"),
    path("<int:pk>/replies/", saved_replies_views.choose, name="replies-choose"),
    path("<int:pk>/replies/list/", saved_replies_views.offered, name="replies-offered"),
    path("<int:pk>/replies/<int:reply>/used/", saved_replies_views.used, name="reply-used"),
    path("<int:pk>/", thread_views.thread, name="thread"),
    path("<int:pk>/older/", thread_views.older, name="older"),
    path("<int:pk>/newer/", history.newer, name="newer"),
    path("<int:pk>/hit/", history.hit, name="hit"),
    path("<int:pk>/poll/", thread_polling.thread_poll, name="thread-poll"),
    path("<int:pk>/watch/", thread_polling.watch, name="watch"),
    path("<int:pk>/send/", actions.send, name="send"),
    path("<int:pk>/later/", scheduled.schedule, name="later"),
    path("<int:pk>/draft/", drafts.save_draft_view, name="draft"),
    path("<int:pk>/note/", notes.note, name="note"),
    path("<int:pk>/colleagues/", notes.offered, name="colleagues"),
    path("notes/<int:pk>/delete/", notes.delete, name="note-delete"),
    path("<int:pk>/close/", collaboration_views.close, name="close"),
    path("<int:pk>/reopen/", collaboration_views.reopen, name="reopen"),
    path("<int:pk>/assign/", collaboration_views.assign, name="assign"),
    path("<int:pk>/claim/", collaboration_views.claim, name="claim"),
    path("<int:pk>/me/", collaboration_views.me, name="me-here"),
    path("<int:pk>/snooze/", collaboration_views.snooze, name="snooze"),
    path("<int:pk>/wake/", collaboration_views.wake, name="wake"),
    path("<int:pk>/unread/", collaboration_views.unread, name="unread"),
    path("<int:pk>/leave/", collaboration_views.leave, name="leave"),
    path("me/", collaboration_views.me, name="me"),
    path("<int:pk>/contact/edit/", contact_panel_views.edit, name="quick"),
    path("<int:pk>/contact/<slug:what>/", contact_panel_views.change, name="contact"),
    path("<int:pk>/changes/", change_history.change_history, name="timeline"),
    path("messages/<int:pk>/again/", actions.resend, name="again"),
    path("messages/<int:pk>/cancel/", actions.cancel_message, name="cancel"),
    path("messages/<int:pk>/settle/", actions.accept_as_sent, name="settle"),
    path("messages/<int:pk>/files/<int:position>/again/", actions.fetch_again, name="fetch-again"),
    path("messages/<int:pk>/edit/", scheduled.edit_scheduled, name="edit"),
    path("messages/<int:pk>/now/", scheduled.send_now, name="send-now"),
]
