"""What stands between a commit and a release that can be checked: `python -m scripts.release`."""
