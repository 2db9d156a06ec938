"""What stands before and after a write: scope, consent, journal, and the way back."""
