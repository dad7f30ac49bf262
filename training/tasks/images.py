"""Images of handwritten digits: scikit-learn's small ones, and MNIST."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from training.schema.validation import ConfigError, require
from training.tasks.dataset import Dataset, Task
from training.tasks.idx_format import read_idx

N_CLASSES = 10
SIDE = 28  # pixels, of MNIST
N_DIGITS = 1797


class Images(NamedTuple):
    """Images, a row each, and the digits they show."""

    values: UInt8[np.ndarray, "n pixels"]
    """Grey values from 0."""
    labels: Int[np.ndarray, " n"]


@dataclass(frozen=True, kw_only=True)
class ImageTask(Task):
    """Classification of digits by squared error on one-hot targets.

    Features are grey values in [0, 1]. The mean squared error is over the ten outputs too; accuracy is that
    of the largest output.

    References
    ----------
    .. [1] Liu et al., "Omnigrok", arXiv:2210.01117 (1000 training images, squared error on one-hot
       targets, all weights of the start times κ = 8: the model's `init_scale`).
    .. [2] Minegishi et al., arXiv:2310.19470 (the same, with tickets; the published code swaps the two data
       loaders, so it trains on the test file; either is a sample of the same digits).
    """

    gives = "features"

    n_train: int = 1000
    n_test: int
    split_seed: int = 0
    """Seed of the choice of images alone, whatever a network's own seed."""

    def __post_init__(self) -> None:
        for name in ("n_train", "n_test"):
            require(getattr(self, name) >= 1, name, "a whole number from 1", getattr(self, name))
        require(self.split_seed >= 0, "split_seed", "a whole number from 0", self.split_seed)

    @property
    def n_outputs(self) -> int:
        """One per digit."""
        return N_CLASSES

    @abstractmethod
    def _images(self) -> tuple[Images, Images | None, int]:
        """Return training images, test images and the value of white.

        None in place of test images: both parts are drawn from the first.
        """

    def build(self) -> Dataset:
        """Return training, then test images, in orders drawn from `split_seed`."""
        train, test, white = self._images()
        rng = np.random.default_rng(self.split_seed)
        drawn = rng.permutation(len(train.labels))
        if test is None:
            _require_so_many(self.n_train + self.n_test, len(drawn), "n_train + n_test")
            test, drawn_to_test = train, drawn[self.n_train :]
        else:
            _require_so_many(self.n_train, len(drawn), "n_train")
            _require_so_many(self.n_test, len(test.labels), "n_test")
            drawn_to_test = rng.permutation(len(test.labels))
        to_train, to_test = drawn[: self.n_train], drawn_to_test[: self.n_test]
        values = np.concatenate([train.values[to_train], test.values[to_test]])
        labels = np.concatenate([train.labels[to_train], test.labels[to_test]])
        targets = np.eye(N_CLASSES)[labels]
        return Dataset(inputs=values / white, labels=labels, targets=targets, n_train=self.n_train)


def _require_so_many(n_drawn: int, n_images: int, name: str) -> None:
    require(n_drawn <= n_images, f"task.{name}", f"at most the {n_images} images there are", n_drawn)


@dataclass(frozen=True, kw_only=True)
class DigitsTask(ImageTask):
    """Digits: the 1797 images of 8×8 pixels in scikit-learn.

    Nothing is fetched.

    References
    ----------
    .. [1] scikit-learn, `sklearn.datasets.load_digits`: the test set of UCI's "Optical Recognition of
       Handwritten Digits", 17 grey values.
    """

    name: Literal["digits"] = "digits"
    n_test: int = 797
    """By default all that 1000 for training leave."""

    def __post_init__(self) -> None:
        super().__post_init__()
        left = N_DIGITS - self.n_train
        require(left >= 1, "n_train", f"at most {N_DIGITS - 1} of the {N_DIGITS} images", self.n_train)
        expected = f"at most {left}, what n_train = {self.n_train} leaves of {N_DIGITS} images"
        require(self.n_test <= left, "n_test", expected, self.n_test)

    @property
    def n_inputs(self) -> int:
        """One per pixel."""
        return 64

    def _images(self) -> tuple[Images, None, int]:
        from sklearn.datasets import load_digits  # type: ignore[import-untyped]

        values, labels = load_digits(return_X_y=True)
        return Images(values.astype(np.uint8), labels), None, 16


@dataclass(frozen=True, kw_only=True)
class MNISTTask(ImageTask):
    """MNIST, or another set of images in its format.

    Images have 28×28 pixels and ten classes. With both of its parts, training images are drawn from the first
    and test images from the other; with one of them, both are drawn from it. What is drawn is `n_train` and
    `n_test` images, not all.
    """

    name: Literal["mnist"] = "mnist"
    data_dir: str = ""
    """Folder of the IDX files `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`,
    `t10k-labels-idx1-ubyte`, each plain or with `.gz`; a relative one counts from the working directory.
    Without a folder, scikit-learn fetches MNIST from openml.org once and keeps it in its own data folder."""
    n_test: int = 1000
    """Every evaluation takes all of them; 1000 give an accuracy of .95 to within .007."""

    @property
    def n_inputs(self) -> int:
        """One per pixel."""
        return SIDE**2

    def _images(self) -> tuple[Images, Images | None, int]:
        parts = read_folder(Path(self.data_dir)) if self.data_dir else _fetch()
        return parts[0], parts[1] if len(parts) > 1 else None, 255


def read_folder(folder: Path) -> list[Images]:
    """Return the parts of MNIST in a folder, `train` first.

    Raises
    ------
    ConfigError
        If there is no such folder, neither part in it, images without labels, or a file that is not what its
        name says.
    """
    _require_data_dir(folder.is_dir(), "a folder", f"{str(folder)!r}, which is not one")
    parts = [part for part in ("train", "t10k") if _find(folder, _images_file(part))]
    file_names = " or ".join(f"{_images_file(part)}(.gz)" for part in ("train", "t10k"))
    _require_data_dir(len(parts) > 0, f"a folder with {file_names}", f"{str(folder)!r} without them")
    return [_read_part(folder, part) for part in parts]


def _images_file(part: str) -> str:
    return f"{part}-images-idx3-ubyte"


def _read_part(folder: Path, part: str) -> Images:
    images = _read(folder, _images_file(part))
    labels = _read(folder, f"{part}-labels-idx1-ubyte")
    fit = images.ndim == 3 and images.shape[1:] == (SIDE, SIDE)
    _require_data_dir(fit, f"{part} images of shape (n, {SIDE}, {SIDE})", images.shape)
    _require_data_dir(
        labels.shape == images.shape[:1], f"a label for each of {len(images)} images", labels.shape
    )
    _require_data_dir(bool(np.all(labels < N_CLASSES)), f"labels below {N_CLASSES}", labels.max(initial=0))
    return Images(images.reshape(len(images), -1), labels.astype(np.int64))


def _read(folder: Path, name: str) -> np.ndarray:
    path = _find(folder, name)
    if path is None:
        raise ConfigError(
            f"task.data_dir: expected {name}(.gz) next to the other files, got none in {folder}"
        )
    try:
        return read_idx(path)
    except (ValueError, OSError) as error:
        raise ConfigError(f"task.data_dir: {error}") from None


def _find(folder: Path, name: str) -> Path | None:
    paths = (folder / name, folder / f"{name}.gz")
    return next((path for path in paths if path.exists()), None)


def _require_data_dir(holds: bool, expected: str, got: object) -> None:
    if not holds:
        raise ConfigError(f"task.data_dir: expected {expected}, got {got}")


def _fetch() -> list[Images]:
    """Return both parts of MNIST from openml.org.

    Its first 60,000 images are the part for training.
    """
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings(action="ignore"):  # about its retry: the error below says enough
            values, labels = fetch_openml(
                "mnist_784", version=1, return_X_y=True, as_frame=False, n_retries=1
            )
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(
            "task.data_dir: expected a folder of MNIST's IDX files, got none; "
            f"and MNIST could not be fetched from openml.org: {reason}"
        ) from None
    images = Images(values.astype(np.uint8), labels.astype(np.int64))
    return [Images(*(column[part] for column in images)) for part in (slice(60_000), slice(60_000, None))]
