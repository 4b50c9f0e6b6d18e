from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = "Salesmsg"

    def ready(self) -> None:
        from . import checks  # noqa: F401
