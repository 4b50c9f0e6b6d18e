"""Addresses of the inbox."""

from django.urls import path

from . import contact, first_steps, later, live, timeline, views, writes

app_name = "inbox"
urlpatterns = [
    path("", views.inbox, name="list"),
    path("new/", writes.new, name="new"),
    path("rows/", views.rows, name="rows"),
    path("first-steps/", first_steps.page, name="first-steps"),
    path("first-steps/hide/", first_steps.hide, name="hide-first-steps"),
    path("poll/", live.list_poll, name="list-poll"),
    path("<int:pk>/", views.thread, name="thread"),
    path("<int:pk>/older/", views.older, name="older"),
    path("<int:pk>/poll/", live.thread_poll, name="thread-poll"),
    path("<int:pk>/watch/", live.watch, name="watch"),
    path("<int:pk>/send/", writes.send, name="send"),
    path("<int:pk>/later/", later.later, name="later"),
    path("<int:pk>/close/", writes.close, name="close"),
    path("<int:pk>/reopen/", writes.reopen, name="reopen"),
    path("<int:pk>/assign/", writes.assign, name="assign"),
    path("<int:pk>/contact/edit/", contact.edit, name="quick"),
    path("<int:pk>/contact/<slug:what>/", contact.change, name="contact"),
    path("<int:pk>/changes/", timeline.page, name="timeline"),
    path("messages/<int:pk>/again/", writes.again, name="again"),
    path("messages/<int:pk>/cancel/", writes.cancel, name="cancel"),
    path("messages/<int:pk>/settle/", writes.settle, name="settle"),
    path("messages/<int:pk>/files/<int:position>/again/", writes.fetch_again, name="fetch-again"),
    path("messages/<int:pk>/edit/", later.edit, name="edit"),
    path("messages/<int:pk>/now/", later.send_now, name="send-now"),
]
