#!/usr/bin/env bash
# Proves that a handler in Python holds what guest/python/README.md says: with Python and the command line and no Rust, every form
# of a handler, the examples, a project by `firstbyte new`, and what is refused. FIRSTBYTE names a `firstbyte` that is built already.
set -euo pipefail
cd "$(dirname "$0")/../.."
ROOT=$PWD
FIRSTBYTE=$(realpath "${FIRSTBYTE:-${CARGO_TARGET_DIR:-$ROOT/target}/release/firstbyte}")
export FIRSTBYTE
step() { printf '\n== python: %s (%s)\n' "$*" "$(date +%T)"; }
fail() { echo "error: $*" >&2; exit 1; }
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

step "the package, pytest and mypy"
python3 -m venv "$WORK/venv"
export PATH=$WORK/venv/bin:$PATH
pip install --quiet --disable-pip-version-check -r tests/python/requirements.lock
# Setuptools writes to the folder that it builds in.
cp -rL guest/python "$WORK/package"
pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$WORK/wheels" "$WORK/package"
pip install --quiet --disable-pip-version-check --no-deps "$WORK"/wheels/firstbyte-*.whl
mypy --config-file guest/python/pyproject.toml guest/python/src

step "what makes components, once for all"
"$FIRSTBYTE" build guest/examples/python/greeting

step "the cases and the examples"
pytest --quiet --numprocesses 2 --dist loadfile --import-mode importlib -o cache_dir="$WORK/cache" tests/python guest/examples/python

step "a project by firstbyte new, as it says, without Rust"
mkdir "$WORK/bin"
ln -s "$FIRSTBYTE" "$WORK/bin/firstbyte"
(
  export PATH=$WORK/venv/bin:$WORK/bin:/usr/bin:/bin
  unset FIRSTBYTE
  command -v cargo > /dev/null && fail "cargo is on the path"
  cd "$WORK"
  for template in greeting sse asgi; do
    firstbyte new "new-$template" --lang python --template $template --sdk "$ROOT" > "new-$template.log"
  done
  cd new-greeting
  firstbyte build
  pytest --quiet
  shown=$(firstbyte invoke --via all --payload '{"name":"hoge"}')
  [ "$(grep -cF 'Hello, hoge! This is a delayed message.' <<< "$shown")" = 3 ] || fail "the new project said: $shown"
)

step "a zip of at most 8 MB"
"$FIRSTBYTE" package guest/examples/python/greeting --arch x86_64 -o "$WORK/packaged"
[ "$(stat -c %s "$WORK/packaged/function.zip")" -le 8000000 ] || fail "the zip has $(stat -c %s "$WORK/packaged/function.zip") bytes"

step "sam build of that project"
# The tests of deployments install the SAM CLI.
SAM=${SAM:-$ROOT/target/deploy/venv/bin/sam}
if [ -x "$SAM" ]; then
  (
    export PATH=$WORK/venv/bin:$WORK/bin:/usr/bin:/bin SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1
    cd "$WORK/new-greeting"
    sed -i "s/arm64/$(uname -m | sed s/aarch64/arm64/)/" template.yaml
    # With the ARN of a layer there is nothing to make but the handler.
    python "$ROOT/tests/outside/project.py" layer template.yaml arn:aws:lambda:us-east-1:123456789012:layer:firstbyte:7
    "$SAM" build > sam.log 2>&1 || { cat sam.log; fail "sam build"; }
    [ "$(ls .aws-sam/build/Function)" = handler.cwasm ] || fail "sam built $(ls .aws-sam/build/*)"
    shown=$(firstbyte invoke .aws-sam/build/Function/handler.cwasm --via url --payload '{"name":"hoge"}')
    grep -qF 'Hello, hoge! This is a delayed message.' <<< "$shown" || fail "what sam built said: $shown"
  )
else
  echo "passed over: $SAM is not there (tests/deploy/run.sh installs it)"
fi
printf '\npython: all of it holds (%s)\n' "$(date +%T)"
