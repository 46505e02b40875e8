"""A pyreqwest client of which nothing happens by itself: no redirect, no cookie, nothing from the environment."""

from pyreqwest.client import ClientBuilder
from pyreqwest.http import Url

_PEM_END = b"-----END CERTIFICATE-----"
_PEM_KEY = b"PRIVATE KEY-----"


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


def client_builder(roots: bytes | None, identity: bytes | None) -> ClientBuilder:
    """roots: certificates trusted beside the system's; identity: the client's key and certificate; PEM, or None.

    ValueError if one is given and does not hold these.
    """
    if roots is not None and _PEM_END not in roots:
        raise ValueError("the CA file holds no certificate in PEM")
    if identity is not None and not (_PEM_END in identity and _PEM_KEY in identity):
        raise ValueError("client certificate and key: expected both, in PEM")
    builder = ClientBuilder().no_proxy().follow_redirects(False).referer(False).default_cookie_store(False)
    # gzip alone: its window is 32 KiB, where a few bytes of zstd or brotli can ask for many MiB.
    builder = builder.gzip(True).brotli(False).zstd(False).deflate(False)
    builder = builder.user_agent("screen-aggregator").http1_lower_case_headers()
    for root in (roots or b"").split(_PEM_END)[:-1]:
        builder = builder.add_root_certificate_pem(root + _PEM_END)
    return builder if identity is None else builder.identity_pem(identity)
