"""How good one answer is: what each task's Scoring needs of it, as plain JSON."""
