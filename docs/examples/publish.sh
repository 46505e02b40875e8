#!/bin/sh
# Publishes an invalidation with curl 7.76 or newer, after the commit. It tries again for 30 s, with the same id.
#
#   AGGREGATOR_URL=http://127.0.0.1:8081 PUBLISHER_KEY=… sh publish.sh '["user:42", "posts-of:42"]'
set -eu
# The key comes by a pipe: everybody on the machine may read command lines.
printf 'Authorization: Bearer %s\n' "$PUBLISHER_KEY" | curl --silent --show-error --fail-with-body --max-time 5 \
  --retry 100 --retry-connrefused --retry-max-time 30 \
  --header @- \
  --data "{\"tags\": $1, \"id\": \"$(date +%s)-$$\"}" \
  "$AGGREGATOR_URL/invalidations"
