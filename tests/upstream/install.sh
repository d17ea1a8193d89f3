#!/bin/sh
# Installs the real browser that the chat's page is tested in: Debian's Chromium, driven by playwright-core.
set -eu
cd "$(dirname "$0")"

if ! command -v chromium >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi

(cd browser && npm ci --no-audit --no-fund)
