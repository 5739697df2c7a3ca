#!/bin/sh
# check.sh ROOT VERSION CHECK: give a release that is unpacked its name, and check that it can run.
set -eu
root=$1 version=$2 check=$3
release=$root/releases/$version
if [ -e "$release.partial/REVISION" ] && [ ! -e "$release" ]; then
    mv -T "$release.partial" "$release"
fi
if [ "$(cat "$release/REVISION" 2>/dev/null || true)" != "$version" ]; then
    echo "there is no complete release $release" >&2
    exit 66
fi
cd "$release"
exec sh -c "$check"
