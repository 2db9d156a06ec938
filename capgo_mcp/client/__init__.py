"""What talks to Capgo: requests, refusals, pages, repeats and rates."""
