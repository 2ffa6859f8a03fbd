"""Sweeps on a Ray cluster end with the bits of `local`, whatever is killed meanwhile."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from labkit.errors import ConfigError, LabkitError
from labkit.testing import check_executor, check_plugin

pytestmark = pytest.mark.filterwarnings("ignore")
ray = pytest.importorskip("ray", reason="Ray is not installed: pip install ./plugins/labkit-ray")
from labkit_ray.executor import RayExecutor, share  # noqa: E402

from tests.lab.runs import PROGRAMS, command, left_behind, run, table, trials  # noqa: E402

SENT = ",shared_folder=false,fetch_every=0.2"
OPTIONS = ("--sweep", "rate=0.1,0.01", "--seeds", "2", "--jobs", "2", "--set", "steps=30")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    logs = tmp_path_factory.mktemp("undisturbed")
    assert run("walk", logs, *OPTIONS, "--set", "pause=0.05").returncode == 0
    return logs


def start(logs: Path, environment: dict[str, str], settings: str = "", address: str = "local") -> subprocess.Popen[str]:
    options = (*OPTIONS, "--set", "pause=0.05", "--executor", f"ray(address={address}{settings})")
    return subprocess.Popen(
        command("walk", logs, *options),
        env={**os.environ, **environment, "LABKIT_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def saved(logs: Path) -> bool:
    return bool(list(logs.glob("walk/*/t0001/checkpoints/state/step-*.index")))


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def zygotes(process: subprocess.Popen[str]) -> list[psutil.Process]:
    found = []
    for each in family(process):
        try:
            found += [each] if "labkit.lab.zygote" in each.cmdline() else []
        except psutil.Error:
            continue
    return found


@pytest.mark.ci
def test_the_plugin_registers_it() -> None:
    check_plugin("labkit_ray.plugin")


@pytest.mark.ci
def test_cores_are_shared_evenly() -> None:
    assert [share([8, 8], 4), share([8, 8], 3), share([4, 2], 2), share([2], 4), share([], 3)] == [4, 4, 2, 0.5, 1]


@pytest.mark.ci
@pytest.mark.parametrize("settings", [{"max_retries": -1}, {"num_cpus": 0}, {"fetch_every": "often"}])
def test_settings_are_numbers(settings: dict) -> None:
    with pytest.raises(ConfigError, match="is a number above 0"):
        RayExecutor(2, **settings)


@pytest.mark.parametrize(
    "shared", [pytest.param(None, marks=pytest.mark.ci), pytest.param(False, marks=pytest.mark.campaign)]
)
def test_it_keeps_the_contract(shared: bool | None) -> None:
    check_executor(functools.partial(RayExecutor, address="local", shared_folder=shared, fetch_every=0.5))


@pytest.mark.parametrize(
    "settings", [pytest.param("", marks=pytest.mark.campaign), pytest.param(SENT, marks=pytest.mark.ci)]
)
def test_a_lost_worker_costs_an_attempt(
    tmp_path: Path, undisturbed: Path, environment: dict[str, str], settings: str
) -> None:
    process = start(tmp_path, environment, settings)
    until(lambda: saved(tmp_path))
    zygotes(process)[0].parent().kill()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Its worker was lost" in err
    assert table(tmp_path) == table(undisturbed)
    assert left_behind(tmp_path) == left_behind(undisturbed)
    assert sorted(trial.attempt for trial in trials(tmp_path)) == [1, 1, 1, 2]
    assert not list(tmp_path.rglob(".labkit-*"))


@pytest.mark.campaign
def test_a_trial_that_loses_its_workers_has_failed(tmp_path: Path, environment: dict[str, str]) -> None:
    process = start(tmp_path, environment, ",max_retries=0")
    until(lambda: saved(tmp_path))
    zygotes(process)[0].parent().kill()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    failed = [trial for trial in trials(tmp_path) if trial.state == "FAILED"]
    assert [(trial.kind, trial.attempt) for trial in failed] == [("crash", 1)]
    assert "Its worker was lost" in (failed[0].reason or "")


@pytest.mark.campaign
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_runner_leaves_nothing_and_the_same_command_continues(
    tmp_path: Path, undisturbed: Path, environment: dict[str, str], number: signal.Signals
) -> None:
    process = start(tmp_path, environment)
    until(lambda: saved(tmp_path))
    everybody = family(process)
    if number == signal.SIGKILL:  # Ray's own agents take their time
        trees = [(zygote, *zygote.children(recursive=True)) for zygote in zygotes(process)]
        everybody = [each for tree in trees for each in tree]
        assert len(everybody) >= 2
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal's Ctrl-C does
    else:
        process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGINT else -9), err
    psutil.wait_procs(everybody, timeout=20)
    assert not [each for each in everybody if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    again = start(tmp_path, environment)
    _, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert left_behind(tmp_path) == left_behind(undisturbed)
    if number == signal.SIGINT:
        assert max(trial.attempt for trial in trials(tmp_path)) == 2


@pytest.mark.campaign
def test_a_lost_machine_costs_an_attempt(
    tmp_path: Path, undisturbed: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines, of which only one has cores after the other's end; no folder is shared, no experiment's file there."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", environment["PYTHONPATH"])
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
    try:
        lost = cluster.add_node(num_cpus=2)
        process = start(tmp_path, environment, SENT, cluster.address)
        until(lambda: saved(tmp_path))
        cluster.remove_node(lost)
        _, err = process.communicate(timeout=180)
        assert process.returncode == 0, err
    finally:
        cluster.shutdown()
    assert left_behind(tmp_path) == left_behind(undisturbed)


@pytest.mark.ci
def test_there_may_be_no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(LabkitError, match="There is no Ray cluster at that address"):
        RayExecutor(2, address="auto")


@pytest.mark.campaign
def test_a_program_keeps_the_cluster_that_it_has_begun(tmp_path: Path, environment: dict[str, str]) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import ray, labkit as lk\n"
        "ray.init('local', num_cpus=2, include_dashboard=False, log_to_driver=False)\n"
        f"found = lk.run({str(PROGRAMS / 'walk.py')!r}, logs={str(tmp_path / 'logs')!r}, executor='ray')\n"
        "assert list(found.table['n']) == [1] and ray.is_initialized()\n"
        "ray.shutdown()\n"
    )
    done = subprocess.run([sys.executable, str(program)], env={**os.environ, **environment}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
