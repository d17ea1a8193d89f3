#!/usr/bin/env bash
# Asks AWS, on a real account, what AWS does not document and what could only be tried against the emulator so far.
# This file deploys a stack of its own and removes it, whatever happens in between; the questions are in verify/.
set -uo pipefail
cd "$(dirname "$0")" || exit

usage() {
  cat << 'USAGE'
usage: ./verify-on-aws.sh [--keep] [--only TOPIC[,TOPIC…]] [--wait SECONDS]

Deploys a stack of its own, asks, prints a table, and removes the stack again, also when a step fails or Ctrl-C ends it.
Everything together takes about twenty minutes and costs some cents. Meanwhile, test code is behind public URLs, which nobody
knows but you.

  --keep           leaves the stack, and with it test code behind public URLs, until you remove it
  --only TOPICS    asks only these
  --wait SECONDS   how long a new URL may take to its first answer (default: 120)

Needs credentials that may deploy (AWS_PROFILE or the usual variables), AWS_REGION, and aws, sam, cargo, make, curl and a
python3 with boto3.

USAGE
  python3 verify --list
}

keep=''
questions=(--wait 120)
while [ $# -gt 0 ]; do
  case $1 in
    --keep) keep=yes ;;
    --only | --wait)
      [ $# -ge 2 ] || { echo "$1 needs a value" >&2; exit 2; }
      questions+=("$1" "$2")
      shift
      ;;
    -h | --help) usage; exit ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

for tool in aws sam cargo make curl python3; do
  command -v "$tool" > /dev/null || { echo "$tool is missing" >&2; exit 2; }
done
python3 -c 'import boto3' || { echo "python3 lacks boto3: pip install -r clients/python/requirements.txt" >&2; exit 2; }
python3 verify --check "${questions[@]}" || exit 2
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region)}}
[ -n "$region" ] || { echo "no region: set AWS_REGION" >&2; exit 2; }
export AWS_REGION=$region AWS_DEFAULT_REGION=$region AWS_PAGER="" SAM_CLI_TELEMETRY=0

stack=firstbyte-verify-$(date +%s)
deployed='' # From when on there may be something to remove.
work=$(mktemp -d) || exit

# Of samconfig.toml, an environment that is not in it: yours may name a bucket and a prefix, and `sam delete` would empty them.
no_settings=(--config-env verify)
# These are also printed, to be typed.
delete_stack=(sam delete --stack-name "$stack" --region "$region" --no-prompts "${no_settings[@]}")
delete_layer=(aws lambda delete-layer-version --region "$region" --layer-name "$stack-host" --version-number)

finish() {
  local status=$?
  set +e
  trap - EXIT
  # A second Ctrl-C must not end the removal.
  trap '' HUP INT TERM
  if [ -n "$deployed" ] && [ -n "$keep" ]; then
    tell_what_is_kept
  elif [ -n "$deployed" ]; then
    remove || status=1
  fi
  rm -rf "$work"
  exit "$status"
}

urls() {
  aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='Url' || OutputKey=='ApiUrl'].OutputValue" | tr '\t' '\n'
}

layer_versions() {
  aws lambda list-layer-versions --layer-name "$stack-host" --query 'LayerVersions[].Version' --output text
}

tell_what_is_kept() {
  printf '\nKEPT, as --keep says: the stack %s in %s.\n' "$stack" "$region"
  echo 'Its test code stays behind public URLs that ask nobody for credentials. Whoever calls them runs it at your expense:'
  urls | sed 's/^/  /'
  echo 'Remove it when you have seen what you wanted:'
  echo "  ${delete_stack[*]}"
  local version
  for version in $(layer_versions); do
    echo "  ${delete_layer[*]} $version"
  done
}

# Removes what was deployed, each part whatever became of the others, and says what is left.
remove() {
  local left=() version versions addresses
  printf '\nremoving %s\n' "$stack"
  addresses=$(urls 2> /dev/null)
  if ! "${delete_stack[@]}"; then
    left+=("the stack, with test code behind public URLs: ${delete_stack[*]}")
    [ -z "$addresses" ] || left+=("  its URLs: ${addresses//$'\n'/ }")
  fi
  # The template keeps layers when a stack goes; this one's versions go too.
  if versions=$(layer_versions); then
    for version in $versions; do
      "${delete_layer[@]}" "$version" || left+=("a version of the layer: ${delete_layer[*]} $version")
    done
  else
    left+=("the layer, if it came to that: aws lambda list-layer-versions --region $region --layer-name $stack-host")
  fi
  # In a trap, `return` alone gives what the script ended with.
  [ ${#left[@]} = 0 ] && return 0
  printf '\nNOT removed from %s; try again with the commands:\n' "$region"
  printf '  %s\n' "${left[@]}"
  return 1
} >&2

trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
set -e
[ -z "$keep" ] || echo "with --keep, test code stays behind public URLs until you remove it"
# HEAD is asked of the REST API, too, and the template's has POST alone.
sed 's/Method: post$/Method: any/' template.yaml > "$work/template.yaml"
echo "building $stack"
sam build "${no_settings[@]}" --template "$work/template.yaml" --base-dir "$PWD" --build-dir "$work/build" --build-in-source
echo "deploying $stack to $region"
deployed=yes
# With a prefix of its own, because `sam delete` removes uploads, and yours may be equal to these.
sam deploy "${no_settings[@]}" --template-file "$work/build/template.yaml" --stack-name "$stack" --region "$region" \
  --resolve-s3 --s3-prefix "$stack" --capabilities CAPABILITY_IAM --no-confirm-changeset --no-fail-on-empty-changeset \
  --parameter-overrides UrlAuth=NONE
python3 verify --stack "$stack" --work "$work" "${questions[@]}"
