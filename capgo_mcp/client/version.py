"""The version, which every request tells Capgo; it stands nowhere else in the code."""

__version__ = "0.2.0"
