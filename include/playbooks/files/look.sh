#!/bin/sh
# look.sh ROOT: what the link names, the complete releases, what was live (newest first), and who deploys: a word and a
# value a line.
set -eu
cd "$1"
link=$(readlink current || true)
echo "current ${link##*/}"
for each in releases/*/REVISION; do
    folder=${each%/REVISION}
    if [ "$(cat "$each" 2>/dev/null || true)" = "${folder##*/}" ]; then echo "release ${folder##*/}"; fi
done
if [ -e history ]; then tac history | sed 's/^/was /'; fi
if [ -s deploy.lock ]; then sed -n '3s/^/busy /p' deploy.lock; fi
