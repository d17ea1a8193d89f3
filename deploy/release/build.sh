#!/usr/bin/env bash
# Makes what is published, and tries each part of it in an environment that has no Rust:
#
#   deploy/release/build.sh [--quick | --try] [x86_64] [aarch64]
#
# on an x86_64 machine with rustup, a C compiler, Python and npm. It takes both architectures unless some are named. Everything goes
# to dist/release, or to OUT. Where HOSTS names a folder of layers that are made already, they are taken. --quick makes what is not to
# be published: for this machine alone, by the builds that `cargo build --release` has left, with the layers of HOSTS. --try makes
# nothing, and tries what is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
ROOT=$PWD
OUT=${OUT:-$ROOT/dist/release}
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
WORK=$TARGET/release-work
HOSTS=${HOSTS:-}
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0
step() { printf '\n== release: %s (%s)\n' "$*" "$(date +%T)"; }
fail() { echo "error: $*" >&2; exit 1; }
size() { stat -c %s "$1"; }

quick='' only_try='' archs=()
for argument; do
  case $argument in
    --quick) quick=1 ;;
    --try) only_try=1 ;;
    x86_64 | aarch64) archs+=("$argument") ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done
[ ${#archs[@]} -gt 0 ] || archs=(x86_64 aarch64)
if [ -n "$quick" ]; then
  archs=("$(uname -m)")
  [ -n "$HOSTS" ] || fail "--quick takes the layers of the folder that HOSTS names"
fi
mkdir -p "$OUT" "$WORK"

step "tools"
if ! cmp -s deploy/release/requirements.txt "$WORK/venv/installed"; then
  python3 -m venv "$WORK/venv"
  "$WORK/venv/bin/pip" install --quiet -r deploy/release/requirements.txt
  cp deploy/release/requirements.txt "$WORK/venv/installed"
fi
export PATH=$WORK/venv/bin:$PATH
if [ -n "$quick" ]; then
  # maturin has cargo build the command line alone, whose dependencies would then have fewer features than in a build of the whole
  # workspace, and would all be compiled once more. What is not to be published is taken from that build.
  mkdir -p "$WORK/quick"
  cat > "$WORK/quick/cargo" <<SHIM
#!/bin/sh
if [ "\$1" = rustc ]; then
  cd "$ROOT"
  set -- build --release --locked --quiet --bin firstbyte --message-format json-render-diagnostics
fi
exec "$(command -v cargo)" "\$@"
SHIM
  chmod +x "$WORK/quick/cargo"
  export PATH=$WORK/quick:$PATH
  unset CARGO
fi
VERSION=$(python deploy/release/stage.py version)

# The C compilers and linkers of static programs, by the variables of cargo and of the crate cc. Rust brings linker and C library.
export CC_x86_64_unknown_linux_musl=${CC_x86_64_unknown_linux_musl:-cc}
cat > "$WORK/zig-cc" <<'ZIG'
#!/bin/sh
# zig takes the target in words of its own.
for argument do
  shift
  case $argument in --target=*) ;; *) set -- "$@" "$argument" ;; esac
done
exec python -m ziglang cc -target aarch64-linux-musl "$@"
ZIG
chmod +x "$WORK/zig-cc"
export CC_aarch64_unknown_linux_musl=${CC_aarch64_unknown_linux_musl:-$WORK/zig-cc}
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUSTFLAGS=-Clink-self-contained=yes

target_of() { echo "$1-unknown-linux-musl"; }

if [ -z "$only_try" ]; then
  if [ -z "$quick" ]; then
    for arch in "${archs[@]}"; do rustup target add "$(target_of "$arch")"; done
  fi
  if [ -z "$HOSTS" ]; then
    # Every command line carries all of the hosts, whatever it runs on itself.
    HOSTS=$WORK/hosts
    mkdir -p "$HOSTS"
    step "the command line that packs the hosts"
    rustup target add x86_64-unknown-linux-musl
    cargo build --locked --quiet --profile dist --target x86_64-unknown-linux-musl --package firstbyte-cli
    cp "$TARGET/x86_64-unknown-linux-musl/dist/firstbyte" "$WORK/firstbyte"
    for arch in x86_64 arm64; do
      for generation in "" wasi-p3; do
        name=layer${generation:+-$generation}-$arch
        step "$name.zip"
        "$WORK/firstbyte" layer --arch $arch ${generation:+--$generation} --source "$ROOT" -o "$WORK/$name"
        mv "$WORK/$name/layer.zip" "$HOSTS/$name.zip"
      done
    done
  fi
  FIRSTBYTE_HOSTS=$(cd "$HOSTS" && pwd)
  export FIRSTBYTE_HOSTS
  rm -f "$OUT"/*.{whl,tgz}
  if ! [ "$FIRSTBYTE_HOSTS" -ef "$OUT" ]; then
    rm -f "$OUT"/*.zip
    cp "$FIRSTBYTE_HOSTS"/layer-*.zip "$OUT"
  fi

  python deploy/release/stage.py python "$WORK/python"
  programs=()
  for arch in "${archs[@]}"; do
    step "the wheel for $arch"
    if [ -n "$quick" ]; then
      options=(--profile release --compatibility linux)
      built=$TARGET/release
    else
      # A static program runs on any Linux, which is what both tags promise.
      options=(--target "$(target_of "$arch")" --compatibility manylinux2014 musllinux_1_1)
      built=$TARGET/$(target_of "$arch")/dist
    fi
    (cd "$WORK/python" && CARGO_TARGET_DIR=$TARGET maturin build --quiet "${options[@]}" --out "$OUT")
    case $arch in x86_64) cpu=x64 ;; aarch64) cpu=arm64 ;; esac
    programs+=("linux-$cpu=$built/firstbyte")
  done

  step "the npm packages"
  python deploy/release/stage.py npm "$WORK/npm" "${programs[@]}"
  for package in "$WORK"/npm/*; do
    npm pack --silent --pack-destination "$OUT" "$package"
  done
fi

step "sums"
(cd "$OUT" && rm -f SHA256SUMS && sha256sum -- *.zip *.whl *.tgz | tee SHA256SUMS)
for file in "$OUT"/*.whl "$OUT"/*.tgz; do
  [ "$(size "$file")" -le 30000000 ] || fail "$file is larger than 30 MB"
done

step "the handler that they are tried with"
rustup target add wasm32-wasip2
cargo build --locked --quiet --profile handler --target wasm32-wasip2 --package greeting
for arch in "${archs[@]}"; do
  deploy/release/try.sh "$arch" "$OUT" "$VERSION" "$TARGET/wasm32-wasip2/handler/greeting.wasm"
done
printf '\nrelease: all of it holds, in %s (%s)\n' "$OUT" "$(date +%T)"
