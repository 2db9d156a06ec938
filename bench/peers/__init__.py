"""What the server is measured beside: the same tool, made with the least of effort."""
