from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = "Salesmsg"

    def ready(self) -> None:
        from django_q.signals import post_spawn

        from . import checks, jobs, nouns  # noqa: F401

        post_spawn.connect(jobs.ensure_tick, dispatch_uid="salesmsg.tick")
        nouns.translate(self)
