"""The pure part of wattmark: numbers in, numbers and reasons out."""
