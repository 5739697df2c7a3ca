#!/bin/sh
# switch.sh ROOT VERSION RELOAD URL SECONDS: point ROOT/current at the release in one step, note it in ROOT/history
# (newest last), and let the service run it. What is done already is left alone.
set -eu
root=$1 version=$2 reload=$3 url=$4 seconds=$5
note() {
    if [ "$(tail -n 1 "$root/history" 2>/dev/null || true)" != "$1" ]; then echo "$1" >>"$root/history"; fi
}
before=$(readlink "$root/current" || true)
if [ -n "$before" ]; then note "${before##*/}"; fi
if [ "${before##*/}" != "$version" ]; then
    ln -sfn "releases/$version" "$root/current.new"
    mv -T "$root/current.new" "$root/current"
    echo switched
fi
note "$version"

runs() { curl -fsS -m 5 "$url" 2>&1 | grep -q "$version"; }
if runs; then exit 0; fi
sh -c "$reload"
until runs; do
    if [ "$seconds" -le 0 ]; then
        echo "$url does not answer with $version: $(curl -sS -m 5 "$url" 2>&1 | head -c 500)" >&2
        exit 69
    fi
    sleep 1
    seconds=$((seconds - 1))
done
