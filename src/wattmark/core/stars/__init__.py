"""Stars: 1 (worst) to 5 (best) for the energy of a model at a task, and when there are none."""
