"""A fit on a cluster of processes beside a fit in one.

Three tables: the results on 1, 2 and 4 workers against those in memory; the time of an
evaluation on 1 and 2 workers (the shortest), with Dask's own monitoring and without,
and what of it is not computing (the median); the memory of the client as the data grow.
And what it costs to lose a worker in the middle. Every worker is a process of one
thread. Prints Markdown tables, writes JSON.

    python benchmarks/dask_scaling.py [--seconds 1 3] [--steps 100000 1000000 10000000]
"""

import argparse
import os
import resource
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any, NamedTuple
from unittest import mock

import dask
import dask.array as da
import numpy as np
from _common import head, row, save, seconds
from distributed import Client, LocalCluster
from sklearn.exceptions import ConvergenceWarning

from skrnn import VanillaRNNClassifier
from skrnn._network.model.parameters import Architecture
from skrnn.dask import DaskVanillaRNNClassifier, _cluster, _shards

N_STEPS, N_FEATURES, N_CLASSES, N_HIDDEN = 50, 32, 10, 128
# What Dask's processes do beside the work, on the same cores: 4 to 6 % of them.
MONITORING: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "off": {
        "distributed.admin.tick.interval": "1s",
        "distributed.worker.profile.enabled": False,
    },
}
FIT = {"max_iter": 20, "tol": 1e-9, "random_state": 0, "hidden_layer_sizes": N_HIDDEN}


def draw(seed: int, n: int) -> tuple[Any, Any]:
    """Draw sequences whose labels tell of the step before."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, N_STEPS, N_FEATURES))
    y = np.roll(X[..., :N_CLASSES].argmax(axis=2), 1, axis=1)
    return X, y


def spread(n_steps: int, n_chunks: int) -> tuple[da.Array, da.Array]:
    """Return arrays that workers draw themselves."""
    n = n_steps // N_STEPS // n_chunks
    parts = [dask.delayed(draw, nout=2, pure=True)(i, n) for i in range(n_chunks)]
    shape = (n, N_STEPS, N_FEATURES)
    X = [da.from_delayed(x, shape, np.float64) for x, _ in parts]
    y = [da.from_delayed(y, shape[:2], np.int64) for _, y in parts]
    return da.concatenate(X), da.concatenate(y)


@contextmanager
def workers(n: int) -> Iterator[Client]:
    """Run a cluster of n processes of one thread."""
    with (
        LocalCluster(
            n_workers=n, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def agreement() -> dict[str, Any]:
    """Compare fits of 20 iterations."""
    X, y = spread(20_000, 8)
    local = VanillaRNNClassifier(**FIT).fit(*dask.compute(X, y, scheduler="sync"))
    results = {}
    head("workers", "difference of the losses", "largest difference of a parameter")
    for n in (1, 2, 4):
        with workers(n):
            remote = DaskVanillaRNNClassifier(**FIT).fit(X, y)
        losses = abs(remote.loss_ - local.loss_)
        names = ("input_coefs_", "recurrent_coefs_", "hidden_intercepts_")
        pairs = [
            *((a, b) for name in names for a, b in _pairs(remote, local, name)),
            (remote.output_coef_, local.output_coef_),
            (remote.output_intercept_, local.output_intercept_),
        ]
        parameters = max(float(np.abs(a - b).max()) for a, b in pairs)
        results[n] = {"loss": losses, "parameters": parameters}
        row(n, f"{losses:.1e}", f"{parameters:.1e}")
    return results


def _pairs(one: Any, other: Any, name: str) -> Iterator[tuple[Any, Any]]:
    return zip(getattr(one, name), getattr(other, name), strict=True)


def lost_worker() -> dict[str, Any]:
    """Kill a worker at iteration 5 of 20."""
    n_steps = 200_000
    X, y = spread(n_steps, 4)
    model = DaskVanillaRNNClassifier(**FIT)
    with workers(2) as client:
        model.fit(X, y)  # workers import what they need
        whole = seconds(lambda: model.fit(X, y))
        expected = model.loss_curve_
        victim = client.run(os.getpid).popitem()[1]
        # One evaluation of all data is for the scales, one for the start.
        with at_evaluation(7, n_steps, lambda: os.kill(victim, signal.SIGKILL)):
            disturbed = seconds(lambda: model.fit(X, y))
    same = model.loss_curve_ == expected
    print(
        f"\nA worker killed at iteration 5 of {model.n_iter_}: "
        f"{'the same' if same else 'ANOTHER'} result, {disturbed - whole:.1f} s lost "
        f"beside {whole:.1f} s of the fit.\n"
    )
    return {"seconds": whole, "lost": disturbed - whole, "same": same}


@contextmanager
def at_evaluation(
    number: int, n_steps: int, act: Callable[[], object]
) -> Iterator[None]:
    """Do something at the start of an evaluation of all data, so many steps."""
    original = _cluster.DaskLossSum.loss_and_gradient
    numbers = count(1)

    def loss_and_gradient(loss_sum: Any, architecture: Any, theta: Any) -> Any:
        if loss_sum.total_weight == n_steps and next(numbers) == number:
            act()
        return original(loss_sum, architecture, theta)

    with mock.patch.object(
        _cluster.DaskLossSum, "loss_and_gradient", loss_and_gradient
    ):
        yield


def speed(work: float, repeats: int) -> dict[str, float]:
    """Time evaluations that take one worker so many seconds."""
    few = evaluations(100_000, (1,), 1)[1]
    n_steps = int(work * 100_000 / min(t.computing for t in few))
    times = evaluations(n_steps, (1, 2), repeats)
    one, two = (min(t.whole for t in times[n]) for n in (1, 2))
    overhead = [np.median([t.whole - t.computing for t in times[n]]) for n in (1, 2)]
    return {
        "steps": n_steps,
        "one worker": one,
        "two workers": two,
        "speed-up": one / two,
        "overhead, ms": 1e3 * float(max(overhead)),
    }


def speeds(work: float, repeats: int) -> dict[str, dict[str, float]]:
    """Time evaluations with and without what Dask does beside them."""
    results = {}
    for monitoring, configuration in MONITORING.items():
        with dask.config.set(configuration):
            results[monitoring] = result = speed(work, repeats)
        n_steps, *figures = result.values()
        row(n_steps, monitoring, *(f"{value:.2f}" for value in figures))
    return results


class Time(NamedTuple):
    """Seconds of an evaluation, and of what the slower worker computed in it."""

    whole: float
    computing: float


def evaluations(
    n_steps: int, clusters: tuple[int, ...], repeats: int
) -> dict[int, list[Time]]:
    """Time evaluations, the first aside.

    Clusters of so many workers take turns, so that all meet the same machine.
    """
    with ExitStack() as stack:
        evaluate = {n: stack.enter_context(evaluation(n_steps, n)) for n in clusters}
        rounds = [{n: evaluate[n]() for n in clusters} for _ in range(repeats + 1)]
    return {n: [times[n] for times in rounds[1:]] for n in clusters}


@contextmanager
def evaluation(n_steps: int, n_workers: int) -> Iterator[Callable[[], Time]]:
    """Give a function that evaluates on so many workers as a fit does, and times it."""
    X, y = spread(n_steps, 2)
    net = Architecture(N_FEATURES, (N_HIDDEN,), 1, N_CLASSES, "tanh")
    theta = np.random.default_rng(0).normal(0, 0.1, net.n_parameters)
    rng = np.random.RandomState(0)
    with workers(n_workers) as client:
        lesson = DaskVanillaRNNClassifier(client=client, **FIT)._training_input(
            X, y, None
        )
        with lesson.data.problem(net, lesson.dtype, 0.0, rng) as problem:
            loss_sum = problem.objective.loss_sum

            def evaluate() -> Time:
                began = time.perf_counter()
                parts = client.gather(
                    loss_sum.tasks.map(timed, loss_sum.shards, net, theta)
                )
                _shards.add([sums for sums, _ in parts])
                whole = time.perf_counter() - began
                return Time(whole, max(computing for _, computing in parts))

            yield evaluate


def timed(shard: Any, architecture: Architecture, theta: Any) -> tuple[Any, float]:
    """Return the sums over a shard, and the seconds that they took."""
    began = time.perf_counter()
    sums = _shards.gradients(shard, architecture, theta)
    return sums, time.perf_counter() - began


def client_memory(n_steps: int) -> float:
    """Return the megabytes by which this process grows while workers fit."""
    X, y = spread(n_steps, 4)
    small = DaskVanillaRNNClassifier(16, max_iter=2, random_state=0)
    with workers(2):
        small.fit(*spread(4 * N_STEPS, 4))  # import what is needed
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        small.fit(X, y)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (after - before) / 1024


def memory(n_steps: int) -> float:
    """Measure in a process of its own, as a peak never falls."""
    child = [sys.executable, __file__, "--child", str(n_steps)]
    output = subprocess.run(child, check=True, stdout=subprocess.PIPE)
    megabytes = float(output.stdout)
    row(n_steps, f"{megabytes:.1f}", f"{n_steps * N_FEATURES * 8 / 2**20:.0f}")
    return megabytes


def main() -> None:
    """Measure everything and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, nargs="*", default=[1, 3])
    parser.add_argument("--steps", type=int, nargs="*", default=[10**5, 10**6, 10**7])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    if options.child:
        print(client_memory(options.child))
        return
    results: dict[str, Any] = {"agreement": agreement(), "lost": lost_worker()}
    columns = "one worker, s", "two workers, s", "speed-up", "overhead, ms"
    head("steps", "monitoring", *columns)
    results["speed"] = {work: speeds(work, options.repeats) for work in options.seconds}
    print()
    head("steps", "client's growth, MB", "X on the workers, MB")
    results["memory"] = {n: memory(n) for n in options.steps}
    save("dask_scaling", results)


if __name__ == "__main__":
    main()
