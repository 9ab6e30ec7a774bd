"""A sweep: many cases of one scenario on many workers, and nothing lost when any of them dies."""
