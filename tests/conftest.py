"""What holds for every test: no example is timed, for machines are busy; benchmarks measure budgets."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
