"""How the server is set up: options, environment, keys and logs."""
