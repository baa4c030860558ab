"""The HTTP face of the server: requests in, use cases called, JSON answers out."""
