#!/usr/bin/env bash
# Proves that handlers in JavaScript and TypeScript are built, stream and fail as guest/javascript says, with Node.js, npm and the
# command line alone: what handlers of every kind answer, the examples, and a new project by nothing but what the commands print.
# FIRSTBYTE names a `firstbyte` that is built already.
set -euo pipefail
cd "$(dirname "$0")/../.."
ROOT=$PWD
step() { printf '\n== javascript: %s (%s)\n' "$*" "$(date +%T)"; }
fail() { echo "error: $*" >&2; exit 1; }
: "${FIRSTBYTE:?names the command line}"
export FIRSTBYTE
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

step "packages"
for folder in guest/javascript tests/javascript guest/examples/javascript; do
  (cd "$folder" && npm ci --no-audit --no-fund --loglevel error)
done

step "handlers of every kind"
(cd tests/javascript && "$FIRSTBYTE" build && npm test --silent && "$FIRSTBYTE" build src/listener.js && node --test listener.test.js)

step "what cannot be built says why"
(cd tests/javascript && node --test build.test.js)

step "the examples"
(
  cd guest/examples/javascript
  for name in direct url api hono chat aws; do "$FIRSTBYTE" build "src/$name.ts"; done
  npm test --silent
)

step "beside AWS's own runtime client"
(cd tests/javascript && node --test beside/)

step "a new project"
(
  cd "$WORK"
  "$FIRSTBYTE" new hello --lang typescript --template sse --sdk "$ROOT" > next
  # The commands between `cd` and `serve`.
  commands=$(sed -n '/^Next:/,/ serve$/p' next | sed '1d;$d')
  said=$(bash -ec "$commands") || fail "$said"
  [ "$(grep -cF 'event: tick\ndata: {\"tick\":3}' <<< "$said")" = 3 ] || fail "the new project said: $said"
  # Its tests are of what is written now.
  sed -i 's/event: "tick"/event: "tock"/' hello/src/handler.ts
  said=$(cd hello && npm test 2>&1) && fail "a handler that has changed passes the tests of the one before: $said"
  grep -q tock <<< "$said" || fail "the tests failed of another reason: $said"
)
printf '\njavascript: all of it holds (%s)\n' "$(date +%T)"
