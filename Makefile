# Thin names over scripts/ and CMakePresets.json: what a person types most.
PROMPT ?= The old house stood at the edge of the moor, and
# As typed: not expanded by make, not split by the shell.
export XLSTM_PROMPT = $(value PROMPT)
PREFIX ?= $(HOME)/.local
# cuda12 or cuda13: bring NVIDIA's libraries of that version, and run on the GPU.
export BACKEND ?=

SHELL := bash

.DEFAULT_GOAL := help
.PHONY: help setup build run test test-transformers debug asan install format fuzz clean

help:    ## this list
	@sed -n 's/^\([a-z-]*\): *## /  make \1	/p' Makefile | expand -t 26
setup:   ## install what is missing: packages, and MLX's wheel in .venv
	@scripts/setup.sh
build:   ## build everything, optimised, into build/release
	@scripts/build.sh release
run:     ## write some text: make run [PROMPT="..."] [ARGS="--max-tokens 200 ..."] [BACKEND=cuda13]
	@scripts/build.sh release xlstm
	@printf "%s" "$$XLSTM_PROMPT" >&2
	@build/release/bin/xlstm generate $(if $(BACKEND),--device gpu )--prompt "$$XLSTM_PROMPT" $(ARGS)
test:    ## build everything and run every test
	@scripts/test.sh release
debug:   ## the same with assertions and without optimisation, in build/debug
	@scripts/test.sh debug
asan:    ## the same under AddressSanitizer and UndefinedBehaviorSanitizer, in build/asan
	@scripts/test.sh asan
test-transformers: ## the Python package beside PyTorch, transformers and lm-evaluation-harness
	@scripts/test_transformers.sh
install: ## install into PREFIX (default ~/.local)
	@scripts/build.sh release
	@. scripts/env.sh && cmake_tool cmake --install build/release --prefix "$(PREFIX)"
format:  ## format every source file
	@scripts/format.sh
fuzz:    ## a minute of each fuzzer (needs clang): make fuzz [SECONDS=60]
	@scripts/setup.sh --tools
	@scripts/fuzz.sh $(or $(SECONDS),60)
clean:   ## remove build/ (keeps .venv)
	rm -rf build
