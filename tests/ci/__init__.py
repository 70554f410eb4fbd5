"""What CI systems and forges run: the action, the template, the hooks."""
