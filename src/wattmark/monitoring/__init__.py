"""Rules, alerts and dashboards for what the agent shows, and the search for regressions."""
