# What the tests of deployments need, to be sourced in the repository's folder: installs it under target/deploy, and puts it on the
# path. Nobody's credentials, and no word to anybody.

DEPLOY=$PWD/target/deploy
VENV=$DEPLOY/venv
mkdir -p "$DEPLOY"
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
export AWS_ACCESS_KEY_ID=nobody AWS_SECRET_ACCESS_KEY=nobody

missing=()
command -v qemu-aarch64-static > /dev/null && command -v qemu-x86_64-static > /dev/null || missing+=(qemu-user-static)
command -v make > /dev/null || missing+=(make)
command -v unzip > /dev/null || missing+=(unzip)
command -v curl > /dev/null || missing+=(curl)
command -v readelf > /dev/null || missing+=(binutils)
command -v npm > /dev/null || missing+=(nodejs npm)
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || { echo "error: missing: ${missing[*]} (Debian packages)" >&2; exit 1; }
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
fi
if ! cmp -s tests/deploy/requirements.txt "$VENV/installed"; then
  python3 -m venv "$VENV"
  "$VENV/bin/pip" install --quiet -r tests/deploy/requirements.txt -r deploy/clients/python/requirements.txt
  cp tests/deploy/requirements.txt "$VENV/installed"
fi
# With zig from there, for arm64.
export PATH=$VENV/bin:$PATH
for folder in deploy/cdk deploy/clients/javascript; do
  cmp -s $folder/package-lock.json $folder/node_modules/.installed && continue
  (cd $folder && npm ci --no-audit --no-fund --silent && cp package-lock.json node_modules/.installed)
done
