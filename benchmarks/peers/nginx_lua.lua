-- The same work as a hit of the service: a bounded LRU by URI, lifetime, ETag and 304, Age, Vary, where it came from.
local lrucache = require "resty.lrucache"
local md5 = ngx.md5

local FRESH_FOR = 1800
-- One instance a worker, kept between requests by the module cache that `package.loaded` is.
local views = package.loaded["benchmark.views"]
if not views then
  views = assert(lrucache.new(400000))
  package.loaded["benchmark.views"] = views
end

local function fetched(uri)
  local answer = ngx.location.capture("/origin" .. uri)
  if answer.status ~= 200 then return nil end
  local view = { body = answer.body, etag = '"' .. md5(answer.body) .. '"', length = #answer.body, at = ngx.now() }
  views:set(uri, view, FRESH_FOR)
  return view
end

-- RFC 9110, 13.1.2: a list of tags, compared weakly, or "*".
local function known(asked, etag)
  if not asked then return false end
  if asked == etag or asked == "*" then return true end
  for one in asked:gmatch('"[^"]*"') do
    if one == etag then return true end
  end
  return false
end

local method = ngx.req.get_method()
if method ~= "GET" and method ~= "HEAD" then return ngx.exit(405) end
local uri = ngx.var.request_uri
local view = views:get(uri)
local hit = view ~= nil
view = view or fetched(uri)
if not view then return ngx.exit(502) end

local now, header = ngx.now(), ngx.header
local age = math.floor(now - view.at)
header["Cache-Control"] = "private, no-cache"
header["Cache-Status"] = hit and 'lua;hit;ttl=' .. (FRESH_FOR - age) .. ';detail="L1"' or "lua;fwd=uri-miss;stored"
header["Vary"] = "accept"
header["Age"] = age
header["ETag"] = view.etag
if known(ngx.var.http_if_none_match, view.etag) then return ngx.exit(304) end
header["Content-Length"] = view.length
if method == "GET" then ngx.print(view.body) end
