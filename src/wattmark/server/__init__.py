"""What answers over HTTP: telemetry comes in here."""
