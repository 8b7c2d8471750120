"""Batches in a temporary file: the same results, and nothing left behind."""

import errno
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal
from samples import SEQUENCE_FORMS, as_form, make_sequences
from scipy import sparse
from strategies import batches_of, fit, fixed_problem, learned, problems, theta_of
from threadpoolctl import threadpool_limits

from skrnn import VanillaRNNClassifier, VanillaRNNRegressor
from skrnn._network.data import memmap, packing
from skrnn._network.data.inputs import OneHot
from skrnn._network.data.memmap import to_disk
from skrnn._network.training import objective, train, warm_up
from skrnn._validation.sequences import check_sequences

X, y = make_sequences(60)


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """Return the directory of temporary files, empty as yet."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def mapped(array, directory):
    """Return an array as a map of a new file."""
    path = directory / f"{len(list(directory.iterdir()))}.npy"
    np.save(path, array)
    return np.load(path, mmap_mode="r")


def arrays_of(batch):
    """Return all numbers of a batch."""
    steps = batch.X
    parts = [steps]
    if isinstance(steps, OneHot):
        parts = [steps.columns, steps.transposed.indices]
    elif sparse.issparse(steps):
        parts = [steps.data, steps.indices, steps.indptr]
    return [*parts, batch.y, batch.w, batch.steps]


@given(problems())
def test_a_batch_is_read_back_as_it_was_written(problem):
    batches = problem.batches(np.float32)
    for before, after in zip(batches, to_disk(iter(batches)), strict=True):
        assert type(after.X) is type(before.X)
        assert after.X.dtype == before.X.dtype
        assert after.offsets == before.offsets
        for one, other in zip(arrays_of(before), arrays_of(after), strict=True):
            assert_array_equal(one, other)


def test_a_batch_in_a_file_cannot_be_written_to():
    (batch,) = to_disk(fixed_problem().batches())
    with pytest.raises(ValueError, match="read-only"):
        batch.X[0] = 0


def test_batches_are_packed_and_written_one_by_one(monkeypatch):
    events = []

    def noted(name, function):
        return lambda *arguments: (events.append(name), function(*arguments))[1]

    monkeypatch.setattr(packing, "pack", noted("packed", packing.pack))
    monkeypatch.setattr(memmap, "_write", noted("written", memmap._write))
    source = fixed_problem().source
    ids = packing.by_length(source.lengths)
    with batches_of(1):
        made = packing.batches(source, ids, np.dtype(np.float64), store=to_disk)
    assert len(made) > 1
    assert events == ["packed", "written"] * len(made)


# What counts as on disk


def forms_on_disk(directory):
    """Yield X in every form, as maps of files."""
    array = mapped(X, directory)
    valid = [mapped(X[:, :2], directory)[i] for i in range(len(X))]
    yield "padded", array
    yield "a part of padded", array[10:, 1:]
    yield "padded as a plain array", np.asarray(array)
    yield "ragged", valid
    yield "one of ragged", [*X[:3, :2], valid[3]]
    yield "rows", mapped(X[:, 0], directory)
    x = sparse.csr_array(X[0, :2])
    x.data = mapped(x.data, directory)
    yield "sparse", [x]


def test_maps_of_files_are_known_in_every_form(tmp_path):
    for name, data in forms_on_disk(tmp_path):
        model = VanillaRNNClassifier()
        found = check_sequences(model, data, padding_value=np.nan, fitting=True)
        assert found.on_disk, name


@pytest.mark.parametrize("form", SEQUENCE_FORMS)
def test_what_is_in_memory_is_not_on_disk(form, monkeypatch):
    monkeypatch.setattr(train, "to_disk", None)
    fit(*as_form(form, X, y), max_iter=1)


def test_a_part_copied_into_memory_is_not_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "to_disk", None)
    fit(mapped(X, tmp_path)[np.arange(30)], y[:30], max_iter=1)


# Results


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
@pytest.mark.parametrize("form", ["padded", "ragged", "rows"])
@pytest.mark.parametrize("model", [VanillaRNNClassifier, VanillaRNNRegressor])
def test_a_fit_on_a_map_is_the_fit_in_memory(form, dtype, model, directory):
    steps = np.nan_to_num(X * 10).astype(dtype)
    labels = np.maximum(y, 0)
    take = {"padded": lambda a: a, "ragged": list, "rows": lambda a: a[:, 0]}[form]
    targets = take(labels) if form == "rows" else labels
    data = take(mapped(steps, directory))
    with batches_of(8):
        one = fit(take(steps), targets, model=model)
        other = fit(data, targets, model=model)
    assert_array_equal(theta_of(one), theta_of(other))
    assert one.loss_curve_ == other.loss_curve_
    for a, b in zip(one.predict(take(steps)), other.predict(data), strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize(
    "parameters", [{}, {"skip_connection": True, "transitions": True}]
)
def test_the_strengths_found_on_a_map_are_those_in_memory(parameters, directory):
    one, other = (
        fit(data, y, alpha="auto", skip_alpha="auto", **parameters)
        for data in (X, mapped(X, directory))
    )
    assert_array_equal(learned(one), learned(other))
    assert (one.alpha_, one.skip_alpha_) == (other.alpha_, other.skip_alpha_)


def test_early_stopping_on_a_map_is_that_in_memory(directory):
    one = fit(X, y, early_stopping=True)
    other = fit(mapped(X, directory), y, early_stopping=True)
    assert one.validation_scores_ == other.validation_scores_


def test_a_fit_that_begins_on_parts_of_a_map_is_that_in_memory(directory, monkeypatch):
    monkeypatch.setattr(warm_up, "MIN_SEQUENCES", 0)
    one, other = fit(X, y), fit(mapped(X, directory), y)
    assert_array_equal(theta_of(one), theta_of(other))


# What is left behind


def test_the_file_has_no_name_while_it_is_used(directory, monkeypatch):
    seen = []
    original = objective.batch_loss_and_gradient

    def look(*arguments):
        seen.append([path.name for path in directory.iterdir()])
        return original(*arguments)

    monkeypatch.setattr(objective, "batch_loss_and_gradient", look)
    fit(mapped(X, directory), y, max_iter=2)
    # Windows gives it one, and removes it when the file is closed.
    assert seen
    assert all(names == ["0.npy"] for names in seen) or sys.platform == "win32"


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RuntimeError])
@pytest.mark.parametrize("where", ["pack", "batch"])
def test_nothing_is_left_of_a_fit_that_fails(error, where, directory, monkeypatch):
    def fail(*_):
        raise error

    target = {
        "pack": "skrnn._network.data.packing.compress",
        "batch": "skrnn._network.training.objective.batch_loss_and_gradient",
    }[where]
    data = mapped(X, directory)
    monkeypatch.setattr(target, fail)
    with pytest.raises(error):
        fit(data, y)
    assert [path.name for path in directory.iterdir()] == ["0.npy"]


def test_a_full_disk_is_an_error_that_names_the_directory(directory, monkeypatch):
    class Full(tempfile.SpooledTemporaryFile):
        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    data = mapped(X, directory)
    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    with pytest.raises(OSError, match=r"No space left.*TMPDIR") as caught:
        fit(data, y)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(directory)


# Memory

CHILD = """
import hashlib, resource, sys
import numpy as np
import scipy.linalg
from threadpoolctl import threadpool_limits
sys.path.insert(0, {tests!r})
from strategies import fit, theta_of

X = np.load({path!r}, mmap_mode="r")
y = np.load({labels!r})
fit(np.ones((2, 2, 1)), [[0, 1], [1, 0]])
# Buffers of both BLAS libraries are made at their first large products.
scipy.linalg.solve(np.eye(600), np.ones((600, 600)) @ np.ones((600, 600)))
# For each thread more than one BLAS takes as much as a quarter of the map.
threadpool_limits(1, user_api="blas")
if sys.platform == "linux":
    status = open("/proc/self/status").read()
    in_use = int(status.split("VmData:")[1].split()[0]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (in_use + X.nbytes // 4,) * 2)
model = fit(X, y, hidden_layer_sizes=2, max_iter=1)
print(hashlib.sha256(theta_of(model)).hexdigest(), model.score(X, y))
"""


def test_a_fit_needs_less_private_memory_than_a_quarter_of_a_map(tmp_path):
    rng = np.random.default_rng(0)
    steps = rng.standard_normal((3600, 100, 64), dtype=np.float32)
    labels = np.asarray(steps[..., 0] > 0, dtype=np.int8)
    path, label_path = tmp_path / "X.npy", tmp_path / "y.npy"
    np.save(path, steps)
    np.save(label_path, labels)
    code = CHILD.format(
        tests=str(Path(__file__).parent), path=str(path), labels=str(label_path)
    )
    child = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    with threadpool_limits(1, user_api="blas"):
        model = fit(steps, labels, hidden_layer_sizes=2, max_iter=1)
        score = model.score(steps, labels)
    digest, childs_score = child.stdout.split()
    assert digest == hashlib.sha256(theta_of(model)).hexdigest()
    assert float(childs_score) == score
