"""Addresses of the sync page."""

from django.urls import path

from . import actions, views

app_name = "sync"
urlpatterns = [
    path("", views.index, name="list"),
    path("live/", views.index_live, name="list-live"),
    path("<int:pk>/", views.one, name="one"),
    path("<int:pk>/live/", views.one_live, name="one-live"),
    path("<int:pk>/pause/", actions.pause, name="pause"),
    path("<int:pk>/resume/", actions.resume, name="resume"),
    path("<int:pk>/full/", actions.full, name="full"),
    path("<int:pk>/changes/", actions.changes, name="changes"),
    path("<int:pk>/stop/", actions.stop, name="stop"),
    path("<int:pk>/search/", actions.search, name="search"),
    path("contact/<int:pk>/", actions.contact, name="contact"),
    path("conversation/<int:pk>/", actions.conversation, name="conversation"),
]
