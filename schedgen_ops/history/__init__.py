"""What was done before, in every environment, and how well deliveries go."""
