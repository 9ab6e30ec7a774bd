"""Scenario texts that the tests of the command line run."""

from pathlib import Path

SHIPPED = sorted((Path(__file__).parents[2] / "scenarios").glob("*.toml"))

SMALL = """\
name = "small"

[cluster]
nodes = 12

[job]
nodes = 10

[faults.node]
per = "node"
mtbf = "500 h"
needs = { process = 0.2, reset = 0.3, repair = 0.5 }

[faults.software]
per = "job"
mtbf = "60 h"
clock = "training"

[stores.remote]
every = "30 min"
stall = "20 s"

[recovery]
detect = "1 min"
restart = "8 min"

[repair]
replace = { time = { law = "exponential", mean = "1 day" }, crews = 1 }

[run]
horizon = "10 days"
"""

NOTHING_FAILS = """\
[cluster]
nodes = 2

[run]
horizon = "1 day"
"""

NO_STORE = """\
[cluster]
nodes = 2

[faults.node]
per = "node"
mtbf = "100 h"

[run]
horizon = "30 days"
"""

RATE_ZERO = """\
[cluster]
nodes = 2

[faults.never_seen]
per = "node"
observed = { events = 0, units = 100, over = "90 days" }

[stores.remote]
every = "30 min"
stall = "20 s"

[run]
horizon = "1 day"
"""

UNTIL_WORK = """\
[cluster]
nodes = 3

[job]
nodes = 2

[faults.node]
per = "node"
mtbf = "50 h"

[stores.remote]
every = "1 h"
stall = "1 min"

[run]
work = "5 days"
"""

DEPLETED = """\
[cluster]
nodes = 3

[job]
nodes = 2

[faults.node]
per = "node"
mtbf = "50 h"

[stores.remote]
every = "1 h"
stall = "1 min"

[repair]
time = "never"

[run]
horizon = "30 days"
"""

NO_PROGRESS = """\
[cluster]
nodes = 10

[faults.node]
per = "node"
mtbf = "10 h"
needs = "process"

[stores.remote]
every = "10 min"
stall = "10 s"

[recovery]
restart = "130 years"
max_attempts = 3

[run]
horizon = "10 days"
"""

ODD_NAMES = """\
name = "a [bold]name[/bold] with :smile: 🚀 and \\"quotes\\""

[cluster]
nodes = 6
gpus_per_node = 4

[job]
nodes = 4
checkpoint = "1 TB"

[faults."[red]x[/red] [/]"]
per = "node"
mtbf = "200 h"
needs = { process = "50 %", reset = 0.25, repair = 0.25 }

[faults."a.b \\"q\\""]
per = "job"
clock = "wall"
mtbf = "100 h"

[stores."the store"]
every = "30 min"
bandwidth = "10 GB/s"
stall = "5 s"
slowdown = "2 %"
in_flight = "unlimited"

[recovery."in [b]place"]
when = { needs = ["process", "reset"], attempts_below = 2, units_down_at_most = 3, spare_available = true }
use = "same units"
on_fault = "retry_stage"
vulnerable = false

[recovery.swap.stages]
diagnosis = { law = "exponential", mean = "2 min" }
init = { base = "40 s", per_gpu = "0.5 ms", per_gpu2 = "0.1 us", bucket = "warm_up" }
check = { law = "mixture", of = [
    { share = 0.6, time = "3 min" },
    { share = "40 %", law = "lognormal", mean = "30 min", sd = "10 min" },
] }
load = "auto"

[pools]
hot = { nodes = 1, activation = "1 min" }
cold = 1

[repair]
reset = { time = "20 min", success = 0.8 }
replace = { time = { law = "lognormal", mean = "2 days", sd = "1.5 days" }, crews = 1, success = 0.95 }

[run]
work = "20 days"
"""

ALL = {
    "small": SMALL,
    "nothing fails": NOTHING_FAILS,
    "no store": NO_STORE,
    "rate zero": RATE_ZERO,
    "until work": UNTIL_WORK,
    "depleted": DEPLETED,
    "no progress": NO_PROGRESS,
    "odd names": ODD_NAMES,
}
