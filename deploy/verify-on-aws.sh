#!/usr/bin/env bash
# Answers, on a real account, what AWS does not document and what could only be tried against the emulator so far.
# Deploys a stack of its own, asks, prints a table, and removes the stack. Takes about fifteen minutes and costs some cents.
#
#   ./verify-on-aws.sh [--keep]
#
# Needs credentials that may deploy (AWS_PROFILE or the usual variables), AWS_REGION, and aws, sam, cargo, make, curl and a
# python3 with boto3.
set -uo pipefail
cd "$(dirname "$0")"

STACK=firstbyte-verify-$(date +%s)
REGION=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region)}}
export AWS_REGION=$REGION AWS_DEFAULT_REGION=$REGION AWS_PAGER="" SAM_CLI_TELEMETRY=0
WORK=$(mktemp -d)
ROWS=$WORK/rows
: > "$ROWS"

for tool in aws sam cargo make curl python3; do
  command -v "$tool" > /dev/null || { echo "$tool is missing" >&2; exit 2; }
done
python3 -c 'import boto3' || { echo "python3 lacks boto3: pip install -r clients/python/requirements.txt" >&2; exit 2; }

row() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >> "$ROWS"; printf '   %s\n' "$3"; }
ask() { printf '\n%s\n' "$1"; }
output() { aws cloudformation describe-stacks --stack-name "$STACK" --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue" --output text; }
layers() { aws lambda get-function-configuration --function-name "$1" --query 'Layers[].Arn' --output text; }
settled() { aws lambda wait function-updated-v2 --function-name "$1"; }

finish() {
  trap - EXIT
  printf '\n'
  python3 - "$ROWS" << 'PYTHON'
import sys
rows = [line.rstrip("\n").split("\t") for line in open(sys.argv[1])]
rows.insert(0, ["Question", "Until now", "Found"])
widths = [max(len(row[column]) for row in rows) for column in range(3)]
for number, row in enumerate(rows):
    print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
    if number == 0:
        print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
PYTHON
  if [ "${1:-}" = --keep ]; then
    echo "kept: $STACK. To remove it: sam delete --stack-name $STACK --region $REGION"
  else
    echo "removing $STACK"
    sam delete --stack-name "$STACK" --region "$REGION" --no-prompts
    # The template keeps layers when a stack goes; this one's versions go too.
    for version in $(aws lambda list-layer-versions --layer-name "$STACK-host" --query 'LayerVersions[].Version' --output text); do
      aws lambda delete-layer-version --layer-name "$STACK-host" --version-number "$version"
    done
  fi
  rm -rf "$WORK"
}
KEEP=${1:-}
trap 'finish "$KEEP"' EXIT

# Invokes directly; prints how many bytes came, over how long, and how the stream ended.
direct() {
  python3 - "$1" "$2" << 'PYTHON'
import sys, time, boto3
from botocore.config import Config
client = boto3.client("lambda", config=Config(read_timeout=900, retries={"total_max_attempts": 1}))
begun, count, end = time.monotonic(), 0, "broke off without InvokeComplete"
try:
    for event in client.invoke_with_response_stream(FunctionName=sys.argv[1], Payload=sys.argv[2])["EventStream"]:
        count += len(event.get("PayloadChunk", {}).get("Payload", b""))
        if "InvokeComplete" in event:
            complete = event["InvokeComplete"]
            end = f"InvokeComplete, ErrorCode {complete['ErrorCode']}" if complete.get("ErrorCode") else "InvokeComplete without ErrorCode"
except Exception as error:
    end = f"{type(error).__name__}: {error}"
print(f"{count} bytes in {time.monotonic() - begun:.0f} s, {end}")
PYTHON
}

# Calls with HTTP; prints status, bytes, the time of the first byte and of the last, and curl's own verdict.
http() {
  local said code
  said=$(curl -sSN -o "$WORK/body" -D "$WORK/head" -w '%{http_code}, HTTP/%{http_version}, %{size_download} bytes, first after %{time_starttransfer} s, last after %{time_total} s' "$1" -d "$2" 2> "$WORK/error")
  code=$?
  [ $code = 0 ] && echo "$said, clean end" || echo "$said, curl exit $code: $(head -n 1 "$WORK/error")"
}

set -e
echo "building and deploying $STACK to $REGION"
sam build
sam deploy --stack-name "$STACK" --region "$REGION" --resolve-s3 --capabilities CAPABILITY_IAM \
  --no-confirm-changeset --no-fail-on-empty-changeset --parameter-overrides UrlAuth=NONE
URL=$(output Url) API=$(output ApiUrl)
DIRECT_FUNCTION=$(output DirectFunction) URL_FUNCTION=$(output UrlFunction) API_FUNCTION=$(output ApiFunction)
set +e

ask "Does the packaged greeting stream, first line at once and the second two seconds later?"
row "greeting, direct" "emulator: yes" "$(direct "$DIRECT_FUNCTION" '{"name":"hoge"}')"
row "greeting, Function URL" "emulator: yes" "$(http "$URL" '{"name":"hoge"}')"
row "greeting, REST API" "emulator: yes" "$(http "$API" '{"name":"hoge"}')"

ask "How long does a cold start take?"
sleep 15
row "Init Duration" "unknown" "$(aws logs filter-log-events --log-group-name "$(output LogGroup)" --filter-pattern '{ $.type = "platform.report" }' \
  --query 'events[].message' --output text | grep -o '"initDurationMs":[0-9.]*' | cut -d: -f2 | sort -n | tr '\n' ' ') ms"

ask "Does a swap leave the layer's version alone?"
before=$(layers "$DIRECT_FUNCTION")
for function in "$DIRECT_FUNCTION" "$URL_FUNCTION" "$API_FUNCTION"; do
  make --no-print-directory swap FUNCTION="$function" HANDLER=../tests/guests/endings NAME=greeting > "$WORK/swap" || cat "$WORK/swap"
done
[ "$before" = "$(layers "$DIRECT_FUNCTION")" ] && row "layer after a swap" "by design: the same" "the same" || row "layer after a swap" "by design: the same" "ANOTHER"

FAILS='{"ending":"err-after","kind":"Expected","message":"on purpose","bytes":1000}'
ask "A stream fails half-way, and the runtime says so in trailers of a type Function.…: who gets to know?"
row "failure half-way, direct" "documented: ErrorCode; captured for other types: none" "$(direct "$DIRECT_FUNCTION" "$FAILS")"
row "failure half-way, Function URL" "captured: clean end" "$(http "$URL" "$FAILS")"
row "failure half-way, REST API" "unknown" "$(http "$API" "$FAILS")"

ask "Which response headers does a Function URL rename, add or drop?"
http "$URL" '{"ending":"ok"}' > "$WORK/said"
row "headers, Function URL" "no list published" "$(tr -d '\r' < "$WORK/head" | sed -n '2,$s/:.*//p' | sort | tr '\n' ' ')"
http "$API" '{"ending":"ok"}' > "$WORK/said"
row "headers, REST API" "no list published" "$(tr -d '\r' < "$WORK/head" | sed -n '2,$s/:.*//p' | sort | tr '\n' ' ')"

ask "What happens to a response beyond the quota of 200 MB? (Two minutes each.)"
aws lambda update-function-configuration --function-name "$DIRECT_FUNCTION" --timeout 300 \
  --environment 'Variables={FIRSTBYTE_RESPONSE_LIMIT_MB=0}' > "$WORK/said" && settled "$DIRECT_FUNCTION"
row "200 MiB, direct" "documented: fits" "$(direct "$DIRECT_FUNCTION" '{"ending":"flood","bytes":209715200}')"
row "200 MiB + 1, direct" "captured once: passes" "$(direct "$DIRECT_FUNCTION" '{"ending":"flood","bytes":209715201}')"
row "220 MiB, direct" "unknown" "$(direct "$DIRECT_FUNCTION" '{"ending":"flood","bytes":230686720}')"

ask "Does SnapStart take a zip on provided.al2023?"
aws lambda update-function-configuration --function-name "$DIRECT_FUNCTION" --snap-start ApplyOn=PublishedVersions > "$WORK/said" 2>&1
code=$?
if [ $code = 0 ]; then
  settled "$DIRECT_FUNCTION"
  version=$(aws lambda publish-version --function-name "$DIRECT_FUNCTION" --query Version --output text 2>&1)
  aws lambda wait published-version-active --function-name "$DIRECT_FUNCTION" --qualifier "$version" > "$WORK/said" 2>&1
  row "SnapStart" "not documented" "version $version: $(aws lambda get-function-configuration --function-name "$DIRECT_FUNCTION:$version" --query '[State,StateReason]' --output text 2>&1 | tr '\t' ' ')"
else
  row "SnapStart" "not documented" "refused: $(tr -s '\n ' '  ' < "$WORK/said")"
fi

# A runtime in shell, which writes what the host refuses to: it comes before the layer's. `?filler=N` asks for a header of N bytes.
cat > "$WORK/bootstrap" << 'SHELL'
#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while :; do
  curl -sS -D /tmp/head "$api/next" > /tmp/event
  id=$(grep -i '^lambda-runtime-aws-request-id:' /tmp/head | tr -d '[:space:]' | cut -d: -f2)
  length=$(grep -o '"filler": *"[0-9]*"' /tmp/event | head -n 1 | tr -dc 0-9)
  filler=$(printf "%${length:-1}s" | tr ' ' x)
  { printf '{"statusCode":200,"headers":{"x-filler":"%s"},"multiValueHeaders":{"x-many":["1","2"]}}\0\0\0\0\0\0\0\0body\n' "$filler"; } |
    curl -sS -T - -X POST "$api/$id/response" -H Expect: -H 'Lambda-Runtime-Function-Response-Mode: streaming' \
      -H 'Content-Type: application/vnd.awslambda.http-integration-response' > /tmp/said
done
SHELL
chmod 755 "$WORK/bootstrap"
(cd "$WORK" && python3 -c '
import zipfile
entry = zipfile.ZipInfo("bootstrap"); entry.external_attr = 0o100755 << 16
zipfile.ZipFile("shell.zip", "w").writestr(entry, open("bootstrap").read())')
for function in "$URL_FUNCTION" "$API_FUNCTION"; do
  aws lambda update-function-code --function-name "$function" --zip-file "fileb://$WORK/shell.zip" > "$WORK/said" && settled "$function"
done

ask "How large may the metadata before a Function URL's body be? (API Gateway documents 16 KB for its own.)"
for kb in 4 8 15 17 32 64; do
  row "metadata of $kb KB, Function URL" "unknown" "$(http "$URL?filler=$((kb * 1024))" '{}')"
done
row "metadata of 15 KB, REST API" "documented: fits" "$(http "$API?filler=15360" '{}')"
row "metadata of 17 KB, REST API" "documented: 500" "$(http "$API?filler=17408" '{}')"

ask "Does a Function URL take multiValueHeaders in the metadata, as API Gateway does?"
row "multiValueHeaders, Function URL" "unknown; not used by Firstbyte" "$(http "$URL" '{}'), x-many: $(tr -d '\r' < "$WORK/head" | sed -n 's/^x-many: //Ip' | tr '\n' ' ')"
