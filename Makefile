# Two commands do all the set-up, on a machine that has nothing but Python 3.11 or newer and a C++ compiler:
#
#   make page                  set docbin up and binarize a page that the project ships
#   make page PAGE=scan.tif    the same for any image, multi-page TIFF or PDF
#   make test                  set everything up and run the tests
#
# Both work in the virtual environment .venv and are quick the second time: docbin is built again only when pyproject.toml, CMakeLists.txt
# or the C++ sources change. The build is incremental (build/), because the build tools live in .venv too.

VENV ?= .venv
# Which Python makes the virtual environment; empty: the first of these that is new enough.
PYTHON ?=
# What `make test` installs beside docbin. EXTRAS=dev leaves out PyTorch and ONNX Runtime; the tests that need them are then skipped.
EXTRAS ?= dev,onnx,train,app,ocrmypdf
PAGE ?= $(firstword $(sort $(wildcard datasets/samples/images/*)))
OUT ?= out
PYTEST_ARGS ?=
# Processes that share the tests: as many as there are cores, up to four. WORKERS=0 runs them in one, which a debugger wants.
WORKERS ?= auto

python = $(VENV)/bin/python
pip = $(python) -m pip --quiet --disable-pip-version-check
sources = pyproject.toml CMakeLists.txt $(shell find docbin/csrc -name '*.[ch]pp' 2>/dev/null)
docbin = $(VENV)/.docbin
extras = $(VENV)/.docbin-$(EXTRAS)

.PHONY: help page test test-all test-browser test-integrations test-native stubs lint docs man clean

help:
	@sed -n '/^#   make/s/^#/ /p' $(firstword $(MAKEFILE_LIST))
	@echo '    make test-all              the slow tests as well'
	@echo '    make test-browser          the demo in a Chromium (apt-get install chromium)'
	@echo '    make test-integrations     docbin inside OCRmyPDF, OCR-D and the recipes of the docs, with the real programs'
	@echo '    make test-native           the C++ core under sanitizers, and for aarch64 in an emulator'
	@echo '    make lint                  ruff, mypy and import-linter'
	@echo '    make docs                  the documentation site in build/site; make man: the man pages'
	@echo '    make clean                 remove .venv, .venv-ocrd and build'

page: $(docbin)
	@if [ -z "$(PAGE)" ]; then echo "No page given: make page PAGE=scan.tif" >&2; exit 1; fi
	@mkdir -p "$(OUT)"
	$(VENV)/bin/docbin binarize "$(PAGE)" --overwrite -o "$(OUT)/"
	@name=$$(basename "$(PAGE)"); echo "The result:"; ls "$(OUT)/$${name%.*}"*

# A test run is a developer's: a C++ error must not turn into a silent build without the core. DOCBIN_REQUIRE_CORE=0 allows it.
test test-all test-browser test-integrations test-native lint: export DOCBIN_REQUIRE_CORE ?= 1

test: $(extras)
	$(python) -m pytest -n $(WORKERS) --maxprocesses 4 -m "not slow and not browser" $(PYTEST_ARGS)

test-all: $(extras)
	$(python) -m pytest -n $(WORKERS) --maxprocesses 4 $(PYTEST_ARGS)

test-browser: $(extras)
	$(python) -m pytest -m browser $(PYTEST_ARGS)

# OCR-D brings some sixty packages, so it has an environment of its own; where it cannot be made, its tests are skipped and say so.
test-integrations: $(extras) $(VENV)-ocrd/.made
	$(python) -m pytest -rs tests/integrations $(PYTEST_ARGS)

$(VENV)-ocrd/.made: pyproject.toml
	@$(python) -m venv $(VENV)-ocrd && $(VENV)-ocrd/bin/python -m pip install --quiet --disable-pip-version-check -C build-dir=build/ocrd '.[ocrd]' \
	  && touch $@ || echo "OCR-D's environment cannot be made here, so its tests are skipped" >&2

stubs: $(extras)
	$(python) -m nanobind.stubgen -q -m docbin.kernels._core -o docbin/kernels/_core.pyi
	$(python) -m ruff check -q --fix --ignore E501 docbin/kernels/_core.pyi
	$(python) -m ruff format -q docbin/kernels/_core.pyi

test-native: $(extras)
	$(python) -m pytest -rs tests/kernels/test_native.py $(PYTEST_ARGS)

# Damaged page files for FUZZ_SECONDS: pages or typed errors only.
FUZZ_SECONDS ?= 600
fuzz: $(extras)
	$(python) -m tests.files.fuzz $(FUZZ_SECONDS)

# The documentation site in build/site, every link followed; the man pages in docs/man.
docs: $(extras) $(VENV)/.docs
	$(python) scripts/build_docs.py

$(VENV)/.docs: pyproject.toml | $(extras)
	@$(pip) install -c constraints.txt $$($(python) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"])')
	@touch $@

man: $(extras)
	$(python) scripts/command_reference.py

lint: $(extras)
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	$(python) scripts/check_imports.py

$(VENV)/.created:
	@found=; for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "docbin needs Python 3.11 or newer; here is: $$($(or $(PYTHON),python3) --version 2>&1)." >&2; \
	  echo "Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" --version)"; \
	"$$found" -m venv "$(VENV)" || { \
	  echo "$$found cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.tools: $(VENV)/.created pyproject.toml
	@echo "Installing the build tools"
	@$(python) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], "cmake>=3.26", "ninja", sep="\n")' > $@
	@$(pip) install -r $@ || { rm -f $@; exit 1; }

$(docbin): $(VENV)/.tools $(sources)
	@echo "Building docbin and installing what it needs"
	@PATH="$$(cd "$(VENV)" && pwd)/bin:$$PATH" $(pip) install --no-build-isolation -c constraints.txt -e .
	@$(python) -c 'from docbin.kernels import levels; print("Kernels:", *levels(), *["- the C++ build failed (no compiler?), so pages take longer"] * (levels() == ("numpy",)))'
	@touch $@

$(extras): $(VENV)/.tools $(sources) constraints.txt
	@echo "Building docbin and installing it with [$(EXTRAS)]; the first time this takes minutes"
	@PATH="$$(cd "$(VENV)" && pwd)/bin:$$PATH" $(pip) install --no-build-isolation -c constraints.txt -e '.[$(EXTRAS)]' || { \
	  echo "If the C++ build failed for want of a compiler: DOCBIN_REQUIRE_CORE=0 make $(MAKECMDGOALS)" >&2; exit 1; }
	@touch $(docbin) $@

clean:
	rm -rf $(VENV) $(VENV)-ocrd build
