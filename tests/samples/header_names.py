"""Names of request headers that proxies, frameworks and CDNs are known to act on, made from their families."""

_FAMILIES = """x x-forwarded x-original x-real x-client x-http x-host x-wap x-proxy x-remote x-cluster x-rewrite x-amz
x-azure x-goog x-envoy x-nginx x-varnish x-akamai x-cdn cf fastly true-client surrogate forwarded proxy akamai client
remote"""
_WORDS = """host hostname port proto protocol scheme ssl https secure server for by ip addr address path prefix url uri
query method method-override override user user-id user-agent id name role scope group tenant account org auth
authorization token key secret session cookie csrf jwt signature language locale country region city geo latitude
timezone currency device platform version build channel debug trace trace-id span-id request-id correlation-id cache
cache-control cache-key bypass no-cache purge ttl age vary etag accept encoding charset content-type content-encoding
format type mode env stage feature flag experiment variant template theme callback redirect referer origin via
destination backend upstream route cluster zone"""
# Registered ones (RFC 9110 and others) that a screen has no use for.
_REGISTERED = """a-im accept-charset accept-datetime accept-language access-control-request-headers
access-control-request-method alt-used authorization baggage cache-control content-disposition content-encoding
content-language content-location content-md5 content-range content-type cookie cookie2 date depth destination dnt dpr
early-data ect etag forwarded from front-end-https if if-match if-modified-since if-range if-unmodified-since
keep-alive last-modified link location max-forwards negotiate origin overwrite pragma prefer priority
proxy-authorization proxy-connection purpose range referer rtt save-data sec-ch-ua sec-ch-ua-mobile
sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site sec-gpc server set-cookie soapaction
sourcemap timeout traceparent tracestate translate upgrade-insecure-requests user-agent vary via viewport-width
want-digest warning width"""

_MADE = [f"{family}-{word}" for family in _FAMILIES.split() for word in _WORDS.split()]
# Each once, in an order that is always the same; a request's own id is given back to who sent it.
NAMES = tuple(name for name in dict.fromkeys([*_REGISTERED.split(), *_MADE]) if name != "x-request-id")
