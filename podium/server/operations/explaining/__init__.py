"""Why a flow run is where it is."""
