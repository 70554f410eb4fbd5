"""Dashboards as plain data, and as the JSON that Grafana loads."""
