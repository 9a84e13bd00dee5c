#!/usr/bin/env bash
# A made-up world, its archive and three searches: run by `make demo`. Every command is shown before it runs.
# Run again, it makes only what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
PATH="$(cd "$venv/bin" && pwd):$PATH"
world=demo/world archive=demo/archive

# Show a command as one would type it, run it, and say how long it took.
step() {
    local begun=$SECONDS argument shown=
    for argument in "$@"; do
        case $argument in
            *[!-A-Za-z0-9_./,=]*) shown+=" \"$argument\"" ;;
            *) shown+=" $argument" ;;
        esac
    done
    printf '\n$%s\n' "$shown"
    "$@" || return
    printf '(%d s)\n' "$((SECONDS - begun))"
}

make_archive() {
    step swath sandbox "$world" && step swath index "$world" --to "$archive" --chip 128
}

mkdir -p demo
if ! make_archive; then
    echo "what is in demo/ was made by another version of swath: making it anew" >&2
    rm -rf "$world" "$archive"
    make_archive
fi
step swath search "$archive" "snow covered mountains" -k 10 --sheet demo/1_words.png
step swath search "$archive" "open water beside land" --per-sensor -k 6 --sheet demo/2_sensors.png
step swath search "$archive" "a harbour town beside the sea" --near -4.0,48.6 --radius 20 -k 10 --sheet demo/3_place.png

cat <<END

Done in $SECONDS s. The pictures of the hits: demo/1_words.png, demo/2_sensors.png, demo/3_place.png
The world is synthetic. Go on with your own images:

  source $venv/bin/activate
  swath index PATH/TO/YOUR/FOLDER --to my-archive
  swath search my-archive "harbour with ships" --open
  swath search my-archive --like example.tif --near -118.2,34.0 --radius 100
  swath --help

More: docs/five_minutes.md
END
