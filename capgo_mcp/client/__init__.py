"""The only room that talks to Capgo: requests, refusals, pages, repeats and rates."""
