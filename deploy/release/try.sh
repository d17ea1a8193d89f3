#!/usr/bin/env bash
# Tries the wheel and the npm package of one architecture, each installed in an empty environment that has no Rust:
#
#   deploy/release/try.sh ARCH FOLDER VERSION HANDLER.wasm
#
# Another architecture's programs run under qemu, where what starts programs of its own cannot be tried.
set -euo pipefail
arch=$1 folder=$(realpath "$2") version=$3 handler=$(realpath "$4")
here=$(dirname "$(realpath "$0")")
step() { printf '\n== release: %s (%s)\n' "$*" "$(date +%T)"; }
fail() { echo "error: $*" >&2; exit 1; }
WORK=$(mktemp -d)
registry=
trap 'rm -rf "$WORK"; [ -z "$registry" ] || kill "$registry"' EXIT
mkdir "$WORK/home"
# What a program that is tried can find: the system's tools, and not one of Rust's.
bare() { env -i HOME="$WORK/home" PATH="$1:/usr/bin:/bin" "${@:2}"; }
for tool in cargo rustc rustup; do
  if bare /nowhere sh -c "command -v $tool"; then fail "$tool is on the path of the empty environment"; fi
done

# Milliseconds from the start of a program to its end, at best: others may have the CPU in between.
started_in() {
  python3 - "$@" <<'PYTHON'
import subprocess, sys, time
def once():
    began = time.perf_counter()
    subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000
took = sorted(once() for _ in range(21))
print(f"  --version: {took[0]:.1f} ms at best, {took[10]:.1f} in the median of 21")
sys.exit(took[0] >= 20)
PYTHON
}

# Everything that needs no other program: a new project, the handler as a zip with and without its host, and the layers.
alone() { # PATH COMMAND…
  local path=$1
  shift
  rm -rf "$WORK/tried"
  mkdir "$WORK/tried"
  cd "$WORK/tried"
  [ "$(bare "$path" "$@" --version)" = "firstbyte $version" ] || fail "another version: $(bare "$path" "$@" --version)"
  bare "$path" "$@" new hello --lang rust > /dev/null
  grep -qF "firstbyte = { version = \"$version\" }" hello/Cargo.toml || fail "a new project takes other libraries: $(cat hello/Cargo.toml)"
  cp "$handler" greeting.wasm
  for layer in x86_64 arm64; do
    bare "$path" "$@" layer --arch $layer -o $layer > /dev/null
    cmp $layer/layer.zip "$folder/layer-$layer.zip"
    if [ -f "$folder/layer-wasi-p3-$layer.zip" ]; then
      bare "$path" "$@" layer --arch $layer --wasi-p3 -o p3-$layer > /dev/null
      cmp p3-$layer/layer.zip "$folder/layer-wasi-p3-$layer.zip"
    fi
    bare "$path" "$@" package greeting.wasm --arch $layer --with-host -o both-$layer > /dev/null
    [ "$(unzip -Z1 both-$layer/function.zip | sort | tr '\n' ' ')" = "bootstrap greeting.cwasm " ] || fail "function.zip has $(unzip -Z1 both-$layer/function.zip)"
    unzip -p both-$layer/function.zip bootstrap | cmp - <(unzip -p "$folder/layer-$layer.zip" bootstrap)
  done
}

# At the three doors, by the program itself as bootstrap, and by the layer that goes to Lambda.
invoked() { # PATH COMMAND…
  local said bootstrap=()
  unzip -qo "$folder/layer-x86_64.zip" bootstrap -d "$WORK/tried"
  for way in own layer; do
    if [ $way = layer ]; then
      bare "$1" "${@:2}" compile greeting.wasm --arch x86_64 -o greeting.cwasm > /dev/null
      bootstrap=(greeting.cwasm --bootstrap "$WORK/tried/bootstrap")
    else
      bootstrap=(greeting.wasm)
    fi
    said=$(bare "$1" "${@:2}" invoke "${bootstrap[@]}" --via all --payload '{"name":"hoge"}' 2>&1) || fail "invoke: $said"
    for line in 'Hello, this is a streamed response!' 'Hello, hoge! This is a delayed message.'; do
      [ "$(grep -cF "$line" <<< "$said")" = 3 ] || fail "expected at three doors: $line; was: $said"
    done
  done
}

# What ends the command line ends all that it has started: nobody is left who holds its output open.
ended() { # PATH COMMAND…
  local server line
  exec 4< <(exec env -i HOME="$WORK/home" PATH="$1:/usr/bin:/bin" "${@:2}" serve greeting.wasm --lambda-port 0 --url-port 0 --api-port 0 2>&1)
  server=$!
  while read -r line <&4 && [[ $line != *http://* ]]; do :; done
  [[ $line == *http://* ]] || fail "serve does not start"
  kill -TERM $server
  timeout 30 cat <&4 > /dev/null || fail "serve goes on after a SIGTERM"
  exec 4<&-
}

native=
[ "$(uname -m)" = "$arch" ] && native=1
wheel=$(echo "$folder"/firstbyte-"$version"-*"_$arch.whl")
[ -f "$wheel" ] || fail "there is no wheel for $arch in $folder"

step "the wheel for $arch ($(($(stat -c %s "$wheel") / 1000)) KB)"
began=$SECONDS
if [ -n "$native" ]; then
  python3 -m venv "$WORK/venv"
  bare "$WORK/venv/bin" pip install --quiet --no-index --find-links "$folder" firstbyte
  alone "$WORK/venv/bin" firstbyte
  invoked "$WORK/venv/bin" firstbyte
  ended "$WORK/venv/bin" firstbyte
  echo "  installed and tried, alone and at three doors, in $((SECONDS - began)) s"
  started_in "$WORK/venv/bin/firstbyte" --version
else
  # pip chooses it for that platform, and a musl-based one.
  for platform in manylinux_2_17_$arch musllinux_1_1_$arch; do
    python3 -m pip download --quiet --no-index --find-links "$folder" --no-deps --only-binary :all: --platform "$platform" \
      --dest "$WORK/$platform" firstbyte
    cmp "$WORK/$platform/$(basename "$wheel")" "$wheel"
  done
  unzip -qo "$wheel" -d "$WORK/wheel"
  program=$(find "$WORK/wheel" -path '*.data/scripts/firstbyte')
  chmod +x "$program"
  alone /nowhere "$(command -v "qemu-$arch-static")" "$program"
  echo "  chosen by pip, and tried under qemu, in $((SECONDS - began)) s"
fi

step "the npm package for $arch ($(($(cat "$folder"/firstbyte-linux-"$([ "$arch" = x86_64 ] && echo x64 || echo arm64)"-"$version".tgz | wc -c) / 1000)) KB)"
began=$SECONDS
exec 3< <(exec python3 "$here/registry.py" "$folder")
registry=$!
read -r address <&3 || fail "the registry does not start"
npm=(npm install --global --no-audit --no-fund --silent --registry "$address")
# npm keeps its own settings: what the package depends on may come from afar.
installed() { # PREFIX
  PATH=$(dirname "$(command -v node)"):/usr/bin:/bin "${npm[@]}" --prefix "$1" firstbyte
}
if [ -n "$native" ]; then
  # With the scripts of an installation, and where they are forbidden.
  for scripts in with without; do
    prefix=$WORK/npm-$scripts
    [ $scripts = with ] || npm+=(--ignore-scripts)
    installed "$prefix"
    path=$prefix/bin:$(dirname "$(command -v node)")
    alone "$path" firstbyte
    invoked "$path" firstbyte
    ended "$path" firstbyte
    # Its exit code passes through.
    code=0
    bare "$path" firstbyte compile nothing.wasm --arch arm64 2> /dev/null || code=$?
    [ $code = 1 ] || fail "a failure's code is $code"
  done
  echo "  installed and tried twice, in $((SECONDS - began)) s"
  started_in env PATH="$WORK/npm-with/bin:/usr/bin:/bin" firstbyte --version
else
  npm+=(--cpu arm64 --os linux --ignore-scripts)
  installed "$WORK/npm"
  program=$(find "$WORK/npm" -path '*@firstbyte/linux-arm64/bin/firstbyte')
  cmp "$program" "$(find "$WORK/wheel" -path '*.data/scripts/firstbyte')"
  echo "  chosen by npm, the same program, in $((SECONDS - began)) s"
fi
