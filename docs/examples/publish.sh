#!/bin/sh
# Publishes an invalidation with curl 7.76 or newer, after the commit. It tries again for 30 s, with the same id.
#
#   AGGREGATOR_URL=http://127.0.0.1:8081 PUBLISHER_KEY=… sh publish.sh '["user:42", "posts-of:42"]'
set -eu
curl --silent --show-error --fail-with-body --max-time 5 \
  --retry 100 --retry-connrefused --retry-max-time 30 \
  --header "Authorization: Bearer $PUBLISHER_KEY" \
  --data "{\"tags\": $1, \"id\": \"$(date +%s)-$$\"}" \
  "$AGGREGATOR_URL/invalidations"
