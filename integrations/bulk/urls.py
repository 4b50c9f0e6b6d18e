"""Addresses of the bulk pages."""

from django.urls import path

from . import actions, views

app_name = "bulk"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", actions.new, name="new"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/live/", views.live, name="live"),
    path("<int:pk>/contacts/", actions.choose, name="choose"),
    path("<int:pk>/text/", actions.write, name="write"),
    path("<int:pk>/start/", actions.start, name="start"),
    path("<int:pk>/pause/", actions.pause, name="pause"),
    path("<int:pk>/resume/", actions.resume, name="resume"),
    path("<int:pk>/cancel/", actions.cancel, name="cancel"),
]
