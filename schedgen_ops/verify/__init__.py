"""Whether what runs is well."""
