"""What a request has for fragments to use: the parameters of the path, and what the screen declares to see besides."""

from aggregator.declaration.tables import ScreenTable
from aggregator.declaration.written import Written
from aggregator.mistakes import quoted
from aggregator.model.route import Route
from aggregator.model.source import REQUEST_PARTS


def missing_input(written: Written, screen: str, table: ScreenTable, name: str) -> str | None:
    """Why a request for the screen has no input of this name, if so."""
    part, _, rest = name.partition(".")
    if part not in REQUEST_PARTS or not rest:
        given = [f"{{{parameter.name}}}" for parameter in Route.parse(table.path).parameters]
        known = ", ".join(given) or "no placeholder"
        return None if f"{{{name}}}" in given else f"its path has {known}, and the slot gives it nothing else"
    if part == "viewer":
        return None if written.says("viewer") else "no [[viewer.keys]] says how a viewer's token is verified"
    declared = {"query": table.query, "header": table.headers, "cookie": table.cookies}[part]
    key = {
        "query": f"query = {{ {rest} = {{}} }}",
        "header": f'headers = ["{rest}"]',
        "cookie": f'cookies = ["{rest}"]',
    }
    if rest in declared:
        return None
    return f"{name} is not declared; expected: {key[part]} in [screens.{quoted(screen)}]"
