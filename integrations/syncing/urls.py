"""Addresses of the sync page."""

from django.urls import path

from . import views, writes

app_name = "syncing"
urlpatterns = [
    path("", views.index, name="list"),
    path("live/", views.index_live, name="list-live"),
    path("<int:pk>/", views.one, name="one"),
    path("<int:pk>/live/", views.one_live, name="one-live"),
    path("<int:pk>/pause/", writes.pause, name="pause"),
    path("<int:pk>/resume/", writes.resume, name="resume"),
    path("<int:pk>/full/", writes.full, name="full"),
    path("<int:pk>/changes/", writes.changes, name="changes"),
    path("<int:pk>/stop/", writes.stop, name="stop"),
    path("<int:pk>/search/", writes.search, name="search"),
    path("contact/<int:pk>/", writes.contact, name="contact"),
    path("conversation/<int:pk>/", writes.conversation, name="conversation"),
]
