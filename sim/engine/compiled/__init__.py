"""The compiled engine: one event loop over many replications, in a few small files. ``run`` is its door.

Its functions take the plan ``p`` and the state ``s`` of a run (records of ``layout.PLAN`` and ``layout.STATE``), the
single nodes ``u`` (``units.Units``), the result ``row`` (a record of ``sim.engine.state.ROW``) and the
incidents ``log`` (array of ``INCIDENT``); all change what they are given in place.
"""
