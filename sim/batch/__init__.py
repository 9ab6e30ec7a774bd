"""Many cases, run on one machine or on many."""
