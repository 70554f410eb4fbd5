"""What holds for every test: no example is timed, for machines are busy; budgets are measured in benchmarks."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
