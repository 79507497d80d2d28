"""Recording: a program of Values, run once, becomes a program of arrays, replayed many times."""

from .recording import Recording, record, record_with_results

__all__ = ["Recording", "record", "record_with_results"]
