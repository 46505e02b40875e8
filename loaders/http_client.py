"""A pyreqwest client of which nothing happens by itself: no redirect, no cookie, nothing from the environment."""

from pyreqwest.client import ClientBuilder
from pyreqwest.http import Url

_PEM_END = b"-----END CERTIFICATE-----"


def checked_base(base_url: str) -> str:
    """The URL as it will be written, without a slash at its end; ValueError says what is wrong with it."""
    try:
        url = Url(base_url)
    except ValueError as mistake:
        raise ValueError(
            f"{base_url!r} is no URL: {mistake}; expected http://host:port or https://host/prefix"
        ) from None
    if url.scheme not in ("http", "https") or url.query_string is not None or url.fragment is not None:
        raise ValueError(f"{base_url!r}: expected http or https, without query and fragment")
    if url.username or url.password:
        raise ValueError(f"the URL of {url.host_str} holds credentials: they belong in headers")
    return str(url).rstrip("/")


def client_builder(roots: bytes, identity: bytes) -> ClientBuilder:
    """roots: certificates trusted beside the system's; identity: the client's key and certificate; PEM, or empty."""
    builder = ClientBuilder().no_proxy().follow_redirects(False).referer(False).default_cookie_store(False)
    # gzip alone: its window is 32 KiB, where a few bytes of zstd or brotli can ask for many MiB.
    builder = builder.gzip(True).brotli(False).zstd(False).deflate(False)
    builder = builder.user_agent("screen-aggregator").http1_lower_case_headers()
    for root in roots.split(_PEM_END)[:-1]:
        builder = builder.add_root_certificate_pem(root + _PEM_END)
    return builder.identity_pem(identity) if identity else builder
