"""Addresses of the accounts pages."""

from django.urls import path

from . import live, views, writes

app_name = "accounts"
urlpatterns = [
    path("", views.index, name="list"),
    path("connect/", writes.connect_oauth, name="connect"),
    path("token/", writes.connect_token, name="token"),
    path("callback/", writes.callback, name="callback"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/sync/", writes.sync, name="sync"),
    path("<int:pk>/stop/", writes.stop, name="stop"),
    path("<int:pk>/sync/live/", live.sync, name="sync-live"),
    path("<int:pk>/budget/live/", live.budget, name="budget-live"),
    path("<int:pk>/reconnect/", writes.reconnect, name="reconnect"),
    path("<int:pk>/token/", writes.reconnect_token, name="reconnect-token"),
    path("<int:pk>/webhook/", writes.new_webhook, name="webhook"),
    path("<int:pk>/disconnect/", writes.disconnect, name="disconnect"),
]
