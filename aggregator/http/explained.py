"""A worker explains an answer of its own, given a request's target and what else of the request decides."""

from collections.abc import Mapping
from typing import Any

from aggregator.engine.explaining import Explaining
from aggregator.http.accounts import Accounts, Table
from aggregator.http.inputs import InputReader
from aggregator.identity.viewer import claim_text
from aggregator.model.address import signature
from aggregator.model.inputs import InputMistake, Inputs
from aggregator.model.route import Routes
from aggregator.model.screen import Screen

NO_SCREEN = "No screen has the path of this target."


class Explained:
    """Answers {"target": path and query, "given": texts by input, such as "header.accept-language" and "viewer.sub"}.

    A header or cookie that is not given is one that the request does not have.
    """

    def __init__(self, routes: Routes[Screen], reader: InputReader, explaining: Explaining, accounts: Accounts) -> None:
        self._routes = routes
        self._reader = reader
        self._explaining = explaining
        self._accounts = accounts

    async def __call__(self, asked: Any) -> Table:
        """The account; or {"refused": status, "detail": words} as the request would be."""
        path, _, query = asked["target"].encode().partition(b"?")
        found = self._routes.find(path)
        if found is None:
            return refused(404, NO_SCREEN)
        screen, values = found
        try:
            inputs = self._inputs(screen, values, query, asked["given"])
        except InputMistake as mistake:
            return refused(400, f"{str(mistake)[0].upper()}{str(mistake)[1:]}.")
        there = await self._explaining.find(screen, inputs)
        return self._accounts.of(there) if there else refused(404, "These inputs cannot be put to an MBU.")

    def _inputs(self, screen: Screen, path: Mapping[str, str], query: bytes, given: Mapping[str, str]) -> Inputs:
        expected = signature(screen)
        for name in given:
            if name not in expected:
                among = ", ".join(expected) or "none besides its path and query"
                raise InputMistake(f"{name!r} is no input of the screen {screen.name}; expected: {among}")
        claims = {name: _claim(name, given) for name in screen.claims}
        return self._reader.read_claimed(screen, path, query, _headers(given), claims)


def refused(status: int, detail: str) -> Table:
    """What is told where there is no account."""
    return {"refused": status, "detail": detail}


def _claim(name: str, given: Mapping[str, str]) -> str:
    if name not in given:
        raise InputMistake(f"the screen is private to viewers; expected: {name}")
    claim = claim_text(given[name])
    if claim is None:
        raise InputMistake(f"{name} is no claim; expected: 1 to 200 bytes without control characters")
    return claim


def _headers(given: Mapping[str, str]) -> dict[bytes, bytes]:
    """The request's headers, as they would come in."""
    named = [(name.partition("."), text) for name, text in given.items()]
    cookies = [f"{name}={text}" for (kind, _, name), text in named if kind == "cookie"]
    headers = [(name, text) for (kind, _, name), text in named if kind in ("header", "forward")]
    return {name.encode(): text.encode() for name, text in [("cookie", "; ".join(cookies)), *headers]}
