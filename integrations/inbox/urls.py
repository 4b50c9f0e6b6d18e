"""Addresses of the inbox."""

from django.urls import path

from . import around, contact, drafts, later, live, notes, replies, together, views, writes

app_name = "inbox"
urlpatterns = [
    path("", views.inbox, name="list"),
    path("new/", writes.new, name="new"),
    path("rows/", views.rows, name="rows"),
    path("poll/", live.list_poll, name="list-poll"),
    path("replies/", replies.index, name="replies"),
    path("replies/new/", replies.new, name="reply-new"),
    path("replies/<int:pk>/", replies.edit, name="reply"),
    path("replies/<int:pk>/delete/", replies.delete, name="reply-delete"),
    path("<int:pk>/replies/", replies.choose, name="replies-choose"),
    path("<int:pk>/replies/list/", replies.offered, name="replies-offered"),
    path("<int:pk>/replies/<int:reply>/used/", replies.used, name="reply-used"),
    path("<int:pk>/", views.thread, name="thread"),
    path("<int:pk>/older/", views.older, name="older"),
    path("<int:pk>/newer/", around.newer, name="newer"),
    path("<int:pk>/hit/", around.hit, name="hit"),
    path("<int:pk>/poll/", live.thread_poll, name="thread-poll"),
    path("<int:pk>/watch/", live.watch, name="watch"),
    path("<int:pk>/send/", writes.send, name="send"),
    path("<int:pk>/later/", later.later, name="later"),
    path("<int:pk>/draft/", drafts.draft, name="draft"),
    path("<int:pk>/note/", notes.note, name="note"),
    path("<int:pk>/colleagues/", notes.offered, name="colleagues"),
    path("notes/<int:pk>/delete/", notes.delete, name="note-delete"),
    path("<int:pk>/close/", writes.close, name="close"),
    path("<int:pk>/reopen/", writes.reopen, name="reopen"),
    path("<int:pk>/assign/", writes.assign, name="assign"),
    path("<int:pk>/claim/", together.claim, name="claim"),
    path("<int:pk>/me/", together.me, name="me-here"),
    path("<int:pk>/snooze/", together.snooze, name="snooze"),
    path("<int:pk>/wake/", together.wake, name="wake"),
    path("<int:pk>/unread/", together.unread, name="unread"),
    path("<int:pk>/leave/", together.leave, name="leave"),
    path("me/", together.me, name="me"),
    path("<int:pk>/contact/<slug:what>/", contact.change, name="contact"),
    path("messages/<int:pk>/again/", writes.again, name="again"),
    path("messages/<int:pk>/cancel/", writes.cancel, name="cancel"),
    path("messages/<int:pk>/settle/", writes.settle, name="settle"),
    path("messages/<int:pk>/files/<int:position>/again/", writes.fetch_again, name="fetch-again"),
    path("messages/<int:pk>/edit/", later.edit, name="edit"),
    path("messages/<int:pk>/now/", later.send_now, name="send-now"),
]
