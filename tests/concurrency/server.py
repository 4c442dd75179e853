"""A server process whose database has the fast clock; everything else is as `podium server start` has it.

Called with the port; the settings come from the environment.
"""

import os
import socket
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from clock import now

from podium.profiles import load_settings
from podium.server import main


def serve(port: int) -> None:
    settings = load_settings(flags={}, environ=dict(os.environ))
    create_runtime = main.create_runtime

    def hurried(*arguments: Any) -> Any:
        runtime = create_runtime(*arguments)
        runtime.database.clock = now
        return runtime

    main.create_runtime = hurried  # type: ignore[assignment]
    main.prepare_database(settings)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    main.serve(settings, listener, lambda: None)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
