"""Scenario texts that the tests of this folder start from."""

BUSY = """\
name = "busy"

[cluster]
nodes = 12

[job]
nodes = 10
checkpoint = "1 TB"

[faults.node]
per = "node"
mtbf = "400 h"
needs = { process = 0.2, reset = 0.3, repair = 0.5 }

[faults.software]
per = "job"
mtbf = "30 h"
clock = "training"

[stores.remote]
every = "30 min"
stall = "20 s"
bandwidth = "5 GB/s"
slowdown = "5 %"

[recovery]
detect = "1 min"

[recovery.swap.stages]
diagnosis = "1 min"
restart = { law = "exponential", mean = "5 min" }
load = "auto"
warm_up = "2 min"

[pools]
hot = { nodes = 2, activation = "1 min" }

[repair]
reset = { time = "20 min", success = 0.8 }
replace = { time = { law = "exponential", mean = "12 h" }, crews = 1 }

[run]
horizon = "10 days"
max_replications = 100
"""
"""Every bucket of the ledger gets something."""

CALM = """\
[cluster]
nodes = 2

[run]
horizon = "1 day"
"""
"""Nothing fails and nothing is saved."""

STEADY = """\
[cluster]
nodes = 10

[faults.node]
per = "node"
mtbf = "100 h"
needs = "process"

[stores.remote]
every = "30 min"
stall = "20 s"

[run]
horizon = "10 days"
"""
"""A fault every 10 h, all of them alike."""
