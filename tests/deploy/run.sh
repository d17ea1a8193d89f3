#!/usr/bin/env bash
# Proves without an AWS account that deploy/ works: the templates are valid and grant no more than they must, what is built is
# small, reproducible and static, and what `sam build` made streams through all three doors of a Lambda-like environment, on
# x86_64 and, emulated, on arm64. Installs what it needs. FIRSTBYTE names a `firstbyte` that is built already.
set -euo pipefail
cd "$(dirname "$0")/../.."
ROOT=$PWD
WORK=$ROOT/target/deploy
export CARGO_TERM_COLOR=never
step() { printf '\n== deploy: %s (%s)\n' "$*" "$(date +%T)"; }
fail() { echo "error: $*" >&2; exit 1; }

source tests/deploy/tools.sh
# AWS's SDK for Rust takes minutes, on what the other steps leave free.
(cd deploy/clients/rust && CARGO_TARGET_DIR=$WORK/client nice cargo build --locked --quiet) > "$WORK/client.log" 2>&1 &
client=$!

if [ -z "${FIRSTBYTE:-}" ]; then
  step "the command line"
  cargo build --release --quiet --package firstbyte-cli
  FIRSTBYTE=${CARGO_TARGET_DIR:-$ROOT/target}/release/firstbyte
fi
export FIRSTBYTE

step "sam validate, cfn-lint"
sam validate --lint --template deploy/template.yaml --config-file "$ROOT/deploy/samconfig.toml"
cfn-lint deploy/template.yaml deploy/telemetry.yaml

# The same template for the other architecture, as the guide says to make it.
sed 's/arm64/x86_64/' deploy/template.yaml > "$WORK/template-x86_64.yaml"
cp deploy/template.yaml "$WORK/template-arm64.yaml"
for arch in x86_64 arm64; do
  step "sam build for $arch"
  TEMPLATE=$WORK/template-$arch.yaml
  export TEMPLATE
  unset ARCH
  sam build --template "$TEMPLATE" --base-dir deploy --build-dir "$WORK/sam-$arch" --config-file "$ROOT/deploy/samconfig.toml" > "$WORK/sam.log" 2>&1 ||
    { cat "$WORK/sam.log"; fail "sam build"; }
  [ "$(ls "$WORK/sam-$arch/Host")" = bootstrap ] || fail "the layer is not its bootstrap alone"
  for function in UrlGreeting ApiGreeting DirectGreeting; do
    [ "$(ls "$WORK/sam-$arch/$function")" = greeting.cwasm ] || fail "$function is not its component alone"
  done
done
unset TEMPLATE

step "sizes; the same input gives the same bytes"
# sam has built both architectures of the same sources before; `make swap`, below, packages one of them again.
for arch in x86_64 arm64; do
  "$FIRSTBYTE" package guest/examples/greeting --arch $arch -o "$WORK/first-$arch" 2> "$WORK/package.log" || { cat "$WORK/package.log"; fail "package"; }
  "$FIRSTBYTE" layer --arch $arch -o "$WORK/first-$arch" 2> "$WORK/layer.log" || { cat "$WORK/layer.log"; fail "layer"; }
  [ "$(stat -c %s "$WORK/first-$arch/function.zip")" -le 150000 ] || fail "the greeting's function.zip is larger than 150 KB"
  shown=$(grep -oP "zip is .*?\K[0-9]+(?= KB for $arch)" deploy/README.md)
  size=$(($(stat -c %s "$WORK/first-$arch/function.zip") / 1000))
  [ $((100 * size)) -ge $((90 * shown)) ] && [ $((100 * size)) -le $((110 * shown)) ] || fail "the greeting's function.zip has $size KB, and deploy/README.md says $shown"
  [ "$(stat -c %s "$WORK/first-$arch/layer.zip")" -le 3000000 ] || fail "layer.zip is larger than 3 MB"
  unzip -p "$WORK/first-$arch/layer.zip" bootstrap | cmp - "$WORK/sam-$arch/Host/bootstrap"
  unzip -p "$WORK/first-$arch/function.zip" greeting.cwasm | cmp - "$WORK/sam-$arch/UrlGreeting/greeting.cwasm"
  [[ $(unzip -Z "$WORK/first-$arch/layer.zip") == *-rwxr-xr-x*bootstrap* ]] || fail "bootstrap is not executable in layer.zip"
done

step "static: no library and no symbol version is asked of Lambda"
for arch in x86_64 arm64; do
  bootstrap=$WORK/sam-$arch/Host/bootstrap
  readelf --program-headers --wide "$bootstrap" | grep -q INTERP && fail "the $arch bootstrap wants a loader"
  readelf --dynamic "$bootstrap" | grep -q NEEDED && fail "the $arch bootstrap wants libraries"
  readelf --version-info "$bootstrap" | grep -q GLIBC && fail "the $arch bootstrap wants symbols of glibc"
  echo "  $arch: nothing"
done

step "cdk synth"
(cd deploy/cdk && npx --no-install cdk synth --quiet > "$WORK/cdk.log" 2>&1) || { cat "$WORK/cdk.log"; fail "cdk synth"; }

step "what the templates grant"
python "$ROOT/tests/deploy/templates.py" --sam deploy/template.yaml --cdk deploy/cdk/cdk.out/FirstbyteGreetings.template.json

step "the guide's table of settings"
python tests/deploy/settings.py host/runtime/src/settings.rs deploy/README.md

proof() { # ARCH CPU [OPTIONS]
  python tests/deploy/proof.py --firstbyte "$FIRSTBYTE" --task "$WORK/sam-$1/UrlGreeting" --opt "$WORK/sam-$1/Host" --cpu "$2" "${@:3}"
}
step "what sam built for x86_64 streams, under Lambda's environment"
proof x86_64 "" --swap "$WORK/sam-x86_64/Chat"
step "and on the oldest x86_64 that Lambda may have: SSE4.2, no AVX"
proof x86_64 "$(command -v qemu-x86_64-static) -cpu Nehalem"
step "what sam built for arm64 streams, on the oldest Armv8"
proof arm64 "$(command -v qemu-aarch64-static) -cpu cortex-a57"

step "what the guide types to deploy, swap, shift and remove, with a stand-in for AWS"
python tests/deploy/deployed.py "$WORK/sam-arm64" deploy/samconfig.toml

step "make swap says what it would run, and packages what was built anew to the same bytes"
touch guest/examples/greeting/src/lib.rs
said=$(make --no-print-directory -C deploy swap FUNCTION=a-function HANDLER=../guest/examples/greeting DRY_RUN=1 DIST="$WORK/swap" 2> "$WORK/swap.log") ||
  { cat "$WORK/swap.log"; fail "make swap"; }
grep -F "aws lambda update-function-code --function-name a-function --zip-file fileb://$WORK/swap/a-function/function.zip --architectures arm64" <<< "$said" ||
  fail "make swap said: $said"
cmp "$WORK/swap/a-function/function.zip" "$WORK/first-arm64/function.zip"
said=$(make --no-print-directory -C deploy --dry-run swap FUNCTION=a-function HANDLER=a-handler SNAPSHOT="--snapshot --snapshot-env TABLE")
[[ $said == *"package 'a-handler' --arch arm64  --snapshot --snapshot-env TABLE -o "* ]] || fail "make swap with SNAPSHOT said: $said"

step "verify-on-aws.sh, with stand-ins for aws and sam, and the emulator's doors"
shellcheck -x deploy/verify-on-aws.sh tests/deploy/run.sh tests/outside/run.sh
python tests/deploy/verify.py --firstbyte "$FIRSTBYTE" --task "$WORK/sam-$(uname -m | sed s/aarch64/arm64/)/UrlGreeting"
make --no-print-directory -C deploy raw-runtime ARCH=arm64 DIST="$WORK/raw-arm64" > /dev/null
readelf --program-headers --wide "$WORK/raw-arm64/bootstrap" | grep -q INTERP && fail "the raw runtime for arm64 wants a loader"
said=$("$FIRSTBYTE" invoke --payload '{"x-probe":"ending=clean"}' -- \
  "$(command -v qemu-aarch64-static)" -cpu cortex-a57 "$WORK/raw-arm64/bootstrap" 2>&1) || fail "the raw runtime for arm64 said: $said"
[[ $said == *"chunk 1"* ]] || fail "the raw runtime for arm64 said: $said"
echo "  the raw runtime is static, and runs on the oldest Armv8"

step "clients"
wait $client || { cat "$WORK/client.log"; fail "the Rust client does not build"; }
python tests/deploy/clients.py --firstbyte "$FIRSTBYTE" --task "$WORK/sam-x86_64/DirectGreeting" --opt "$WORK/sam-x86_64/Host" --rust "$WORK/client/debug/invoke"
printf '\ndeploy: all of it holds (%s)\n' "$(date +%T)"
