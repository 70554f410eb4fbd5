"""What `wattmark demo` runs: small real models that are measured, and a real engine that serves."""
