"""Digits of scikit-learn, and MNIST from written folders."""

import gzip
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from training.config.build_recipe import recipe_from_dict
from training.schema.validation import ConfigError
from training.tasks.images import DigitsTask, MNISTTask

REAL = Path(__file__).parents[4] / "shared" / "data" / "mnist"


def planted(n, first):
    """Return n images, their number in the first two pixels."""
    number = np.arange(first, first + n)
    images = np.zeros((n, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1], images[:, 27, 27] = number // 256, number % 256, 255
    return images, (number % 10).astype(np.uint8)


def write(folder, part, images, labels, pack=bytes, suffix=""):
    folder.mkdir(exist_ok=True)
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        (folder / f"{part}-{kind}-ubyte{suffix}").write_bytes(pack(header + array.tobytes()))
    return folder


def numbers(data):
    """Return the numbers of planted images."""
    first, second = np.rint(data.inputs[:, :2] * 255).astype(int).T
    return first * 256 + second


@pytest.fixture
def folder(tmp_path):
    """Return a folder of 300 training images and 200 test images.

    They are numbered from 0 and from 1000.
    """
    write(tmp_path / "mnist", "train", *planted(300, first=0))
    return write(tmp_path / "mnist", "t10k", *planted(200, first=1000), gzip.compress, ".gz")


def check_images(data):
    """Assert the properties of all image data."""
    assert data.inputs.min() == 0 and data.inputs.max() == 1
    np.testing.assert_array_equal(data.targets.argmax(axis=1), data.labels)
    np.testing.assert_array_equal(np.sort(data.targets, axis=1), np.eye(10)[np.full(len(data.labels), 9)])


def test_digits_are_all_images_of_scikit_learn():
    from sklearn.datasets import load_digits

    task = DigitsTask()
    data = task.build()
    check_images(data)
    assert data.inputs.shape == (1797, 64) and data.targets.shape == (1797, 10) and data.n_train == 1000
    assert (task.n_inputs, task.n_outputs, task.loss_threshold) == (64, 10, None)
    images, labels = load_digits(return_X_y=True)
    expected = Counter((*image, label) for image, label in zip(images.tolist(), labels.tolist(), strict=True))
    rows = zip((data.inputs * 16).tolist(), data.labels.tolist(), strict=True)
    assert Counter((*image, label) for image, label in rows) == expected


def test_digits_are_chosen_by_the_seed():
    first, again, other = (DigitsTask(split_seed=seed).build() for seed in (0, 0, 1))
    assert first.inputs.tobytes() == again.inputs.tobytes()
    assert not np.array_equal(first.inputs, other.inputs)
    fewer = DigitsTask(n_train=100, n_test=50).build()
    np.testing.assert_array_equal(fewer.inputs[:100], first.inputs[:100])
    assert (len(fewer.inputs), fewer.n_train) == (150, 100)


def test_a_recipe_judges_images_by_their_accuracy():
    content = {"name": "any", "task": {"name": "digits"}, "model": {"name": "mlp"}, "arms": {"dense": {}}}
    recipe = recipe_from_dict(content)
    assert recipe.setting("dense").criterion.test == "test_acc"
    assert recipe.setting("dense").shapes()["W_0"] == (64, 200) and recipe.setting("dense").shapes()[
        "W_2"
    ] == (200, 10)


def test_training_and_test_images_come_from_their_parts_of_mnist(folder):
    data = MNISTTask(data_dir=str(folder), n_train=250, n_test=150).build()
    check_images(data)
    train, test = numbers(data)[: data.n_train], numbers(data)[data.n_train :]
    assert data.n_train == len(train) == len(set(train)) == 250 and set(train) < set(range(300))
    assert len(test) == len(set(test)) == 150 and set(test) < set(range(1000, 1200))
    np.testing.assert_array_equal(data.labels, numbers(data) % 10)


@pytest.mark.parametrize("part", ["train", "t10k"])
def test_a_single_part_of_mnist_is_split(tmp_path, part):
    folder = write(tmp_path / "mnist", part, *planted(200, first=500))
    data = MNISTTask(data_dir=str(folder), n_train=120, n_test=80).build()
    check_images(data)
    assert data.n_train == 120 and sorted(numbers(data)) == list(range(500, 700))
    np.testing.assert_array_equal(data.labels, numbers(data) % 10)


def test_plain_and_gzipped_files_give_equal_data(tmp_path):
    plain = write(tmp_path / "plain", "t10k", *planted(20, first=0))
    packed = write(tmp_path / "packed", "t10k", *planted(20, first=0), gzip.compress, ".gz")
    of_plain, of_packed = (MNISTTask(data_dir=str(f), n_train=12, n_test=8).build() for f in (plain, packed))
    assert of_plain.inputs.tobytes() == of_packed.inputs.tobytes()
    assert of_plain.labels.tobytes() == of_packed.labels.tobytes()


def test_mnist_is_chosen_by_the_seed(folder):
    def build(**settings):
        return numbers(MNISTTask(data_dir=str(folder), n_train=50, **settings).build()).tolist()

    assert build(n_test=20) == build(n_test=20) == build(n_test=30)[:70]
    assert build(n_test=20) != build(n_test=20, split_seed=1)


def damage(folder, change):
    """Return the error line of a folder after a change."""
    change(folder)
    with pytest.raises(ConfigError) as caught:
        MNISTTask(data_dir=str(folder), n_train=10, n_test=10).build()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_without_mnist_is_refused(tmp_path):
    error = damage(tmp_path, lambda folder: (folder / "train-labels-idx1-ubyte").write_bytes(b""))
    expected = "a folder with train-images-idx3-ubyte(.gz) or t10k-images-idx3-ubyte(.gz)"
    assert error == f"task.data_dir: expected {expected}, got {str(tmp_path)!r} without them"


@pytest.mark.parametrize("name", ["none", "file"])
def test_a_path_that_is_no_folder_is_refused(tmp_path, name):
    (tmp_path / "file").write_text("")
    error = damage(tmp_path / name, lambda folder: None)
    assert error == f"task.data_dir: expected a folder, got {str(tmp_path / name)!r}, which is not one"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-labels-idx1-ubyte", None, "expected train-labels-idx1-ubyte(.gz) next to the other files"),
        (
            "train-images-idx3-ubyte",
            b"PK",
            "expected an IDX file of unsigned bytes (00 00 08 …), got train-im",
        ),
        ("train-images-idx3-ubyte", 1000, "expected 300 × 28 × 28 = 235200 values, got train-images"),
        ("train-labels-idx1-ubyte", 20, "expected 300 = 300 values, got train-labels-idx1-ubyte: 12"),
        ("t10k-images-idx3-ubyte.gz", 1000, "expected a whole gzip file, got t10k-images-idx3-ubyte.gz: "),
    ],
)
def test_a_damaged_part_is_refused(folder, name, content, message):
    def change(folder):
        path = folder / name
        if content is None:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:content] if isinstance(content, int) else content)

    assert damage(folder, change).startswith(f"task.data_dir: {message}")


def test_images_and_labels_that_do_not_fit_are_refused(tmp_path):
    images, labels = planted(30, first=0)

    def error_of(name, images, labels):
        return damage(tmp_path / name, lambda folder: write(folder, "train", images, labels))

    where = "task.data_dir: expected"
    shape_of_images = f"{where} train images of shape (n, 28, 28), got"
    assert error_of("a", images[:, :, :27], labels) == f"{shape_of_images} (30, 28, 27)"
    assert error_of("b", labels, labels) == f"{shape_of_images} (30,)"
    assert error_of("c", images, labels[:29]) == f"{where} a label for each of 30 images, got (29,)"
    assert error_of("d", images, labels + 1) == f"{where} labels below 10, got 10"


@pytest.mark.parametrize(
    ("parts", "settings", "message"),
    [
        (
            "both",
            {"n_train": 301, "n_test": 1},
            "task.n_train: expected at most the 300 images there are, got 301",
        ),
        (
            "both",
            {"n_train": 1, "n_test": 201},
            "task.n_test: expected at most the 200 images there are, got 201",
        ),
        ("one", {"n_train": 200, "n_test": 101}, "n_train \\+ n_test: expected at most the 300 .*, got 301"),
    ],
)
def test_more_images_than_exist_are_refused(folder, parts, settings, message):
    if parts == "one":
        for path in folder.glob("t10k*"):
            path.unlink()
    with pytest.raises(ConfigError, match=message):
        MNISTTask(data_dir=str(folder), **settings).build()


def test_shapes_are_known_without_the_images():
    assert MNISTTask(data_dir="/no/such/folder").n_inputs == 784


@pytest.mark.parametrize("cls", [DigitsTask, MNISTTask])
@pytest.mark.parametrize("name", ["n_train", "n_test"])
def test_no_images_are_refused(cls, name):
    with pytest.raises(ConfigError, match=f"{name}: expected a whole number from 1, got 0"):
        cls(**{name: 0})


@pytest.mark.parametrize("cls", [DigitsTask, MNISTTask])
def test_a_seed_below_0_is_refused(cls):
    with pytest.raises(ConfigError, match="split_seed: expected a whole number from 0, got -1"):
        cls(split_seed=-1)


def test_more_digits_than_exist_are_refused():
    with pytest.raises(
        ConfigError, match="n_test: expected at most 697, what n_train = 1100 leaves of 1797 im"
    ):
        DigitsTask(n_train=1100)
    with pytest.raises(ConfigError, match="n_train: expected at most 1796 of the 1797 images, got 1797"):
        DigitsTask(n_train=1797)


def test_mnist_without_a_folder_is_fetched(monkeypatch):
    """Data of openml.org have pixels in rows, classes as text, training first."""
    images, labels = (
        np.concatenate(both) for both in zip(planted(60_000, 0), planted(40, 60_000), strict=True)
    )

    def fetch(name, **settings):
        assert name == "mnist_784"
        return images.reshape(-1, 784).astype(np.float32), labels.astype(str).astype(object)

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    data = MNISTTask(n_train=50, n_test=40).build()
    check_images(data)
    assert sorted(numbers(data)[50:]) == list(range(60_000, 60_040)) and numbers(data)[:50].max() < 60_000
    np.testing.assert_array_equal(data.labels, numbers(data) % 10)


def test_mnist_without_a_folder_or_a_network_is_refused(monkeypatch, tmp_path):
    from urllib.error import URLError

    def refuse(*_, **__):
        raise URLError("no network")

    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    monkeypatch.setattr("urllib.request.OpenerDirector.open", refuse)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # before it tries again
    with pytest.raises(ConfigError) as caught:
        MNISTTask().build()
    assert str(caught.value) == (
        "task.data_dir: expected a folder of MNIST's IDX files, got none; "
        "and MNIST could not be fetched from openml.org: <urlopen error no network>"
    )


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no MNIST in {REAL}")
def test_real_mnist():
    """Real test images have known sizes, counts, ink and nearest means."""
    data = MNISTTask(data_dir=str(REAL), n_train=1000, n_test=9000).build()
    check_images(data)
    assert data.inputs.shape == (10_000, 784) and data.n_train == 1000
    assert np.bincount(data.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.inputs.mean() == pytest.approx(0.1325, abs=1e-4)
    train, test = data.inputs[:1000], data.inputs[1000:]
    means = np.stack([train[data.labels[:1000] == c].mean(axis=0) for c in range(10)])
    nearest = ((test**2).sum(axis=1)[:, None] - 2 * test @ means.T + (means**2).sum(axis=1)).argmin(axis=1)
    assert np.mean(nearest == data.labels[1000:]) > 0.75
