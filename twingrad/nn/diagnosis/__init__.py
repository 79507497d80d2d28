"""The training doctor: findings that name what is wrong, the numbers it rests on, and the cure."""

from .doctor import Doctor, diagnose
from .findings import Diagnosis, Finding
from .theory import KINDS

__all__ = ["KINDS", "Diagnosis", "Doctor", "Finding", "diagnose"]
