"""Dashboards of the hosts on this machine, and questions to their Prometheus."""
