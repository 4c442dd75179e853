"""The bench finds a server's processes and what they use."""

import os
import socket
import subprocess
import sys
import time

import pytest

from bench import processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

BUSY = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"


def test_the_listener_of_a_port_is_found() -> None:
    """By its port alone."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert processes.listener(listening.getsockname()[1]) == os.getpid()


def test_a_tree_counts_as_one() -> None:
    """CPU time and memory of a child count for its parent, while the child still runs."""
    parent = subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True)
    try:
        deadline = time.monotonic() + 20
        while processes.cpu_seconds(parent.pid) < 0.5 and time.monotonic() < deadline:
            time.sleep(0.05)
        pss, rss = processes.memory(parent.pid)
        assert processes.cpu_seconds(parent.pid) >= 0.5
        assert len(processes.tree(parent.pid)) == 2
        assert 0 < pss <= rss
    finally:
        os.killpg(parent.pid, 9)
        parent.wait()
