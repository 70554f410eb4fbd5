"""Who did something, verified: SSH signatures, signed commits, identity tokens of CI systems, code owners."""
