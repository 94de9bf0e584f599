"""What leaves the checkout: the locks, and a wheel that works where nothing else is."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
LOCKS = [ROOT / "requirements" / name for name in ("base.txt", "dev.txt")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MOST_DISTRIBUTIONS = 35


def locked(lock: Path) -> dict[str, Requirement]:
    """What a lock installs on this machine, by name."""
    found = (Requirement(line.removesuffix("\\")) for line in lock.read_text().splitlines() if re.match(r"[a-zA-Z0-9]", line))
    return {entry.name.lower(): entry for entry in found if entry.marker is None or entry.marker.evaluate()}


def version(entry: Requirement) -> Version:
    (only,) = entry.specifier
    return Version(only.version)


# ---- locks


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_locked_version_is_exact_and_hashed(lock):
    entries = re.split(r"\n(?=[a-zA-Z0-9])", lock.read_text())

    unpinned = [entry.split()[0] for entry in entries if "==" not in entry.splitlines()[0] and not entry.startswith("#")]
    unhashed = [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry and not entry.startswith("#")]
    assert (unpinned, unhashed) == ([], [])


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_index(lock):
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|--trusted-host", lock.read_text())


def test_the_lock_satisfies_the_declared_dependencies():
    base = locked(LOCKS[0])

    declared = [Requirement(text) for text in PROJECT["dependencies"]]
    unmet = [
        str(need)
        for need in declared
        if (need.marker is None or need.marker.evaluate())
        and (need.name.lower() not in base or version(base[need.name.lower()]) not in need.specifier)
    ]
    assert unmet == [], "run ./dev lock"


def test_development_uses_the_versions_that_are_shipped():
    base, dev = locked(LOCKS[0]), locked(LOCKS[1])

    assert {name: str(dev[name].specifier) for name in base} == {name: str(entry.specifier) for name, entry in base.items()}


def test_a_base_install_stays_small():
    assert len(locked(LOCKS[0])) <= MOST_DISTRIBUTIONS, "heavy dependencies belong into an extra"


def test_every_extra_that_a_hint_names_is_declared():
    sources = "".join(path.read_text() for path in (ROOT / "runtime").rglob("*.py"))

    named = {name for found in re.findall(r"naftiko-run\[([a-z0-9,-]+)\]", sources) for name in found.split(",")}
    assert sorted(named - set(PROJECT["optional-dependencies"])) == []


def test_one_extra_brings_all_the_others():
    (everything,) = PROJECT["optional-dependencies"]["all"]
    within_formats = {"formats-html", "formats-markdown"}

    assert Requirement(everything).extras == set(PROJECT["optional-dependencies"]) - {"all"} - within_formats


# ---- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_module_and_schema(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())

    modules = {path.relative_to(ROOT / "runtime").as_posix() for path in (ROOT / "runtime").rglob("*.py")}
    schemas = {f"naftiko_run/schemas/{path.name}" for path in (ROOT / "schemas").glob("*.json")}
    assert sorted((modules | schemas) - inside) == []
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in inside)


def test_the_wheel_holds_nothing_of_the_checkout(wheel):
    top = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {name for name in top if not name.endswith(".dist-info")} == {"naftiko_run"}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of a new environment with the wheel and its locked dependencies, and nothing else."""
    home = tmp_path_factory.mktemp("clean")
    venv.create(home, with_pip=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(LOCKS[0])], check=True, timeout=400)
    subprocess.run([*pip, "--no-deps", str(wheel)], check=True, timeout=100)
    return home / "bin"


def run(installed: Path, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed command, away from the checkout."""
    return subprocess.run(
        [str(installed / "naftiko-run"), *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_installed_dependencies_fit_together(installed):
    checked = subprocess.run([installed / "python", "-m", "pip", "check"], capture_output=True, text=True, timeout=60)

    assert checked.stdout.strip() == "No broken requirements found."


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_installed_command_knows_its_version(installed, tmp_path):
    done = run(installed, tmp_path, "--version")

    assert (done.returncode, done.stderr) == (0, "")
    assert PROJECT["version"] in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["training-billing", "venice-billing", "runtools-billing", "runtype-model-usage"])
def test_the_installed_command_validates_what_we_ship(installed, tmp_path, name):
    done = run(installed, tmp_path, "validate", str(ROOT / "capabilities" / f"{name}.yaml"))

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_installed_command_serves_with_its_built_in_upstream(installed, tmp_path):
    port = free_port()
    capability = tmp_path / "training-billing.yaml"
    capability.write_text(
        (ROOT / "capabilities" / capability.name).read_text().replace("8080", str(port)).replace("9090", str(free_port()))
    )
    serving = subprocess.Popen(
        [str(installed / "naftiko-run"), str(capability), "--mock"], cwd=tmp_path, env={"PATH": os.environ["PATH"]},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        usage = read_json(f"http://127.0.0.1:{port}/v1/api/v1/billing/runs/run-42/usage", seconds=20)
    finally:
        serving.terminate()
        serving.wait(60)

    # Beside no mock document, the answer is a sample.
    assert usage == {"id": "sample-1", "operation": "training-billing.getrunusage", "asked": {"run_id": "run-42"}}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def read_json(url: str, *, seconds: float) -> object:
    """The JSON at ``url``, once something listens there."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return json.load(response)
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
