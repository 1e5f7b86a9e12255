"""What is seen of a host or a release again and again, the rules it is held to, and what it comes to."""
