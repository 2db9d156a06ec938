"""What agent frameworks make of the server: each in an environment of its own, on the sandbox."""
