from tests.ingest.conftest import endpoint, large, log

__all__ = ["endpoint", "large", "log"]
