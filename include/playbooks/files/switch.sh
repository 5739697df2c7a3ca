#!/bin/sh
# switch.sh ROOT VERSION: point ROOT/current at the release in one step, and note it in ROOT/history, newest last.
set -eu
root=$1 version=$2
test "$(cat "$root/releases/$version/REVISION")" = "$version"
before=$(readlink "$root/current" || true)
before=${before##*/}
note() {
    if [ "$(tail -n 1 "$root/history" 2>/dev/null || true)" != "$1" ]; then echo "$1" >>"$root/history"; fi
}
if [ -n "$before" ]; then note "$before"; fi
if [ "$before" != "$version" ]; then
    ln -sfn "releases/$version" "$root/current.new"
    mv -T "$root/current.new" "$root/current"
    echo switched
fi
note "$version"
