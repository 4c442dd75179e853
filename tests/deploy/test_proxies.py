"""deploy/nginx and deploy/traefik; tests/chaos runs the former in front of two servers."""

import re
from pathlib import Path
from typing import Any

import yaml

from podium.profiles.resolve import load_settings
from tests.deploy import compose
from tests.deploy.conftest import Tool

NGINX = compose.DEPLOY / "nginx"
TRAEFIK = compose.DEPLOY / "traefik"
ADDRESSES = ["api-1:4200", "api-2:4200"]


def test_nginx_accepts_its_configuration(tool: Tool, tmp_path: Path) -> None:
    """At the root and, with what is commented taken in, below a path."""
    for name, text in (("root", _conf()), ("below", _below_a_path())):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "podium.conf").write_text(re.sub(r"api-\d:4200", "127.0.0.1:4200", text))
        (folder / "podium-proxy.conf").write_text((NGINX / "podium-proxy.conf").read_text())
        paths = "".join(f"{kind}_temp_path temp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        main = f"pid nginx.pid; error_log stderr; events {{}} http {{ access_log off; {paths} include podium.conf; }}"
        (folder / "nginx.conf").write_text(main)
        result = tool("nginx", "-t", "-p", folder, "-c", folder / "nginx.conf")
        assert result.returncode == 0, result.stderr


def test_nginx_asks_another_server_only_where_nothing_is_done_twice() -> None:
    """No answer is thrown away for that, and no request that changes something is sent again."""
    text = (NGINX / "podium-proxy.conf").read_text()
    assert re.findall(r"^proxy_next_upstream (.*);$", text, re.MULTILINE) == ["error timeout"]
    assert "proxy_intercept_errors" not in text


def test_connections_are_given_up_before_the_server_closes_them() -> None:
    """Else a request that may not be repeated could meet a connection that is being closed."""
    kept = load_settings(environ={}).server.api.keepalive_timeout
    (seconds,) = re.findall(r"^ +keepalive_timeout (\d+)s;$", _conf(), re.MULTILINE)
    assert int(seconds) < kept
    static = yaml.safe_load((TRAEFIK / "traefik.yaml").read_text())
    assert int(static["serversTransport"]["forwardingTimeouts"]["idleConnTimeout"].rstrip("s")) < kept


def test_a_websocket_outlives_the_time_between_two_pings() -> None:
    """And every body that the server takes passes."""
    api = load_settings(environ={}).server.api
    (seconds,) = re.findall(r"^proxy_read_timeout (\d+)s;$", (NGINX / "podium-proxy.conf").read_text(), re.MULTILINE)
    assert int(seconds) > api.websocket_ping_interval + api.websocket_ping_timeout
    (mebibytes,) = re.findall(r"client_max_body_size (\d+)m;", _conf())
    assert int(mebibytes) * 2**20 > api.max_body_size


def test_every_proxy_passes_on_to_the_servers_of_the_compose_file() -> None:
    """By their names there."""
    servers = [name for name in compose.services({"POSTGRES_PASSWORD": "x", "REDIS_PASSWORD": "x"}) if "api" in name]
    assert [f"{name}:4200" for name in servers] == ADDRESSES
    assert re.findall(r"^ +server (\S+:\d+)", _conf(), re.MULTILINE) == ADDRESSES
    found = _traefik()["services"]["podium"]["loadBalancer"]["servers"]
    assert [server["url"] for server in found] == [f"http://{address}" for address in ADDRESSES]


def test_traefik_repeats_no_request() -> None:
    """It has no middleware that would, its routers name what is there, and the health check is the server's."""
    http = _traefik()
    static = yaml.safe_load((TRAEFIK / "traefik.yaml").read_text())
    assert "middlewares" not in http
    for router in http["routers"].values():
        assert router["service"] in http["services"]
        assert set(router["entryPoints"]) <= set(static["entryPoints"])
    assert http["services"]["podium"]["loadBalancer"]["healthCheck"]["path"] == "/api/health"
    assert static["providers"]["file"]["filename"] == "/etc/traefik/podium.yaml"


def _conf() -> str:
    return (NGINX / "podium.conf").read_text()


def _below_a_path() -> str:
    """The configuration with the example of a path in place of the root."""
    before, _, rest = _conf().partition("    location / {")
    example = "\n".join(
        line.replace("# ", "", 1)
        for line in rest.splitlines()
        if re.match(r"    # +(?:location|include|proxy_pass|})|    # }", line)
    )
    assert "location /podium/ {" in example
    return f"{before}{example}\n}}\n"


def _traefik() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((TRAEFIK / "podium.yaml").read_text())["http"]
    return loaded
