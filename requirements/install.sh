#!/usr/bin/env bash
# Makes .venv and installs into it what is locked: `install.sh runtime` to use the lab, `install.sh dev` to test it,
# `install.sh train` to train networks (x86-64 Linux, Python 3.11; pip must find the CPU build of torch: PIP_FIND_LINKS).
# Debian packages are added as root or with passwordless sudo; otherwise what is missing is said.
set -euo pipefail
cd "$(dirname "$0")/.."
stage=${1:?usage: requirements/install.sh runtime|dev|train}
system_python=${PYTHON:-python3}
python=.venv/bin/python

stop() { echo "earshot: $*" >&2; exit 4; }

has_library() { "$system_python" -c 'import ctypes.util, sys; sys.exit(not ctypes.util.find_library(sys.argv[1]))' "$1"; }
has_headers() { "$system_python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))'; }
has_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo -n "$@"
    else return 1; fi
}

# debian PACKAGES WHY: tries to install; says what is missing and why where it may not.
debian() {
    local packages=$1 why=$2
    if command -v apt-get >/dev/null; then
        echo "earshot: installing Debian packages: $packages"
        # shellcheck disable=SC2086
        as_root apt-get -qq update >/dev/null 2>&1 || true
        # shellcheck disable=SC2086
        if as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 \
            install -y --no-install-recommends $packages >/dev/null 2>&1; then return 0; fi
    fi
    echo "earshot: missing $why; please install (Debian names): $packages" >&2
    return 1
}

locked() {
    "$python" -m pip install --quiet --quiet --disable-pip-version-check --require-hashes \
        --no-build-isolation --use-pep517 "${@/#/--requirement=}"
}

"$system_python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    stop "needs Python 3.11 or newer as $system_python; name another with: make PYTHON=python3.12 ..."

case $stage in
runtime)
    "$system_python" -c 'import ensurepip' 2>/dev/null ||
        debian python3-venv "Python's venv module" || stop "cannot make a virtual environment"
    # The sound card of a rig needs PortAudio; nothing simulated does.
    has_library portaudio || debian libportaudio2 "PortAudio, wanted for rigs only" || true
    has_library sndfile || debian libsndfile1 "libsndfile, wanted where the Python package brings none" || true
    [ -x "$python" ] || "$system_python" -m venv .venv
    locked requirements/runtime.txt
    PYTHONWARNINGS=ignore "$python" -m pip install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
    ;;
dev)
    # One test-only package comes as source with a C part, another reads files through libmagic.
    if ! command -v cc >/dev/null || ! has_headers; then
        debian "gcc libc6-dev python3-dev" "a C compiler and Python's headers" || stop "cannot install the test packages"
    fi
    has_library magic || debian libmagic1 "libmagic" || stop "cannot install the test packages"
    # Without a browser the test that opens the report in one is skipped.
    has_browser || debian chromium "Chromium, wanted by the test that opens a report" || true
    # A sound card of software; without it the tests that play and record are skipped.
    command -v jackd >/dev/null || debian jackd2 "JACK, wanted by the tests of the audio path" || true
    locked requirements/dev.txt
    ;;
train)
    [ -x "$python" ] || stop "install the runtime first: requirements/install.sh runtime"
    locked requirements/runtime.txt requirements/train.txt ||
        stop "cannot install torch; where the index has no CPU build, name a folder that has it in PIP_FIND_LINKS"
    ;;
*) stop "unknown stage '$stage': runtime, dev or train" ;;
esac
touch ".venv/installed-$stage"
