#!/usr/bin/env bash
# Renews runtime.txt and dev.txt from pyproject.toml; needs uv. Versions already locked stay unless --upgrade
# (or --upgrade-package NAME) is given. One version serves every Python; no index address is written.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() {
    uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@"
}
compile pyproject.toml --group build --output-file requirements/runtime.txt "$@"
compile pyproject.toml --group build --group dev --constraint requirements/runtime.txt \
    --output-file requirements/dev.txt "$@"
