"""Addresses of the conflict pages."""

from django.urls import path

from . import views

app_name = "contacts"
urlpatterns = [
    path("<int:pk>/", views.conflict, name="detail"),
]
