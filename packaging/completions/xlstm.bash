# bash completion for xlstm, made by `xlstm completion bash`
_xlstm() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words= files=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W 'generate chat batch forecast info wiring tokenize detokenize perplexity bench convert download cache doctor completion help --help --version' -- "$word")
    return
  fi
  case "${COMP_WORDS[1]}" in
    generate)
      case "$before" in
        -p|--prompt) return ;;
        --prompt-file) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --parse-special) mapfile -t COMPREPLY < <(compgen -W 'on off' -- "$word"); return ;;
        -m|--model) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --dtype) mapfile -t COMPREPLY < <(compgen -W 'auto float32 bfloat16 f32 bf16' -- "$word"); return ;;
        --quantize) mapfile -t COMPREPLY < <(compgen -W '2 3 4 5 6 8' -- "$word"); return ;;
        --group-size) mapfile -t COMPREPLY < <(compgen -W '32 64 128' -- "$word"); return ;;
        --mode) mapfile -t COMPREPLY < <(compgen -W 'affine mxfp4' -- "$word"); return ;;
        --device) mapfile -t COMPREPLY < <(compgen -W 'auto cpu gpu' -- "$word"); return ;;
        --threads) return ;;
        --memory-limit) return ;;
        --devices) return ;;
        -n|--max-tokens) return ;;
        --temperature) return ;;
        --top-k) return ;;
        --top-p) return ;;
        --min-p) return ;;
        --repetition-penalty) return ;;
        --presence-penalty) return ;;
        --frequency-penalty) return ;;
        --logit-bias) return ;;
        --seed) return ;;
        --stop) return ;;
        --end-token) return ;;
        --load-state) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --save-state) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --wiring-style) mapfile -t COMPREPLY < <(compgen -W 'unicode ascii' -- "$word"); return ;;
        --regex) return ;;
        --json-schema) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --n) return ;;
        --best-of) return ;;
        --logprobs) return ;;
      esac
      words='--help --prompt --prompt-file --parse-special --model --dtype --quantize --group-size --mode --no-quantized-copy --device --threads --memory-limit --devices --max-tokens --temperature --top-k --top-p --min-p --repetition-penalty --presence-penalty --frequency-penalty --logit-bias --seed --stop --end-token --no-bos --ignore-eos --load-state --save-state --stats --info --show-wiring --wiring-style --regex --json-output --json-schema --n --best-of --json --logprobs --interactive' ;;
    chat)
      case "$before" in
        -p|--prompt) return ;;
        --prompt-file) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --parse-special) mapfile -t COMPREPLY < <(compgen -W 'on off' -- "$word"); return ;;
        -m|--model) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --dtype) mapfile -t COMPREPLY < <(compgen -W 'auto float32 bfloat16 f32 bf16' -- "$word"); return ;;
        --quantize) mapfile -t COMPREPLY < <(compgen -W '2 3 4 5 6 8' -- "$word"); return ;;
        --group-size) mapfile -t COMPREPLY < <(compgen -W '32 64 128' -- "$word"); return ;;
        --mode) mapfile -t COMPREPLY < <(compgen -W 'affine mxfp4' -- "$word"); return ;;
        --device) mapfile -t COMPREPLY < <(compgen -W 'auto cpu gpu' -- "$word"); return ;;
        --threads) return ;;
        --memory-limit) return ;;
        --devices) return ;;
        -n|--max-tokens) return ;;
        --temperature) return ;;
        --top-k) return ;;
        --top-p) return ;;
        --min-p) return ;;
        --repetition-penalty) return ;;
        --presence-penalty) return ;;
        --frequency-penalty) return ;;
        --logit-bias) return ;;
        --seed) return ;;
        --stop) return ;;
        --end-token) return ;;
        --load-state) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --save-state) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --wiring-style) mapfile -t COMPREPLY < <(compgen -W 'unicode ascii' -- "$word"); return ;;
      esac
      words='--help --prompt --prompt-file --parse-special --model --dtype --quantize --group-size --mode --no-quantized-copy --device --threads --memory-limit --devices --max-tokens --temperature --top-k --top-p --min-p --repetition-penalty --presence-penalty --frequency-penalty --logit-bias --seed --stop --end-token --no-bos --ignore-eos --load-state --save-state --stats --info --show-wiring --wiring-style' ;;
    batch)
      case "$before" in
        --rows) return ;;
        --parse-special) mapfile -t COMPREPLY < <(compgen -W 'on off' -- "$word"); return ;;
        -m|--model) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --dtype) mapfile -t COMPREPLY < <(compgen -W 'auto float32 bfloat16 f32 bf16' -- "$word"); return ;;
        --quantize) mapfile -t COMPREPLY < <(compgen -W '2 3 4 5 6 8' -- "$word"); return ;;
        --group-size) mapfile -t COMPREPLY < <(compgen -W '32 64 128' -- "$word"); return ;;
        --mode) mapfile -t COMPREPLY < <(compgen -W 'affine mxfp4' -- "$word"); return ;;
        --device) mapfile -t COMPREPLY < <(compgen -W 'auto cpu gpu' -- "$word"); return ;;
        --threads) return ;;
        --memory-limit) return ;;
        --devices) return ;;
        -n|--max-tokens) return ;;
        --temperature) return ;;
        --top-k) return ;;
        --top-p) return ;;
        --min-p) return ;;
        --repetition-penalty) return ;;
        --presence-penalty) return ;;
        --frequency-penalty) return ;;
        --logit-bias) return ;;
        --seed) return ;;
        --stop) return ;;
        --end-token) return ;;
        --regex) return ;;
        --json-schema) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      words='--help --rows --restart --keep-failed --stats --parse-special --model --dtype --quantize --group-size --mode --no-quantized-copy --device --threads --memory-limit --devices --max-tokens --temperature --top-k --top-p --min-p --repetition-penalty --presence-penalty --frequency-penalty --logit-bias --seed --stop --end-token --no-bos --ignore-eos --regex --json-output --json-schema' files=1 ;;
    forecast)
      case "$before" in
        -n|--horizon) return ;;
        --context) return ;;
        --quantiles) return ;;
        --batch) return ;;
        --accelerated) return ;;
        --difference-trends) mapfile -t COMPREPLY < <(compgen -W 'on off' -- "$word"); return ;;
        --flip-sign) mapfile -t COMPREPLY < <(compgen -W 'on off' -- "$word"); return ;;
        --columns) return ;;
        --time) return ;;
        --id) return ;;
        --past) return ;;
        --known) return ;;
        --header) mapfile -t COMPREPLY < <(compgen -W 'yes no' -- "$word"); return ;;
        --separator) mapfile -t COMPREPLY < <(compgen -W 'comma semicolon tab' -- "$word"); return ;;
        --format) mapfile -t COMPREPLY < <(compgen -W 'csv json jsonl table' -- "$word"); return ;;
        -o|--output) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --plot) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --history) return ;;
        --state) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        -m|--model) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --dtype) mapfile -t COMPREPLY < <(compgen -W 'auto float32 bfloat16 f32 bf16' -- "$word"); return ;;
        --quantize) mapfile -t COMPREPLY < <(compgen -W '2 3 4 5 6 8' -- "$word"); return ;;
        --group-size) mapfile -t COMPREPLY < <(compgen -W '32 64 128' -- "$word"); return ;;
        --mode) mapfile -t COMPREPLY < <(compgen -W 'affine mxfp4' -- "$word"); return ;;
        --device) mapfile -t COMPREPLY < <(compgen -W 'auto cpu gpu' -- "$word"); return ;;
        --threads) return ;;
        --memory-limit) return ;;
      esac
      words='--help --horizon --context --quantiles --batch --accelerated --resample --difference-trends --flip-sign --columns --time --id --past --known --multivariate --header --separator --format --output --plot --sketch --history --embed --follow --state --model --dtype --quantize --group-size --mode --no-quantized-copy --device --threads --memory-limit' files=1 ;;
    info)
      case "$before" in
        -m|--model) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --dtype) mapfile -t COMPREPLY < <(compgen -W 'auto float32 bfloat16 f32 bf16' -- "$word"); return ;;
        --quantize) mapfile -t COMPREPLY < <(compgen -W '2 3 4 5 6 8' -- "$word"); return ;;
        --group-size) mapfile -t COMPREPLY < <(compgen -W '32 64 128' -- "$word"); return ;;
        --mode) mapfile -t COMPREPLY < <(compgen -W 'affine mxfp4' -- "$word"); return ;;
        --device) mapfile -t COMPREPLY < <(compgen -W 'auto cpu gpu' -- "$word"); return ;;
        --threads) return ;;
        --memory-limit) return ;;
        --batch) return ;;
      esac
      words='--help --model --dtype --quantize --group-size --mode --no-quantized-copy --device --threads --memory-limit --batch --load --json' ;;
    wiring)
      case "$before" in
        -m|--model) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --format) mapfile -t COMPREPLY < <(compgen -W 'tree ascii json dot' -- "$word"); return ;;
      esac
      words='--help --model --format' ;;
    tokenize)
      case "$before" in
        --tokenizer) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --file) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --parse-special) mapfile -t COMPREPLY < <(compgen -W 'on off' -- "$word"); return ;;
      esac
      words='--help --tokenizer --file --jsonl --add-special-tokens --parse-special --plain' ;;
    detokenize)
      case "$before" in
        --tokenizer) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
      esac
      words='--help --tokenizer --jsonl --keep-special' ;;
    perplexity)
      case "$before" in
        --file) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        -m|--model) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --dtype) mapfile -t COMPREPLY < <(compgen -W 'auto float32 bfloat16 f32 bf16' -- "$word"); return ;;
        --quantize) mapfile -t COMPREPLY < <(compgen -W '2 3 4 5 6 8' -- "$word"); return ;;
        --group-size) mapfile -t COMPREPLY < <(compgen -W '32 64 128' -- "$word"); return ;;
        --mode) mapfile -t COMPREPLY < <(compgen -W 'affine mxfp4' -- "$word"); return ;;
        --device) mapfile -t COMPREPLY < <(compgen -W 'auto cpu gpu' -- "$word"); return ;;
        --threads) return ;;
        --memory-limit) return ;;
        --devices) return ;;
      esac
      words='--help --file --lines --no-bos --json --model --dtype --quantize --group-size --mode --no-quantized-copy --device --threads --memory-limit --devices' ;;
    bench)
      case "$before" in
        --batch) return ;;
        --positions) return ;;
        --prefill) return ;;
        --steps) return ;;
        --repeats) return ;;
        --synthetic) mapfile -t COMPREPLY < <(compgen -W 'tiny 400m 1b 3b 7b mixed-tiny mixed-400m tirex-tiny tirex-35m tirex2-82m' -- "$word"); return ;;
        --csv) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --compare) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        -m|--model) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --dtype) mapfile -t COMPREPLY < <(compgen -W 'auto float32 bfloat16 f32 bf16' -- "$word"); return ;;
        --quantize) mapfile -t COMPREPLY < <(compgen -W '2 3 4 5 6 8' -- "$word"); return ;;
        --group-size) mapfile -t COMPREPLY < <(compgen -W '32 64 128' -- "$word"); return ;;
        --mode) mapfile -t COMPREPLY < <(compgen -W 'affine mxfp4' -- "$word"); return ;;
        --device) mapfile -t COMPREPLY < <(compgen -W 'auto cpu gpu' -- "$word"); return ;;
        --threads) return ;;
        --memory-limit) return ;;
        --devices) return ;;
      esac
      words='--help --batch --positions --prefill --steps --repeats --sampler --tune --profile --synthetic --json --csv --compare --model --dtype --quantize --group-size --mode --no-quantized-copy --device --threads --memory-limit --devices' ;;
    convert)
      case "$before" in
        --quantize) mapfile -t COMPREPLY < <(compgen -W '2 3 4 5 6 8' -- "$word"); return ;;
        --group-size) mapfile -t COMPREPLY < <(compgen -W '32 64 128' -- "$word"); return ;;
        --mode) mapfile -t COMPREPLY < <(compgen -W 'affine mxfp4' -- "$word"); return ;;
        --head-bits) mapfile -t COMPREPLY < <(compgen -W '2 3 4 5 6 8' -- "$word"); return ;;
        --embedding-bits) mapfile -t COMPREPLY < <(compgen -W '2 3 4 5 6 8' -- "$word"); return ;;
        --keep) return ;;
        --calibrate) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --calibration-tokens) return ;;
        --dtype) mapfile -t COMPREPLY < <(compgen -W 'bf16 f16 f32 bfloat16 float16 float32' -- "$word"); return ;;
        --threads) return ;;
        --memory-limit) return ;;
      esac
      words='--help --quantize --group-size --mode --head-bits --embedding-bits --keep --min-max --calibrate --calibration-tokens --dtype --verify --force --json --threads --memory-limit' ;;
    download)
      case "$before" in
        --revision) return ;;
        --cache-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
      esac
      words='--help --revision --cache-dir --force --quiet --json' ;;
    cache)
      case "$before" in
        --cache-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
      esac
      words='--help --cache-dir --yes --json ls rm verify' ;;
    doctor)
      case "$before" in
        --device) mapfile -t COMPREPLY < <(compgen -W 'auto cpu gpu' -- "$word"); return ;;
        --threads) return ;;
      esac
      words='--help --device --threads --json' ;;
    completion)
      words='--help bash zsh fish' ;;
    help)
      words='--help help generate chat batch forecast info wiring tokenize detokenize perplexity bench convert download cache doctor completion' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"; [ -z "$files" ] || compgen -f -- "$word")
}
complete -F _xlstm xlstm
