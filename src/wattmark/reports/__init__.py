"""Results as text: pure functions from result to string."""
