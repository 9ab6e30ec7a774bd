"""The compiled engine: one event loop over many replications, in a few small files. ``run`` is its door."""
