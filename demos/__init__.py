"""Short programs that read as lessons. Each runs by itself, `python -m demos.moons`."""
