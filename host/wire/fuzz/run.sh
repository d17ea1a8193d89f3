#!/usr/bin/env bash
# Fuzzes every target, one after the other, for SECONDS in all (4200), and says what each has done: host/wire/fuzz/run.sh 60.
# A finding stops it, and is in artifacts/. It begins with what git has in corpus/ and what earlier runs left in target/found/.
set -euo pipefail
cd "$(dirname "$0")/.."
total=${1:-4200}
# Targets by what they take of each hundred seconds.
for share in event:20 prelude:15 head:20 receipt:15 reply:20 error:10; do
  target=${share%:*}
  seconds=$((total * ${share#*:} / 100))
  echo "== $target: $seconds s"
  mkdir -p "fuzz/target/found/$target" "fuzz/corpus/$target"
  log=$(mktemp)
  cargo +nightly fuzz run "$target" "fuzz/target/found/$target" "fuzz/corpus/$target" -- \
    -max_total_time=$seconds -max_len=40000 -len_control=20 -timeout=10 -print_final_stats=1 >"$log" 2>&1 ||
    { tail -n 40 "$log"; exit 1; }
  grep -E 'DONE|stat::(number_of_executed_units|peak_rss_mb)' "$log"
  rm "$log"
done
