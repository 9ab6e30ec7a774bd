"""The model as SimPy processes: the specification that the compiled engine is held to, bit for bit.

Processes: the job, a clock for the faults on wall time and one for those on training time, and one for each unit that a
crew works on. Saves are counted in closed form (``sim.kernels.saves``), and all draws are keyed
(``sim.kernels.philox``).
"""

from sim.engine.simpy_engine.run import run_one

__all__ = ["run_one"]
