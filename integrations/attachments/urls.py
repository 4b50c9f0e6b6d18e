"""Addresses of the files of messages."""

from django.urls import path

from . import views

app_name = "attachments"
urlpatterns = [path("<int:message>/<int:position>/", views.file, name="file")]
