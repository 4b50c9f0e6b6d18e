from tests.inbox.conftest import ada, browser, harbor, htmx

__all__ = ["ada", "browser", "harbor", "htmx"]
