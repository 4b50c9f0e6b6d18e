from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = "Salesmsg"

    def ready(self) -> None:
        from django.db.backends.signals import connection_created
        from django_q.signals import post_spawn

        from . import checks, jobs  # noqa: F401
        from .db.parameter_limit import use_sqlite_limit

        connection_created.connect(use_sqlite_limit, dispatch_uid="salesmsg.parameter_limit")
        post_spawn.connect(jobs.ensure_tick, dispatch_uid="salesmsg.tick")
