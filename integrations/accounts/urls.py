"""URLs of the accounts pages."""

from django.urls import path

from . import actions, polling, views

app_name = "accounts"
urlpatterns = [
    path("", views.index, name="list"),
    path("connect/", actions.connect_oauth, name="connect"),
    path("token/", actions.connect_token, name="token"),
    path("callback/", actions.callback, name="callback"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/sync/", actions.sync, name="sync"),
    path("<int:pk>/stop/", actions.stop, name="stop"),
    path("<int:pk>/sync/live/", polling.sync, name="sync-live"),
    path("<int:pk>/budget/live/", polling.budget, name="budget-live"),
    path("<int:pk>/reconnect/", actions.reconnect, name="reconnect"),
    path("<int:pk>/token/", actions.reconnect_token, name="reconnect-token"),
    path("<int:pk>/webhook/", actions.new_webhook, name="webhook"),
    path("<int:pk>/disconnect/", actions.disconnect, name="disconnect"),
]
