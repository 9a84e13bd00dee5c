#!/usr/bin/env bash
# Make the virtual environment $VENV with swath and the given extras, from any Python >= 3.11 with pip.
# Does nothing where that was already done for this checkout, pyproject.toml and constraints.txt.
# usage: scripts/environment.sh [EXTRA,EXTRA...]
set -euo pipefail
cd "$(dirname "$0")/.."

VENV=${VENV:-.venv}
extras=${1:-}
target=.${extras:+[$extras]}
key=$( (pwd; cat pyproject.toml constraints.txt) | cksum | cut -d' ' -f1)
stamp="$VENV/.installed-${extras:-core}-$key"
[ -e "$stamp" ] && [ -x "$VENV/bin/swath" ] && exit 0

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        if "$candidate" -c "$new_enough" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "error: swath needs Python 3.11 or newer; none found as: ${PYTHON:-python3.11, python3.12, python3.13, python3}." \
        "Install one, or name it: make PYTHON=/path/to/python" >&2
    return 1
}

# pip prints one warning for every local index it passes over; they say nothing about this install.
quiet() { "$@" 2> >(grep -vE 'Location .* is ignored|new release of pip|To update, run' >&2 || true); }

if ! "$VENV/bin/python" -c "$new_enough" 2>/dev/null; then
    python=$(find_python)
    echo "making $VENV with $("$python" --version)" >&2
    # Debian's Python lacks ensurepip unless python3-venv is there: pip can install itself instead.
    if ! "$python" -m venv --clear "$VENV" >/dev/null 2>&1; then
        "$python" -m venv --clear --without-pip "$VENV"
        quiet "$python" -m pip --python "$VENV/bin/python" install -q pip
    fi
fi

echo "installing swath${extras:+ with $extras} into $VENV (once; a few minutes on a slow line)" >&2
quiet "$VENV/bin/python" -m pip install -q --disable-pip-version-check -c constraints.txt -e "$target"
rm -f "$VENV/.installed-${extras:-core}"-*
touch "$stamp"
