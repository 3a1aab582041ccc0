#!/usr/bin/env bash
# Renews runtime.txt, dev.txt and train.txt from pyproject.toml; needs uv. Versions already locked stay unless --upgrade
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
# What training adds to the runtime. The CPU build of torch is not in every index: where the configured ones lack it, name
# a folder or page that has it in UV_FIND_LINKS.
mapfile -t present < <(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package=\1/p' requirements/runtime.txt)
compile pyproject.toml --group build --group train --constraint requirements/runtime.txt "${present[@]}" \
    --output-file requirements/train.txt "$@"
