import tomllib
from typing import Any

import pytest

from sim.errors import ScenarioError
from sim.scenario import loads
from sim.scenario.starter import starter


@pytest.mark.parametrize(
    ("given", "hot"),
    [
        ({"nodes": 1}, 0),
        ({"nodes": 2}, 1),
        ({"nodes": 2_100, "gpus_per_node": 4, "mtbf": "6_300 h"}, 42),
        ({"nodes": 2_100, "job_nodes": 2_048}, 52),
        ({"nodes": 10, "job_nodes": 10, "checkpoint": "28 TB", "bandwidth": "2 TB/s"}, 0),
        ({"nodes": 10, "job_nodes": 9, "checkpoint": "28 TB", "every": "20 min", "horizon": "3 days"}, 1),
        ({"nodes": 10, "job_nodes": 9, "name": 'a "b" \\ \n \x00 é'[:8]}, 1),
    ],
)
def test_a_starter_loads(given: dict[str, Any], hot: int) -> None:
    text = starter(**given)
    assert text.startswith("#:schema scenario.schema.json\n")
    scenario = loads(text)
    assert scenario.cluster.nodes == given["nodes"]
    assert scenario.pools.hot.nodes == hot
    assert "#" in text
    if "bandwidth" in given:
        assert scenario.stores["remote"].read == 14.0
        assert "stall" not in tomllib.loads(text)["stores"]["remote"]
    if "every" in given:
        assert scenario.stores["remote"].every.value == 1200.0
        assert scenario.run.horizon == 3 * 86_400.0


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"nodes": 0}, "cluster.nodes"),
        ({"nodes": 10, "job_nodes": 0}, "job.nodes"),
        ({"nodes": 10, "job_nodes": 11}, "job.nodes"),
        ({"nodes": 10, "mtbf": "6300"}, "faults.node.mtbf"),
        ({"nodes": 10, "bandwidth": "2 TB/s"}, "stores.remote.bandwidth"),
        ({"nodes": 10, "every": "often"}, "stores.remote.every"),
        ({"nodes": 10, "horizon": '"\n[x]'}, "run.horizon"),
    ],
)
def test_values_that_cannot_stand_in_a_scenario(given: dict[str, Any], key: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        starter(**given)
    assert key in [problem.key for problem in caught.value.problems]
    assert {(problem.file, problem.line) for problem in caught.value.problems} == {("command line", None)}
