# SPDX-License-Identifier: GPL-3.0-or-later
# Prompter: `make run` and `make test` set everything up on Debian and Ubuntu; see README.md.
#
#   make            build build/prompter (needs the packages below)
#   make run        install what is missing, build, open the workbench
#   make test       install what is missing, build, run every test
#   make layers     check who includes whom        make lint       format and static checks
#   make sanitize   tests under ASan+UBSan, TSan   make bench      speed on this machine
#   make goldens    rewrite the pictures of tests/screens; read their difference before committing it
#   make fuzz       every reader under libFuzzer   make install    into PREFIX (/usr/local)
#   make soak       a long run in the workbench: memory, stalls
#   make latency    from a key to every screen while tuning
#   make model      the shipped model from nothing, in build/model; interrupted, it goes on (SHIP=1: into engine/models)
#   make clean                                     make V=1        show the compiler's commands

BUILD   ?= build
PREFIX  ?= /usr/local
CC      ?= cc
CXX     ?= c++
MARCH   ?= -march=native
OPT     ?= -O3 $(MARCH) -fno-math-errno -fno-trapping-math -fopenmp-simd
SAN     ?=
Q       := $(if $(V),,@)

PACKAGES := build-essential pkg-config libopenblas-dev libcjson-dev libncurses-dev libreadline-dev libsentencepiece-dev libzip-dev
TEST_PACKAGES := tmux procps faketime
PC_NAMES := openblas libcjson readline ncursesw sentencepiece libzip

pc       = $(shell pkg-config $(1) $(PC_NAMES) 2>/dev/null)
CPPFLAGS = -I. -D_GNU_SOURCE -DPROMPTER_SHARE='"$(PREFIX)/share/prompter"' $(EXTRA_CPPFLAGS)
WARN     = -Wall -Wextra -Wshadow -Werror
CFLAGS   = -std=c17 $(OPT) -g $(WARN) -Wstrict-prototypes -Wmissing-prototypes -pthread $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
CXXFLAGS = -std=c++17 -O2 -g $(WARN) -pthread $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
LDLIBS   = $(call pc,--libs) -lm -lstdc++ -pthread
DEPS_CF  = $(filter-out -std=%,$(call pc,--cflags))

ENGINE   := $(sort $(wildcard engine/*/*.c engine/*.c))
KEPT     := $(sort $(wildcard sessions/*.c))
SCREENS  := $(filter-out tui/main.c,$(sort $(wildcard tui/*.c views/*.c)))
SHIM     := $(sort $(wildcard engine/*/*.cc))
LIB_OBJ  := $(patsubst %.c,$(BUILD)/%.o,$(ENGINE) $(KEPT) $(SCREENS)) $(patsubst %.cc,$(BUILD)/%.o,$(SHIM))
LIB      := $(BUILD)/libprompter.a
UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(sort $(wildcard tests/unit/test_*.c)))
TOOLS    := $(patsubst tests/tools/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/tools/*.c)))
GOLDEN   := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/tools/golden/*.c)))
FUZZ     := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
REPLAY   := $(FUZZ:%=$(BUILD)/tests/fuzz/replay_%)
FUZZERS  := $(FUZZ:%=$(BUILD)/tests/fuzz/libfuzzer_%)
FUZZ_SECONDS ?= 600

.PHONY: all run test tests deps test-deps layers lint sanitize fuzzers fuzz fuzz-short goldens soak latency model bench install clean
all: $(BUILD)/prompter

# ---- what people type ----
run: deps
	@$(MAKE) --no-print-directory -j$$(nproc) $(BUILD)/prompter
	@$(BUILD)/prompter

test: deps test-deps
	@$(MAKE) --no-print-directory -j$$(nproc) all tests
	@BUILD=$(BUILD) tests/run.sh

deps:
	@tests/need.sh packages "$(PC_NAMES)" $(PACKAGES)
test-deps:
	@tests/need.sh programs "tmux pkill faketime" $(TEST_PACKAGES)

# ---- building ----
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  cc    $<"
	$(Q)$(CC) $(CPPFLAGS) $(DEPS_CF) $(CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/%.o: %.cc
	@mkdir -p $(@D)
	@echo "  c++   $<"
	$(Q)$(CXX) $(CPPFLAGS) $(DEPS_CF) $(CXXFLAGS) -MMD -MP -c -o $@ $<
$(LIB): $(LIB_OBJ)
	@rm -f $@
	@$(AR) rcs $@ $^
$(BUILD)/prompter: $(BUILD)/tui/main.o $(LIB)
	@echo "  link  $@"
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/tests/unit/check.o $(LIB)
	@mkdir -p $(@D)
	@echo "  link  $@"
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/tests/%: $(BUILD)/tests/tools/%.o $(LIB)
	@echo "  link  $@"
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/tests/golden: $(BUILD)/tests/tools/golden.o $(GOLDEN) $(LIB)
	@echo "  link  $@"
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/fuzz.o $(BUILD)/tests/fuzz/driver.o $(LIB)
	@echo "  link  $@"
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/tests/fuzz/libfuzzer_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/fuzz.o $(LIB)
	@echo "  link  $@"
	$(Q)$(CXX) $(CXXFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)
tests: $(UNIT) $(TOOLS) $(REPLAY)

# ---- checks ----
layers:
	@tests/layers.sh
lint:
	@tests/lint.sh
sanitize:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan SAN=address,undefined OPT="-O1 $(MARCH) -fopenmp-simd" tests
	@BUILD=$(BUILD)/asan ONLY=unit tests/run.sh
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan SAN=thread OPT="-O1 $(MARCH) -fopenmp-simd" \
	  $(BUILD)/tsan/tests/unit/test_threads $(patsubst $(BUILD)/%,$(BUILD)/tsan/%,$(filter %/test_engine %/test_queue %/test_training,$(UNIT)))
	@BUILD=$(BUILD)/tsan ONLY=unit tests/run.sh
# Needs clang with libFuzzer. FUZZ_SECONDS for each target; ONLY="json npy" for some of them.
fuzzers: $(FUZZERS)
fuzz:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang CXX=clang++ SAN=address,undefined,fuzzer-no-link \
	  OPT="-O1 $(MARCH) -fno-sanitize-recover=undefined -fno-omit-frame-pointer" fuzzers
	@BUILD=$(BUILD)/fuzz SECONDS_EACH=$(FUZZ_SECONDS) tests/fuzz/run.sh
fuzz-short:
	@$(MAKE) --no-print-directory FUZZ_SECONDS=2 fuzz
goldens: $(BUILD)/tests/screens
	@BUILD=$(BUILD) REWRITE=1 tests/e2e/screens.sh
soak: $(BUILD)/prompter $(BUILD)/tests/soak
	@BUILD=$(BUILD) SOAK=1 tests/e2e/soak.sh
latency: $(BUILD)/prompter $(BUILD)/tests/pty_probe
	@BUILD=$(BUILD) tests/latency.sh
model: $(BUILD)/prompter
	@PROMPTER=$(BUILD)/prompter WORK=$(or $(WORK),$(BUILD)/model) engine/models/make.sh
bench: $(BUILD)/prompter
	$(BUILD)/prompter bench

install: all
	install -D $(BUILD)/prompter $(DESTDIR)$(PREFIX)/bin/prompter
	mkdir -p $(DESTDIR)$(PREFIX)/share/prompter
	cp -rL engine/models $(DESTDIR)$(PREFIX)/share/prompter/
	cp -rL sessions/tasks $(DESTDIR)$(PREFIX)/share/prompter/
	cp -rL $(wildcard sessions/gallery sessions/lessons sessions/experiments) $(DESTDIR)$(PREFIX)/share/prompter/
	mkdir -p $(addprefix $(DESTDIR)$(PREFIX)/share/,man/man1 bash-completion/completions zsh/site-functions fish/vendor_completions.d)
	$(BUILD)/prompter --print-man >$(DESTDIR)$(PREFIX)/share/man/man1/prompter.1
	$(BUILD)/prompter --print-completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/prompter
	$(BUILD)/prompter --print-completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_prompter
	$(BUILD)/prompter --print-completion fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/prompter.fish
clean:
	rm -rf $(BUILD)

.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
