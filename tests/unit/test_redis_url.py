"""A Redis URL: one server, or sentinels that know it; what is secret in it, and whether strangers could use what it
names."""

import pytest

from aggregator.servers.url import RedisUrl, has_password, is_insecure, without_password

FULL = "redis+sentinel://me:p%40w@a:1,[::1],c/my%2Fmaster/2?sentinel_password=x%20y&socket_timeout=1&ssl_ca_certs=/ca"


@pytest.mark.parametrize("url", ["redis://h", "rediss://me:pw@[::1]:7/0?socket_timeout=1", "unix:///s?db=1"])
def test_of_a_server_alone_nobody_is_asked(url: str) -> None:
    assert RedisUrl.of(url) == RedisUrl(url)


def test_sentinels_are_asked_under_a_name_of_their_own() -> None:
    """Login, database and options are the master's; what trust in certificates needs is everybody's."""
    url = RedisUrl.of(FULL)
    assert url.plain == "redis://me:p%40w@a:1/2?socket_timeout=1&ssl_ca_certs=/ca"
    assert url.service == "my/master"
    hosts = ("a:1", "[::1]:26379", "c:26379")
    assert url.asked == tuple(f"redis://:x%20y@{host}/?ssl_ca_certs=/ca" for host in hosts)


def test_tls_is_that_of_master_and_sentinels() -> None:
    url = RedisUrl.of("rediss+sentinel://a/m?sentinel_username=me&sentinel_password=pw")
    assert (url.plain, url.asked) == ("rediss://a:26379/", ("rediss://me:pw@a:26379/",))


def test_a_clusters_nodes_are_alike() -> None:
    """Login and options are those of every node."""
    url = RedisUrl.of("rediss+cluster://me:p%40w@a:1,[::1],c/0?ssl_ca_certs=/ca")
    nodes = tuple(f"rediss://me:p%40w@{host}/?ssl_ca_certs=/ca" for host in ("a:1", "[::1]:6379", "c:6379"))
    assert url == RedisUrl(nodes[0], "cluster", nodes)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis+cluster://:hush@a/1", "no database but 0"),
        ("redis+cluster://:hush@a,,b", "host or port cannot be read"),
        ("redis+sentinel://:hush@a", "the sentinels' name of the service"),
        ("redis+sentinel://:hush@a/m/x", "perhaps a database"),
        ("redis+sentinel://:hush@a,/m", "host or port cannot be read"),
        ("redis+sentinel://:hush@a:x/m", "host or port cannot be read"),
        ("redis+sentinel://:hush@a/m?sentinel_hush=1", "not known: sentinel_hush"),
        ("redis+sentinels://:hush@a/m", "expected a URL such as"),
        ("redis://:hush@a,b", "host or port cannot be read"),
        ("unix+sentinel://:hush@a/m", "expected a URL such as"),
    ],
)
def test_what_is_no_url_is_refused_unseen(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        RedisUrl.of(url)
    assert ":hush@" not in str(refused.value)


def test_s25_every_password_in_it_is_found_and_hidden() -> None:
    for url in (FULL, "redis+sentinel://a/m?sentinel_password=hush", "redis+sentinel://:hush@a/m"):
        assert has_password(url)
        assert not {"p%40w", "x%20y", "hush"} & set(
            without_password(url).replace("@", "?").replace("=", "?").split("?")
        )
        assert all(secret not in repr(RedisUrl.of(url)) for secret in ("p%40w", "x%20y", "hush"))
    assert without_password(FULL) == "redis+sentinel://***@a:1,[::1],c/my%2Fmaster/2?***"
    assert not has_password("redis+sentinel://me@a/m?sentinel_username=me")


@pytest.mark.parametrize(
    ("url", "insecure"),
    [
        ("redis+sentinel://127.0.0.1/m", True),
        ("redis+sentinel://a/m?sentinel_password=pw", True),
        ("redis+sentinel://:pw@a/m", False),
        ("redis+sentinel://a/m?password=pw", False),
        ("rediss+sentinel://a/m", False),
        ("redis+cluster://127.0.0.1,127.0.0.1:2", True),
        ("redis+cluster://:pw@a", False),
        ("rediss+cluster://a", False),
    ],
)
def test_s25_where_the_master_is_nobody_knows_before(url: str, insecure: bool) -> None:
    """Who is on this machine may name one on another: it has to have a password, or TLS. Sentinels' is another one."""
    assert is_insecure(url) is insecure
