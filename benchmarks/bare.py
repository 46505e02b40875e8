"""`python -m benchmarks.bare PORT FILE`: uvicorn with an application that sends one file's bytes, the yardstick."""

import sys
from pathlib import Path
from typing import Any

import uvicorn


def main() -> None:
    """Serve until killed."""
    body = Path(sys.argv[2]).read_bytes()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
