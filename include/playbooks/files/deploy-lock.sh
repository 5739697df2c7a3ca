#!/bin/sh
# deploy-lock.sh ROOT take|release IDENTITY HOLDER SECONDS
#
# One deployment of a service at a time on this host. A lock is stale when its time is over, or when the same worker
# takes it again: a worker runs one deployment at a time. So is every lock for a person (no IDENTITY). A stale one is
# replaced, and <root>/deploy-interrupted.log says who held it, since when, and who released it.
set -eu
root=$1 verb=$2 identity=$3 holder=$4 seconds=$5
mkdir -p "$root"
exec 9>"$root/.deploy.guard"
flock -w 10 9
lock=$root/deploy.lock
now=$(date +%s)
theirs= until=0 text=
if [ -s "$lock" ]; then
    { read -r theirs; read -r until; read -r text; } <"$lock" || true
fi
if [ "$verb" = release ]; then
    if [ "$theirs" = "$identity" ]; then rm -f "$lock"; fi
    exit 0
fi
if [ -n "$text" ]; then
    if [ -n "$identity" ] && [ "$theirs" != "$identity" ] && [ "$until" -gt "$now" ]; then
        echo "another deployment is under way: $text" >&2
        exit 75
    fi
    echo "$(date -u +%FT%TZ): the lock of $text was stale, released by $holder" >>"$root/deploy-interrupted.log"
fi
printf '%s\n%s\n%s\n' "${identity:-person}" "$((now + seconds))" "$holder, since $(date -u +%FT%TZ)" >"$lock"
