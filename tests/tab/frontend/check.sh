#!/usr/bin/env bash
# Checks types (by JSDoc) and lints what the Saliency tab runs in the browser. Works on a copy, so
# that npm leaves nothing in the checkout.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/*.json "$here"/*.js "$work"
cp -r "$here/../../../keras_saliency/tab/static" "$work/static"
cd "$work"
npm install --silent --no-audit --no-fund --no-package-lock
npm run --silent types
npm run --silent lint
