#!/usr/bin/env bash
# Proves in a real Chromium that the console's page shows what the emulator says, sends, repeats, fails as it is told to, saves and
# loads. FIRSTBYTE names a `firstbyte` that is built already; tests/upstream/install.sh and tests/clients/install.sh come before.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${FIRSTBYTE:?names the command line}"
export FIRSTBYTE
node --test --test-reporter=spec tests/console/console.test.mjs
