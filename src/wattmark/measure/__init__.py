"""Windows over meters: the live side of wattmark."""
