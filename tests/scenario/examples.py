"""Scenario texts that the tests of this folder start from."""

from pathlib import Path

SCENARIOS = Path(__file__).parents[2] / "scenarios"

SMALL = """\
#:schema scenario.schema.json
name = "small"

[cluster]
nodes = 100

[job]
nodes = 90
step = "6 s"
checkpoint = "9 TB"

[faults.node]
per = "node"
mtbf = "6_300 h"

[stores.remote]
every = "30 min"
stall = "20 s"

[recovery]
restart = "8 min"

[run]
horizon = "54 days"
"""

LARGE = """\
#:schema scenario.schema.json
name = "everything that this version knows"

[cluster]
nodes = 12_900
gpus_per_node = 4

[job]
nodes = 12_500
step = "6 s"
checkpoint = "28 TB"

[faults.optics]
per = "gpu"
count = 2
mtbf = "1.28e6 h"
effect = "stop"
takes = "node"
needs = { reset = 0.6, repair = "40 %" }

[faults.nic]
per = "node"
fit = 12_000
detect = "5 s"
clock = "wall"

[faults.psu]
per = "node"
count = 6
afr = "1 %/year"
needs = "repair"

[faults.host]
per = "node"
per_1000_node_days = 0.4
takes = "nothing"
needs = "process"

[faults.software]
per = "job"
observed = { events = 54, over = "49 days", clock = "training" }
clock = "training"
needs = "process"

[detect]
stop = "40 s"

[stores.remote]
bandwidth = "2 TB/s"
every = "50 steps"
stall = "8 s"
slowdown = "3 %"
in_flight = "unlimited"
keep = 5

[recovery]
max_attempts = 50

[recovery.in_place]
when = { needs = "process", attempts_below = 3, units_down_at_most = 0, spare_available = true }
use = "same units"
on_fault = "retry_stage"
stages = { restart = "90 s", init = "40 s", load = "auto" }

[recovery.swap]
use = "spares, else wait"
vulnerable = false

[recovery.swap.stages]
diagnosis = { law = "exponential", mean = "2 min" }
start = { law = "lognormal", mean = "3 min", sd = "1 min", vulnerable = true }
init = { base = "40 s", per_gpu = "0.5 ms", per_gpu2 = "0.1 us", bucket = "warm_up" }
check = { law = "mixture", of = [
    { share = 0.6, time = "3 min" },
    { share = "40 %", law = "exponential", mean = "30 min" },
] }
load = "auto"
warm-up = { time = "1 min" }

[pools]
hot = { nodes = 100, activation = "1 min" }
cold = 300

[repair]
reset = { time = "20 min", success = 0.8, else = "replace" }
replace = { time = { law = "lognormal", mean = "2 days", sd = "1.5 days" }, crews = 20, success = 0.95 }

[efficiency]
chip = { name = "b200-sxm", power = "1.1 kW" }
precision = "fp8"
mfu = "1_500 TFLOP/s"
server_power = "700 W"
idle_power = "50 %"
pue = 1.1
electricity = "97.7 USD/MWh"
node_price = "160_000 USD"
depreciation = "5 years"
network = { cost = "20 %", power = 0.1 }

[efficiency.model]
parameters = 2e12
active = 100e9
flops_per_token = 7e11
tokens = 30e12
bytes_per_parameter = 12

[run]
work = "90 days"
seed = 7
initial_start = false
precision = { of = "ettr", half_width = "0.05 points" }
confidence = "90 %"
max_replications = 100
max_events = 1_000
"""
