"""The HTTP library, without its own command line: that loads more than all commands of Podium together."""

import sys

_COMMAND_LINE = "httpx._main"
if "httpx" not in sys.modules and _COMMAND_LINE not in sys.modules:
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]  # its import fails, which httpx is ready for
    try:
        import httpx
    finally:
        del sys.modules[_COMMAND_LINE]
else:
    import httpx

__all__ = ["httpx"]
