vcl 4.1;

backend origin {
    .host = "127.0.0.1";
    .port = "$origin";
}

sub vcl_deliver {
    if (obj.hits > 0) {
        set resp.http.Cache-Status = "varnish;hit";
    } else {
        set resp.http.Cache-Status = "varnish;fwd=miss";
    }
}
