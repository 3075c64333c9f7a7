#!/usr/bin/env bash
# Builds the fuzzers in the preset asan-clang and runs them, one on each core at a time:
# scripts/fuzz.sh [SECONDS] [TARGET...]
#
# SECONDS (default 60) is the time of each; TARGET is a program of tests/fuzz, default all of them.
# Seeds are in tests/fuzz/corpus/TARGET; what a run finds worth keeping goes to build/fuzz/corpus and
# is where the next one starts. Ends with 1 when a fuzzer found something; its input is then in
# build/fuzz/findings, and the program run on that file alone shows it again.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. scripts/env.sh

seconds=${1:-60}
[ $# -eq 0 ] || shift
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then  # 0 would mean for ever
  echo "fuzz: wanted a whole number of seconds from 1, got '$seconds'" >&2
  exit 2
fi
build=build/asan-clang
out=build/fuzz

# A clang that brings libFuzzer along (Apple's does not).
find_clang() {
  local candidate
  for candidate in "${CLANGXX:-}" clang++ clang++-18 clang++-17 clang++-16 clang++-15 clang++-14 \
    /opt/homebrew/opt/llvm/bin/clang++ /usr/local/opt/llvm/bin/clang++; do
    command -v "${candidate:-none}" >/dev/null 2>&1 || continue
    if echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, long) { return 0; }' |
      "$candidate" -fsanitize=fuzzer,address -x c++ - -o /dev/null >/dev/null 2>&1; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

clang=$(find_clang) || {
  echo "fuzz: no clang with libFuzzer (Debian: clang and libclang-rt-14-dev; Homebrew: llvm)" >&2
  exit 1
}

mkdir -p "$out"
if ! cmake_tool cmake --preset asan-clang -DCMAKE_CXX_COMPILER="$clang" >"$out/configure.log" 2>&1; then
  cat "$out/configure.log" >&2
  exit 1
fi
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  while read -r target; do targets+=("$target"); done <"$build/fuzzers.txt"
fi
cmake_tool cmake --build "$build" --target "${targets[@]}" >&2 || exit 1

# -rss_limit_mb and -malloc_limit_mb: a small file must not cost much memory. -timeout: nor much time.
run_one() {
  local target=$1 dictionary=()
  local corpus="$out/corpus/$target" seeds="tests/fuzz/corpus/$target"
  mkdir -p "$corpus" "$out/findings" "$seeds"
  [ -f "tests/fuzz/$target.dict" ] && dictionary=("-dict=tests/fuzz/$target.dict")
  "$build/bin/$target" -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=2048 \
    -malloc_limit_mb=512 -artifact_prefix="$out/findings/$target-" -print_final_stats=1 \
    -verbosity=1 ${dictionary[@]+"${dictionary[@]}"} "$corpus" "$seeds" >"$out/$target.log" 2>&1
}

cores=$(getconf _NPROCESSORS_ONLN)
failed=()
for ((first = 0; first < ${#targets[@]}; first += cores)); do
  together=("${targets[@]:first:cores}")
  processes=()
  for target in "${together[@]}"; do
    run_one "$target" &
    processes+=($!)
  done
  for i in "${!together[@]}"; do
    target=${together[i]}
    if wait "${processes[i]}"; then
      echo "$target: nothing found in $(sed -n 's/.*number_of_executed_units: *//p' "$out/$target.log") runs," \
        "$(find "$out/corpus/$target" -type f | wc -l | tr -d ' ') inputs kept"
    else
      echo "$target: FOUND SOMETHING, see $out/$target.log"
      tail -n 40 "$out/$target.log"
      failed+=("$target")
    fi
  done
done
[ ${#failed[@]} -eq 0 ] || exit 1
