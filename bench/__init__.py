"""Measures the server beside what it could not do without; ratios say more than figures of one machine."""
