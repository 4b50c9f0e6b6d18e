"""Addresses of the bulk pages."""

from django.urls import path

from . import views, writes

app_name = "bulk"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", writes.new, name="new"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/live/", views.live, name="live"),
    path("<int:pk>/contacts/", writes.choose, name="choose"),
    path("<int:pk>/text/", writes.write, name="write"),
    path("<int:pk>/start/", writes.start, name="start"),
    path("<int:pk>/pause/", writes.pause, name="pause"),
    path("<int:pk>/resume/", writes.resume, name="resume"),
    path("<int:pk>/cancel/", writes.cancel, name="cancel"),
]
