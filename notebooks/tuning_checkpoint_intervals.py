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
# # Tuning checkpoint intervals
#
# Who saves rarely does much work again after a fault; who saves often stands still for saves. Between the two lies a
# best interval. How well must it be known? Run this notebook from its folder.

# %%
from pathlib import Path

import matplotlib.pyplot as plt

import sim

SCENARIOS = Path("../scenarios")
COLORS = ("#4281a4", "#c1666b", "#6a994e")
NAMES = {"young": "Young", "daly": "Daly", "nvidia": "NVIDIA", "exact": "exact formula"}

# %% [markdown]
# ## One store
# 16,384 GPUs save every 30 minutes, and stand still for 20 s each time. `sim.tune` runs all intervals on the same
# faults, so that their differences have little noise.

# %%
tuned = sim.tune(SCENARIOS / "minimal.toml", "stores.remote.every", "3 min", "2 h", replications=128)
(every,) = tuned.found
print(f"best: {every.best:.3g} min ({every.low:.3g} to {every.high:.3g}), now {tuned.over[0].knob.now:g} min")
best = tuned.setting("best")
print(f"worth {100 * best.gain.mean:+.2f} points of ETTR ({100 * best.gain.low:+.2f} to {100 * best.gain.high:+.2f})")

# %% [markdown]
# The curve is flat around its peak: any value in the shaded region is within 0.1 points of the best.
# Formulas land there as well; what each *really* gets stands in the table below.


# %%
def curve(axes, found, color, label):
    """ETTR of all intervals that were tried, with the error of its difference to the best one's."""
    points = sorted(found.points, key=lambda each: each.value)
    loss = [each.loss for each in points]
    error = [
        [100 * max(each.mean - each.low, 0) for each in loss],
        [100 * max(each.high - each.mean, 0) for each in loss],
    ]
    values = [each.value for each in points]
    axes.errorbar(
        values, [100 * each.metric.mean for each in points], yerr=error[::-1], color=color, label=label, marker="o"
    )


drawn, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
curve(axes, every, COLORS[0], "simulated")
axes.axvspan(*every.flat, color=COLORS[0], alpha=0.15, label="within 0.1 points of the best")
axes.axvline(every.best, color=COLORS[0], linewidth=1)
axes.axvline(tuned.over[0].knob.now, color=COLORS[1], linestyle="--", label="now")
axes.set_xscale("log")
ticks = [3, 5, 10, 20, 30, 60, 120]
axes.set_xticks(ticks, [str(each) for each in ticks])
axes.minorticks_off()
axes.set_xlabel("interval between saves, min")
axes.set_ylabel("ETTR, %")
axes.legend(frameon=False)
plt.show()

# %%
for each in tuned.settings:
    gain = "" if each.gain is None else f"{100 * each.gain.mean:+.2f} points against now"
    print(f"{NAMES.get(each.name, each.name):14} {each.metric.mean:.2%}  {gain}")

# %% [markdown]
# ## The square root
# Young's rule: the best interval grows with the square root of what a save costs. Does it, with this scenario's
# restarts and waiting?

# %%
stalls = [5.0, 20.0, 80.0]
bests = []
for stall in stalls:
    of_stall = sim.tune(
        SCENARIOS / "minimal.toml", "stores.remote.every", "2 min", "2 h",
        changes=[f'stores.remote.stall="{stall:g} s"'], replications=64,
    )  # fmt: skip
    bests.append(of_stall.found[0])
    print(f"stall of {stall:g} s: best {bests[-1].best:.3g} min ({bests[-1].low:.3g} to {bests[-1].high:.3g})")
drawn, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
error = [[each.best - each.low for each in bests], [each.high - each.best for each in bests]]
axes.errorbar(
    stalls, [each.best for each in bests], yerr=error, color=COLORS[0], marker="o", capsize=3, label="simulated"
)
root = [bests[1].best * (stall / stalls[1]) ** 0.5 for stall in stalls]
axes.plot(stalls, root, color=COLORS[1], linestyle="--", label="square root, through the middle one")
axes.set_xscale("log")
axes.set_yscale("log")
axes.set_xticks(stalls, [f"{stall:g}" for stall in stalls])
axes.set_yticks([5, 10, 20, 40], ["5", "10", "20", "40"])
axes.minorticks_off()
axes.set_xlabel("stall of a save, s")
axes.set_ylabel("best interval, min")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Two stores
# 100,000 GPUs save to host memory, and less often to shared storage. Which interval matters?

# %%
FILE = SCENARIOS / "two-tier-100k.toml"
shorter = ["run.horizon=30 days"]  # enough faults for a picture
drawn, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
for store, low, high, color in (("host", "40 s", "15 min", COLORS[0]), ("remote", "5 min", "4 h", COLORS[1])):
    of_store = sim.tune(FILE, f"stores.{store}.every", low, high, changes=shorter, replications=16)
    values = sorted(of_store.found[0].points, key=lambda each: each.value)
    minutes = [of_store.over[0].knob.si(each.value) / 60 for each in values]
    axes.plot(
        minutes, [100 * each.metric.mean for each in values], color=color, marker="o", label=f"stores.{store}.every"
    )
axes.set_xscale("log")
ticks = [1, 2, 5, 15, 60, 240]
axes.set_xticks(ticks, [str(each) for each in ticks])
axes.minorticks_off()
axes.set_xlabel("interval between saves, min")
axes.set_ylabel("ETTR, %")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# Host memory is what is restored from after nearly every fault, so its interval decides. That to shared storage is
# there for the day on which a node and its partner fail at once: unless it is far too short it costs little, and where
# it is short it gives a version more beside those in host memory.
