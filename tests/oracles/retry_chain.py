"""Restarts that fail as the bad node is still in: figures of a public report, arXiv:2605.09370."""

CHAIN = """
[cluster]
nodes = 63
[job]
nodes = 60
[faults.gpu]
per = "gpu"
observed = { events = 10, units = 504, over = "55 days" }
needs = "repair"
[stores.nfs]
every = "30 min"
stall = "20 s"
[recovery]
restart = "11 min"
[repair]
time = "1 day"
[run]
horizon = "73 days"
seed = 712
"""
