"""Why a flow run is where it is, over HTTP."""

from podium.server.http.call import Call
from podium.server.operations.explaining.explain import explain_flow_run
from podium.wire import explain as wire


async def explain(call: Call) -> wire.Explanation:
    explanation: wire.Explanation = await call.read(explain_flow_run, call.path["id"])
    return explanation


ROUTES = ((wire.EXPLAIN, explain),)
