"""The load balancer in front of several hosts: told to leave one out before its services are touched."""
