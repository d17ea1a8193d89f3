#!/usr/bin/env bash
# Proves that what is published is enough: packs every crate that a user depends on, and builds from these packages alone, in a
# folder outside of this repository, the command line, the README's handler with its test and its deployment, and the examples.
set -euo pipefail
cd "$(dirname "$0")/../.."
ROOT=$PWD
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0
source tests/deploy/tools.sh
step() { printf '\n== outside: %s (%s)\n' "$*" "$(date +%T)"; }
fail() { echo "error: $*" >&2; exit 1; }
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# In the order in which they are published.
CRATES=(firstbyte-macros firstbyte firstbyte-wire firstbyte-runtime firstbyte-toolchain firstbyte-emulator firstbyte-console firstbyte-cost firstbyte-testing firstbyte-cli)

step "packages"
selected=()
for crate in "${CRATES[@]}"; do selected+=(--package "$crate"); done
cargo package --quiet --no-verify --allow-dirty "${selected[@]}" 2>&1 | grep -v '^warning: ignoring' || true
mkdir -p "$WORK/packages" "$WORK/.cargo"
echo '[patch.crates-io]' > "$WORK/.cargo/config.toml"
for crate in "${CRATES[@]}"; do
  version=$(cargo pkgid --package "$crate" | sed 's/.*[#@]//')
  tar -xzf "$TARGET/package/$crate-$version.crate" -C "$WORK/packages"
  mv "$WORK/packages/$crate-$version" "$WORK/packages/$crate"
  echo "$crate = { path = \"$WORK/packages/$crate\" }" >> "$WORK/.cargo/config.toml"
  for file in README.md LICENSE; do
    [ -s "$WORK/packages/$crate/$file" ] || fail "$crate has no $file"
  done
done
diff -r wit "$WORK/packages/firstbyte-runtime/wit" || fail "the interface in firstbyte-runtime is another one"

step "the hosts that it carries, as in a release"
# With the features that `cargo run` has, so that nothing is built twice; and the hosts that tests/deploy/run.sh has built, if it has.
cargo build --release --quiet --bin firstbyte
for arch in x86_64 arm64; do
  built=$TARGET/deploy/sam-$arch/Host/bootstrap
  if [ -f "$built" ]; then given=(--bootstrap "$built"); else given=(); fi
  "$TARGET/release/firstbyte" layer --arch $arch "${given[@]}" -o "$WORK/hosts"
  mv "$WORK/hosts/layer.zip" "$WORK/hosts/layer-$arch.zip"
done

step "the command line: its package has all that it takes, and a release carries hosts"
# A build of the package would build wasmtime once more: it is checked, and what runs here are the same sources.
(
  cd "$WORK/packages/firstbyte-cli"
  cp "$ROOT/rust-toolchain.toml" "$WORK"
  cp "$ROOT/Cargo.lock" .
  cargo check --quiet --target-dir "$TARGET"
)
FIRSTBYTE_HOSTS=$WORK/hosts cargo build --release --quiet --bin firstbyte
mkdir -p "$WORK/bin"
cp "$TARGET/release/firstbyte" "$WORK/bin"
export PATH=$WORK/bin:$PATH
unset FIRSTBYTE
firstbyte --version
for arch in x86_64 arm64; do
  # What it carries, it gives as it is: nothing is compiled, and the sources are not here.
  (cd "$WORK" && firstbyte layer --arch $arch -o "carried-$arch" && cmp "carried-$arch/layer.zip" "hosts/layer-$arch.zip")
done

step "the README's handler and its test"
python tests/outside/project.py readme README.md "$WORK/greeting"
# The README has this repository in a folder beside the handler's.
mkdir -p "$WORK/firstbyte/guest"
ln -s "$WORK/packages/firstbyte" "$WORK/firstbyte/guest/rust"
ln -s "$WORK/packages/firstbyte-testing" "$WORK/firstbyte/guest/testing"
cp Cargo.lock "$WORK/greeting"
export CARGO_TARGET_DIR=$TARGET/outside
(
  cd "$WORK/greeting"
  cargo test --quiet
  cargo build --release --target wasm32-wasip2 --quiet
  said=$(firstbyte invoke . --via all --payload '{"name":"hoge"}')
  [ "$(grep -cF 'Hello, hoge! This is a delayed message.' <<< "$said")" = 3 ] || fail "the handler said: $said"
)

step "new projects, by the packaged command line"
for template in greeting sse router model; do
  (
    cd "$WORK"
    firstbyte new "new-$template" --template $template > /dev/null
    cd "new-$template"
    grep -q '^firstbyte = { version = "' Cargo.toml || fail "a released command line writes: $(cat Cargo.toml)"
    sam validate --lint
  )
done
step "the examples and their tests"
python tests/outside/project.py examples . "$WORK/examples"
cp Cargo.lock "$WORK/examples"
# cargo-component's build of the greeting is tested in the repository.
(cd "$WORK/examples" && cargo test --quiet --workspace -- --skip cargo_component)

step "the deployment of the README's handler, with SAM"
native=$(uname -m | sed s/aarch64/arm64/)
cp deploy/own/{Makefile,template.yaml,samconfig.toml} "$WORK/greeting"
sed -i "s/arm64/$native/" "$WORK/greeting/template.yaml"
(
  cd "$WORK/greeting"
  sam validate --lint
  sam build > sam.log 2>&1 || { cat sam.log; fail "sam build"; }
  [ "$(ls .aws-sam/build/Function .aws-sam/build/Host)" = "$(printf '.aws-sam/build/Function:\nhandler.cwasm\n\n.aws-sam/build/Host:\nbootstrap')" ] ||
    fail "sam built $(ls .aws-sam/build/*)"
  mv .aws-sam/build "$WORK/with-host"

  # With the ARN of a layer there is nothing to make but the handler.
  python "$ROOT/tests/outside/project.py" layer template.yaml arn:aws:lambda:us-east-1:123456789012:layer:firstbyte:7
  sam validate --lint
  sam build > sam.log 2>&1 || { cat sam.log; fail "sam build with a layer's ARN"; }
  cmp .aws-sam/build/Function/handler.cwasm "$WORK/with-host/Function/handler.cwasm"
  said=$(make --no-print-directory swap FUNCTION=a-function DRY_RUN=1 2> swap.log) || { cat swap.log; fail "make swap"; }
  grep -F "aws lambda update-function-code --function-name a-function --zip-file fileb://dist/function.zip --architectures $native" <<< "$said" ||
    fail "make swap said: $said"
  unzip -p dist/function.zip handler.cwasm | cmp - "$WORK/with-host/Function/handler.cwasm"
)
python tests/deploy/proof.py --firstbyte "$WORK/bin/firstbyte" --task "$WORK/with-host/Function" --opt "$WORK/with-host/Host" --handler handler

step "the same, prepared while it is built"
# What the initializer reads and makes is part of the component with these options, and refused without them.
cp -r "$WORK/greeting" "$WORK/prepared"
cat >> "$WORK/prepared/src/lib.rs" << 'RUST'

static PREPARED: std::sync::OnceLock<std::collections::HashMap<&str, String>> = std::sync::OnceLock::new();

#[firstbyte::init]
fn prepare() {
    PREPARED.get_or_init(|| [("table", std::env::var("TABLE").unwrap_or_default())].into());
}
RUST
export TABLE=a-table-that-only-a-snapshot-has
prepared() { grep -q "$TABLE" "$1"; }
(
  cd "$WORK/prepared"
  sam build > sam.log 2>&1 || { cat sam.log; fail "sam build without a snapshot"; }
  prepared .aws-sam/build/Function/handler.cwasm && fail "a handler is prepared although nobody asked for it"
  export SNAPSHOT='--snapshot --snapshot-env TABLE --snapshot-hash-seed'
  sam build > sam.log 2>&1 || { cat sam.log; fail "sam build with SNAPSHOT"; }
  prepared .aws-sam/build/Function/handler.cwasm || fail "SNAPSHOT prepares nothing"
  make --no-print-directory swap FUNCTION=a-function DRY_RUN=1 > swap.log 2>&1 || { cat swap.log; fail "make swap with SNAPSHOT"; }
  prepared <(unzip -p dist/function.zip handler.cwasm) || fail "make swap does not take SNAPSHOT"
)

step "the same with the CDK"
mkdir "$WORK/cdk"
cp deploy/cdk/{firstbyte.ts,tsconfig.json,cdk.json} tests/outside/app.ts "$WORK/cdk"
ln -s "$ROOT/deploy/cdk/node_modules" "$WORK/cdk/node_modules"
(
  cd "$WORK/cdk"
  ARCH=$native npx --no-install cdk synth --quiet > cdk.log 2>&1 || { cat cdk.log; fail "cdk synth"; }
  python "$ROOT/tests/outside/project.py" synthesized cdk.out/Own.template.json
  for component in cdk.out/asset.*/greeting.cwasm; do prepared "$component" && echo "$component"; done > prepared.log || true
  [ "$(wc -l < prepared.log)" = 1 ] || fail "one function of the construct's is to be prepared, and these are: $(cat prepared.log)"
)
step "a release: its wheel and its npm package, tried without Rust"
export CARGO_TARGET_DIR=$TARGET
HOSTS=$WORK/hosts OUT=$WORK/release deploy/release/build.sh --quick

step "what the documents tell a reader to type"
export FIRSTBYTE_HOSTS=$WORK/hosts
python tests/outside/documented.py run "$WORK/release" "$WORK/readers"
printf '\noutside: all of it holds (%s)\n' "$(date +%T)"
