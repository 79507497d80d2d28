"""Recording: a program of Values, run once, becomes a program of arrays, replayed many times."""

from .draws import drawn_from
from .recording import Recording, record, record_with_results

__all__ = ["Recording", "drawn_from", "record", "record_with_results"]
