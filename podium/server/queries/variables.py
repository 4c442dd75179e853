"""Reading variables."""

from podium.db.tables.variables import variables
from podium.server.queries.generic import Entity
from podium.wire.variables import Variable

VARIABLES = Entity(variables, Variable, "Variable")
