#!/usr/bin/env bash
# genai-prices 0.2.3 and litellm 1.110.2 (PyPI), seen on 2026-11-30 with Python 3.11.
#
# Two widely used price lists agree on the token prices of OpenAI's gpt-4.1 and gpt-4.1-mini and differ by a factor of 2.5 on
# what a web search of these models costs: $10 a thousand in one, $25 in the other, in the same week. With web search on, the
# search is the larger part of what a short question costs, so an estimate by the one is about half of that by the other. A
# budget needs the dearer figure until the provider's bill has shown the real one.
#
# Output seen:
#   gpt-4.1: tokens 2.0/8.0 and 2.0/8.0, a thousand searches 10 and 25
#   gpt-4.1-mini: tokens 0.4/1.6 and 0.4/1.6, a thousand searches 10 and 25
set -euo pipefail
temp="$(mktemp -d)"
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check 'genai-prices==0.2.3'
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --target "$temp/litellm" 'litellm==1.110.2'
"$temp/venv/bin/python" - "$temp/litellm/litellm/model_prices_and_context_window_backup.json" >"$temp/seen" <<'PYTHON'
import json, sys
from genai_prices.data import providers

lite = json.load(open(sys.argv[1]))
openai = next(provider for provider in providers if provider.id == "openai")
for name in ("gpt-4.1", "gpt-4.1-mini"):
    price = next(model for model in openai.models if model.id == name).prices
    row = lite[name]
    tokens = f"{float(price.input_mtok)}/{float(price.output_mtok)}"
    other = f"{round(row['input_cost_per_token'] * 1e6, 6)}/{round(row['output_cost_per_token'] * 1e6, 6)}"
    searches = float(price.web_searches_kcount), row["search_context_cost_per_query"]["search_context_size_low"] * 1e3
    print(f"{name}: tokens {tokens} and {other}, a thousand searches {searches[0]:g} and {searches[1]:g}")
PYTHON
cat "$temp/seen"
diff "$temp/seen" - <<'SEEN'
gpt-4.1: tokens 2.0/8.0 and 2.0/8.0, a thousand searches 10 and 25
gpt-4.1-mini: tokens 0.4/1.6 and 0.4/1.6, a thousand searches 10 and 25
SEEN
echo 'as described'
