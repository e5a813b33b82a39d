#!/usr/bin/env bash
# dataforseo-client 2.1.10 (PyPI, the provider's official Python client), seen on 2026-11-30 with Python 3.11.
#
# An answer of the ChatGPT scraper is a list of items, each with a `type`; the provider adds types without notice, and the
# client knows those of the day it was generated. An item of a type that it does not know becomes None in the parsed
# answer: title, text and sources of that item are gone, no error and no warning is raised, and `items_count` still counts
# it. Written back with to_dict(), even the gap is closed: the list is shorter than its own count. Unknown fields of an item that it knows are kept (in additional_properties). Whoever stores what the client parsed,
# and not the body, loses paid content from the day a new type appears.
#
# Output seen:
#   items_count 2, parsed 2, of which None: 1
#   written back: [{"type": "chat_gpt_text", "markdown": "known"}]
#   warnings: 0
set -euo pipefail
temp="$(mktemp -d)"
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check 'dataforseo-client==2.1.10'
"$temp/venv/bin/python" - >"$temp/seen" <<'PYTHON'
import json, warnings
from dataforseo_client.models.ai_optimization_chat_gpt_llm_scraper_task_get_advanced_response_info import (
    AiOptimizationChatGptLlmScraperTaskGetAdvancedResponseInfo as Answer,
)

items = [
    {"type": "chat_gpt_text", "markdown": "known"},
    {"type": "chat_gpt_timeline", "title": "new", "markdown": "paid for"},
]
body = {
    "status_code": 20000,
    "tasks": [{"id": "1", "status_code": 20000, "result": [{"keyword": "q", "items_count": 2, "items": items}]}],
}
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    result = Answer.from_dict(body).tasks[0].result[0]
    back = result.to_dict()["items"]
short = [item and {key: value for key, value in item.items() if value is not None and key in ("type", "markdown")} for item in back]
print(f"items_count {result.items_count}, parsed {len(result.items)}, of which None: {result.items.count(None)}")
print("written back:", json.dumps(short))
print("warnings:", len(told))
PYTHON
cat "$temp/seen"
diff "$temp/seen" - <<'SEEN'
items_count 2, parsed 2, of which None: 1
written back: [{"type": "chat_gpt_text", "markdown": "known"}]
warnings: 0
SEEN
echo 'as described'
