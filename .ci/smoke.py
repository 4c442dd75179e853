"""Install a wheel in an empty environment, away from the sources, and see that it works: `smoke.py WHEEL LOCK`."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from pathlib import Path


def main(wheel: str, lock: str) -> None:
    with tempfile.TemporaryDirectory(prefix="podium-smoke-") as folder:
        root = Path(folder)
        podium = install(root / "env", Path(wheel).resolve(), Path(lock).resolve())
        environment = {"HOME": folder, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        version = subprocess.run(
            [podium, "--version"], cwd=root, env=environment, check=True, capture_output=True, text=True, timeout=60
        )
        print("podium --version:", version.stdout.strip())
        serve(podium, root, environment)


def install(target: Path, wheel: Path, lock: Path) -> Path:
    """The podium command of a fresh environment."""
    venv.create(target, with_pip=True)
    pip = [target / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "--no-deps", "--require-hashes", "--requirement", lock], check=True)
    subprocess.run([*pip, "--no-deps", wheel], check=True)
    return target / "bin" / "podium"


def serve(podium: Path, root: Path, environment: dict[str, str]) -> None:
    """The server answers on an empty home and leaves with 0 when it is asked to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [podium, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (root / "server.log").open("w+") as log:
        server = subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            print("/api/health:", answer(f"http://127.0.0.1:{port}/api/health", server))
            server.send_signal(signal.SIGTERM)
            code = server.wait(30)
            if code != 0:
                raise SystemExit(f"the server left with {code}")
        except BaseException:
            server.kill()
            log.seek(0)
            print(log.read(), file=sys.stderr)
            raise


def answer(url: str, server: subprocess.Popen[bytes]) -> object:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return json.load(response)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise SystemExit(f"no answer at {url}")


if __name__ == "__main__":
    main(*sys.argv[1:])
