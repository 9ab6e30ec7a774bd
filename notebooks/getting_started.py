# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Getting started: how much of the time is useful, and where does the rest go?
#
# A coherent training job on 16,384 GPUs: any fault stops all of them. How much of 54 days is progress, what is lost,
# and what would help most? Run this notebook from its folder; the first answer compiles the engine for half a minute.

# %%
from pathlib import Path

import matplotlib.pyplot as plt

import sim
from sim.report.tornado import figure

SCENARIOS = Path("../scenarios")

# %% [markdown]
# ## One scenario, one answer
# A scenario is a TOML file. `sim.run` simulates it again and again, on other faults each time; here 64 times. Every
# number comes with the interval of its error.

# %%
print((SCENARIOS / "minimal.toml").read_text())

# %%
answer = sim.run(sim.load(SCENARIOS / "minimal.toml"), replications=64)
ettr = answer.ettr
print(f"{ettr.mean:.2%} of the time is progress (95 % interval {ettr.low:.2%} to {ettr.high:.2%}, n = {ettr.n})")

# %% [markdown]
# ## Where the rest goes
# Each second of a run is in one bucket of the ledger.

# %%
losses = answer.ledger.dropna(subset=["hours"]).query("bucket != 'productive' and hours > 0")
drawn, axes = plt.subplots(figsize=(7, 2.5), layout="constrained")
error = [losses["share"] - losses["low"], losses["high"] - losses["share"]]
axes.barh(losses["bucket"].str.replace("_", " "), 100 * losses["share"], xerr=[100 * each for each in error], capsize=3)
axes.invert_yaxis()
axes.set_xlabel("share of the wall clock, %")
axes.set_title("What is lost, with 95 % intervals", loc="left")
plt.show()

# %% [markdown]
# ## One run is not the mean
# The interval above is that of the mean, and more replications make it smaller. What *your* next 54 days look like
# scatters more, and nothing makes that smaller.

# %%
runs = answer.replications
low, high = answer.single_runs["ettr"]["p5"], answer.single_runs["ettr"]["p95"]
drawn, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
axes.hist(100 * runs["ettr"], bins=16, color="#4281a4")
axes.axvspan(100 * low, 100 * high, color="#4281a4", alpha=0.15, label="5 to 95 % of runs")
axes.axvspan(100 * ettr.low, 100 * ettr.high, color="#c1666b", alpha=0.5, label="95 % interval of the mean")
axes.set_xlabel("ETTR of one run, %")
axes.set_ylabel("runs")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# ## What if?
# Two scenarios on the same faults: their difference has little of the faults' noise. Is it better to save every 10
# minutes instead of every 30, or to restart in half the time?

# %%
now = sim.load(SCENARIOS / "minimal.toml")
often = sim.load(SCENARIOS / "minimal.toml", ["stores.remote.every=10 min"])
quick = sim.load(SCENARIOS / "minimal.toml", ["recovery.restart=4 min"])
found = sim.compare(now, often, quick, names=["now", "save every 10 min", "restart in 4 min"], replications=64)
for each in found.differences:
    print(f"{each.name}: {each.verdict}, {100 * each.ettr.low:+.2f} to {100 * each.ettr.high:+.2f} points of ETTR")

# %% [markdown]
# ## What would help most?
# Everything that can be changed, halved and doubled, on the same faults.

# %%
explained = sim.explain(SCENARIOS / "minimal.toml", replications=64)
for loss in explained.losses:
    print(f"{loss.name}: {loss.gpu_hours.mean:,.0f} GPU-hours a run, {loss.of_wall.mean:.2%} of the wall clock")
drawn = figure(explained)
drawn.set_size_inches(8, 3.5)
drawn

# %% [markdown]
# Next: [tuning checkpoint intervals](tuning_checkpoint_intervals.py).
