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
# # The frontier: 1,000 to 1,000,000 GPUs
#
# Where does ETTR fall off as a job grows, and what would keep 1,000,000 GPUs above 90 %? The page
# [docs/frontier.md](../docs/frontier.md) has more figures, and says what is published and what is assumed. Run this
# notebook from its folder.

# %%
from pathlib import Path

import matplotlib.pyplot as plt

import sim
from sim.batch.file import load_sweep

SCENARIOS = Path("../scenarios")
STORES = {"shared": "shared storage", "host": "host memory", "memory": "every step in memory"}
WAYS = {"5 min": "full restart", "45 s": "in-job restart", "2 s": "in-process restart"}
COLORS = dict(zip(WAYS, ("#c1666b", "#4281a4", "#6a994e"), strict=True))
REPLICATIONS = 12  # enough for a picture; the sweeps themselves run until they are precise

# %% [markdown]
# ## Where ETTR falls off
# Three sweeps differ in where checkpoints go; each has three ways to recover. Half of their sizes are enough here. A
# fault strikes a GPU every 50,000 h: at 1,000,000 GPUs that is one every 3 minutes.

# %%
curves = {}
for store in STORES:
    sweep = load_sweep(SCENARIOS / "sweeps" / f"frontier-{store}.toml")
    for case in sweep.cases:
        if case.index % 13 % 2 == 0:
            ettr = sim.run(sweep.scenario_of(case), replications=REPLICATIONS).ettr
            curves.setdefault((store, case.values[0]), []).append((8 * case.values[1], ettr))

# %%
drawn, panels = plt.subplots(1, 3, figsize=(10, 3.4), sharey=True, layout="constrained")
for axes, (store, title) in zip(panels, STORES.items(), strict=True):
    for restart, way in WAYS.items():
        sizes, found = zip(*curves[store, restart], strict=True)
        means = [100 * each.mean for each in found]
        error = [100 * each.half_width for each in found]
        axes.errorbar(sizes, means, yerr=error, color=COLORS[restart], marker="o", capsize=2, label=way)
    axes.axhline(90, color="black", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.set_xlabel("GPUs")
    axes.set_title(title, loc="left")
panels[0].set_ylabel("ETTR, %")
panels[0].legend(frameon=False, loc="lower left")
plt.show()

# %% [markdown]
# Full restart fails everywhere at about the same size: what is lost is the time of restarts, which the next fault hits.
# The faster the restart, the more the checkpoint matters.
#
# ## What keeps 1,000,000 GPUs above 90 %?
# For each pair the mean life of a GPU that it takes, on the same faults, stretched. 50,000 h are today's. Full restarts
# are left out: they would take 5,000,000 h and more.

# %%
needed = {}
for store in STORES:
    base = SCENARIOS / "sweeps" / "base" / f"frontier-{store}.toml"
    for case in load_sweep(SCENARIOS / "sweeps" / f"frontier-{store}.toml").cases[25::13]:  # the largest
        changes = [*case.changes, "run.horizon=5 days"]
        (found,) = sim.tune(
            base, "faults.gpu.mtbf", "40_000 h", "20_000_000 h", target=0.9, changes=changes, replications=9
        ).found
        needed[store, case.values[0]] = found
        life = f"{found.best:9,.0f} h ({found.low:,.0f} to {found.high:,.0f})"
        print(f"{STORES[store]:20} {WAYS[case.values[0]]:18} {life}")

# %%
drawn, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
for shift, (restart, way) in enumerate(list(WAYS.items())[1:]):
    found = [needed[store, restart] for store in STORES]
    best = [each.best for each in found]
    error = [[each.best - each.low for each in found], [each.high - each.best for each in found]]
    places = [place + 0.25 * (shift - 0.5) for place in range(len(STORES))]
    axes.errorbar(places, best, yerr=error, color=COLORS[restart], marker="o", linestyle="", capsize=4, label=way)
axes.axhline(50_000, color="black", linewidth=0.8, linestyle=":", label="today (D20): 50,000 h")
axes.set_yscale("log")
axes.set_xticks(range(len(STORES)), list(STORES.values()))
axes.set_xlim(-0.6, 3.6)
axes.set_ylabel("mean life of a GPU, h")
axes.set_title("For an ETTR of 90 % with 1,000,000 GPUs", loc="left")
axes.legend(frameon=False, loc="center right")
plt.show()

# %% [markdown]
# ## Twice the MTBF, or twice the network?
# Bandwidth counts here by what it does for checkpoints. What it does for the speed of a step is not in ETTR; the points
# say how much that must be to be worth as much as GPUs that fail half as often.


# %%
def changed(name, lines):
    """A scenario of the frontier with further lines."""
    text = "\n".join([f'include = ["{name}.toml"]', *lines])
    return sim.loads(text, str(SCENARIOS / "frontier" / "changed.toml"))


names = ("hopper-100k-liquid", "blackwell-300k", "rubin-1m")
gains = []
for name in names:
    now = sim.load(SCENARIOS / "frontier" / f"{name}.toml")
    lives = [f'faults.{key}.mtbf = "{2 / each.rate:.9g} s"' for key, each in now.faults.items()]
    network = [
        f'stores.{key}.{time} = "{float(getattr(each, time)) / 2} s"'
        for key, each in now.stores.items()
        for time in ("persist", "read")
    ]
    found = sim.compare(now, changed(name, lives), changed(name, network), replications=REPLICATIONS)
    gains.append([each.ettr for each in found.differences])
    print(f"{name}: ETTR {found.cases[0].ettr.mean:.1%}")

# %%
drawn, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
for shift, (what, color) in enumerate((("twice the MTBF", "#4281a4"), ("twice the bandwidth", "#6a994e"))):
    of_kind = [each[shift] for each in gains]
    places = [place + 0.36 * shift for place in range(len(names))]
    error = [100 * each.half_width for each in of_kind]
    axes.barh(places, [100 * each.mean for each in of_kind], 0.34, xerr=error, color=color, capsize=3, label=what)
axes.set_yticks([place + 0.18 for place in range(len(names))], names)
axes.invert_yaxis()
axes.set_xlabel("gain of ETTR, points")
axes.legend(frameon=False)
plt.show()
