"""Addresses of the outbox page."""

from django.urls import path

from . import views

app_name = "outbox"
urlpatterns = [
    path("", views.page, name="page"),
    path("live/", views.live, name="live"),
]
