"""The provider's own client against a sandbox: a referee that did not write the rules.

    referee.py BASE_URL [--login sandbox] [--password sandbox] [--key sandbox-key]

Drives every endpoint the sandbox has, for all engines and functions, through the package `dataforseo-client`, and
checks each reply twice: what is asked of it here, and that the client's models take in every field of it and give the
same values back. The gateway, which the client does not know, is asked by plain HTTP, and its envelopes are read by the
client's models all the same. The sandbox should run at `--speed 1000`, or tasks are not ready in time. Needs nothing
but the client.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

from dataforseo_client import ApiClient, Configuration
from dataforseo_client.api.ai_optimization_api import AiOptimizationApi
from dataforseo_client.api.appendix_api import AppendixApi
from dataforseo_client.exceptions import NotFoundException, UnauthorizedException
from dataforseo_client.models import (
    AiOptimizationChatGptLlmResponsesLiveRequestInfo,
    AiOptimizationChatGptLlmResponsesLiveResponseInfo,
    AiOptimizationChatGptLlmResponsesTaskPostRequestInfo,
    AiOptimizationChatGptLlmResponsesTaskPostResponseInfo,
    AiOptimizationChatGptLlmScraperLiveAdvancedRequestInfo,
    AiOptimizationChatGptLlmScraperLiveHtmlRequestInfo,
    AiOptimizationChatGptLlmScraperTaskPostRequestInfo,
    AiOptimizationClaudeLlmResponsesLiveRequestInfo,
    AiOptimizationClaudeLlmResponsesTaskPostRequestInfo,
    AiOptimizationGeminiLlmResponsesLiveRequestInfo,
    AiOptimizationGeminiLlmResponsesTaskPostRequestInfo,
    AiOptimizationGeminiLlmScraperLiveAdvancedRequestInfo,
    AiOptimizationGeminiLlmScraperLiveHtmlRequestInfo,
    AiOptimizationGeminiLlmScraperTaskPostRequestInfo,
    AiOptimizationPerplexityLlmResponsesLiveRequestInfo,
    AppDataIdListRequestInfo,
)

ENGINES = {
    "chat_gpt": AiOptimizationChatGptLlmScraperTaskPostRequestInfo,
    "gemini": AiOptimizationGeminiLlmScraperTaskPostRequestInfo,
}
SCRAPER_LIVE = {
    ("chat_gpt", "advanced"): AiOptimizationChatGptLlmScraperLiveAdvancedRequestInfo,
    ("chat_gpt", "html"): AiOptimizationChatGptLlmScraperLiveHtmlRequestInfo,
    ("gemini", "advanced"): AiOptimizationGeminiLlmScraperLiveAdvancedRequestInfo,
    ("gemini", "html"): AiOptimizationGeminiLlmScraperLiveHtmlRequestInfo,
}
# What LLM Responses is asked, so that every part of its answers shows up.
QUESTIONS = {
    "chat_gpt": {"model_name": "gpt-5", "web_search": True, "web_search_country_iso_code": "AT"},
    "claude": {
        "model_name": "claude-sonnet-4",
        "use_reasoning": True,
        "web_search": True,
        "web_search_country_iso_code": "AT",
        "web_search_city": "Linz",
    },
    "gemini": {"model_name": "gemini-2.5-pro", "web_search": True, "temperature": 0.4, "top_p": 0.9},
    "perplexity": {"model_name": "sonar-reasoning-pro", "web_search_country_iso_code": "AT"},
}
ASK = {
    "chat_gpt": AiOptimizationChatGptLlmResponsesTaskPostRequestInfo,
    "claude": AiOptimizationClaudeLlmResponsesTaskPostRequestInfo,
    "gemini": AiOptimizationGeminiLlmResponsesTaskPostRequestInfo,
}
ASK_LIVE = {
    "chat_gpt": AiOptimizationChatGptLlmResponsesLiveRequestInfo,
    "claude": AiOptimizationClaudeLlmResponsesLiveRequestInfo,
    "gemini": AiOptimizationGeminiLlmResponsesLiveRequestInfo,
    "perplexity": AiOptimizationPerplexityLlmResponsesLiveRequestInfo,
}
LLM_ITEMS = {
    "reasoning": "ReasoningAiOptimizationLlmResponseElementItem",
    "message": "MessageAiOptimizationLlmResponseElementItem",
}
# Fields that other clients of the provider's have and this one has not.
ELSEWHERE = {"reasoning": "LlmResponsesModelsResultInfo"}
GATEWAY = "/apis/v1/dataforseo/ai_optimization/"
ITEMS = {
    "chat_gpt_text": "ChatGptTextElementItem",
    "chat_gpt_table": "ChatGptTableElementItem",
    "chat_gpt_navigation_list": "ChatGptNavigationListElementItem",
    "gemini_text": "GeminiTextElementItem",
    "gemini_table": "GeminiTableElementItem",
}
# The client has no method for these two, but models of the same shape for another API of the provider's.
ID_LIST = ("/v3/ai_optimization/id_list", "AppDataIdListResponseInfo")
ERRORS = ("/v3/ai_optimization/errors", "AppDataErrorsResponseInfo")


class Referee:
    def __init__(self, base, login, password):
        self.client = ApiClient(Configuration(host=base, username=login, password=password))
        self.ai = AiOptimizationApi(self.client)
        self.appendix = AppendixApi(self.client)
        self.passed = self.failed = 0

    def check(self, endpoint, what):
        """Runs one check of an endpoint; prints its line; hands its value on."""
        try:
            value = what()
        except Exception as error:  # whatever is wrong, the next endpoint still has its turn
            self.failed += 1
            print(f"FAILED {endpoint}: {type(error).__name__}: {error}")
            return None
        self.passed += 1
        print(f"ok     {endpoint}")
        return value

    def method(self, api, name, *args):
        """A reply by a method of the client, with the JSON it was read from."""
        reply = getattr(api, f"{name}_with_http_info")(*args)
        return whole(reply)

    def generic(self, endpoint, body):
        """A reply for which the client has a model but no method."""
        path, model = endpoint
        param = self.client.param_serialize(
            method="POST",
            resource_path=path,
            header_params={"Accept": "application/json", "Content-Type": "application/json"},
            body=body,
            auth_settings=["basicAuth"],
        )
        data = self.client.call_api(*param)
        data.read()
        return whole(self.client.response_deserialize(data, {"200": model}))


def whole(reply):
    """The model of a reply, once it is sure that it holds all of the JSON."""
    raw = json.loads(reply.raw_data)
    lost = list(differences(raw, reply.data, "$"))
    assert not lost, "; ".join(lost[:5])
    assert reply.data.status_code == 20000, reply.data.status_message
    assert reply.data.tasks_count == len(reply.data.tasks or [])
    return reply.data


def differences(raw, model, at):
    """What the JSON says and a model does not, or not so."""
    if isinstance(raw, dict) and hasattr(model, "to_dict"):
        for key in model.additional_properties:
            if not type(model).__name__.endswith(ELSEWHERE.get(key, "nowhere")):
                yield f"{at}.{key} is no field of {type(model).__name__}"
        for key, value in raw.items():
            if key not in model.additional_properties:
                yield from differences(value, getattr(model, key, None), f"{at}.{key}")
    elif isinstance(raw, list) and isinstance(model, list):
        if len(raw) != len(model):
            yield f"{at} has {len(raw)} items, {len(model)} were read"
        for number, (one, other) in enumerate(zip(raw, model)):
            yield from differences(one, other, f"{at}[{number}]")
    elif raw != model:
        yield f"{at} is {raw!r}, {model!r} was read"


def only(reply):
    """The one row of a reply."""
    (row,) = reply.tasks
    assert row.status_code == 20000, f"{row.status_code} {row.status_message}"
    return row


def stamp(time):
    return time.strftime("%Y-%m-%d %H:%M:%S +00:00")


def post(referee, engine):
    """Posts one good and one bad task; the good one's id and tag."""
    request = ENGINES[engine]
    tag = f"referee.{engine}.{int(time.time())}"
    good = request(
        keyword="is 100%25 rye bread good with C%2B%2B?", location_code=2276, language_code="de", priority=2, tag=tag
    )
    bad = request(keyword="x", location_code=2276, language_code="e1", tag="bad")
    reply = referee.method(referee.ai, f"{engine}_llm_scraper_task_post", [good, bad])
    rows = {row.data["tag"]: row for row in reply.tasks}
    assert rows[tag].status_code == 20100 and rows[tag].result is None
    assert rows[tag].cost == 0.0024 and reply.cost == 0.0024, (rows[tag].cost, reply.cost)
    assert rows["bad"].status_code == 40501 and rows["bad"].cost == 0 and reply.tasks_error == 1
    return rows[tag].id, tag


def question(engine, tag):
    """What LLM Responses is asked of an engine."""
    chain = [{"role": "user", "message": "I ride 5 km a day."}, {"role": "ai", "message": "Noted."}]
    return {
        "user_prompt": "Name three city bikes sold in Austria.",
        "system_message": "Answer in one short list.",
        "message_chain": chain,
        "max_output_tokens": 2000,
        "tag": tag,
        **QUESTIONS[engine],
    }


def ask(referee, engine):
    """Asks one good and one bad question; the good one's id and tag."""
    request = ASK[engine]
    tag = f"referee.ask.{engine}.{int(time.time())}"
    bad = {**question(engine, "bad"), "model_name": "nobody"}
    reply = referee.method(
        referee.ai,
        f"{engine}_llm_responses_task_post",
        [request.from_dict(question(engine, tag)), request.from_dict(bad)],
    )
    rows = {row.data["tag"]: row for row in reply.tasks}
    assert rows[tag].status_code == 20100 and rows[tag].result is None
    assert rows[tag].cost == 0.0102 and reply.cost == 0.0102, (rows[tag].cost, reply.cost)
    assert rows["bad"].status_code == 40501 and rows["bad"].cost == 0
    return rows[tag].id, tag


def said(engine, result):
    """What every answer of a model has."""
    assert result.model_name.startswith(QUESTIONS[engine]["model_name"]), result.model_name
    assert result.input_tokens > 0 and result.output_tokens > 0 and result.money_spent > 0 and result.datetime
    assert isinstance(result.web_search, bool)
    thought = [] if engine == "perplexity" else ["reasoning"]
    assert [item.type for item in result.items] == [*thought, "message"]
    for item in result.items:
        assert type(item).__name__ == LLM_ITEMS[item.type], f"{item.type} was read as {type(item).__name__}"
        assert all(section.text for section in item.sections)
    cited = result.items[-1].sections[0].annotations
    assert bool(cited) == result.web_search and all(one.url for one in cited or [])


def asked(referee, engine, task):
    row = only(referee.method(referee.ai, f"{engine}_llm_responses_task_get", task))
    (result,) = row.result
    assert row.id == task and row.cost == 0, "collecting is free"
    said(engine, result)


def ask_live(referee, engine):
    tag = f"referee.live.{engine}.{int(time.time())}"
    request = ASK_LIVE[engine].from_dict(question(engine, tag))
    reply = referee.method(referee.ai, f"{engine}_llm_responses_live", [request])
    row = only(reply)
    (result,) = row.result
    said(engine, result)
    assert reply.cost == row.cost and abs(row.cost - 0.0006 - result.money_spent) < 1e-9, (row.cost, result.money_spent)
    return row.id, tag, row.cost, "llm_responses/live"


def models(referee, engine):
    rows = only(referee.method(referee.ai, f"{engine}_llm_responses_models")).result
    assert all(row.model_name and isinstance(row.additional_properties["reasoning"], bool) for row in rows)
    assert any(row.task_post_supported for row in rows) == (engine != "perplexity")


def scraper_live(referee, engine, kind):
    tag = f"referee.live.{kind}.{engine}.{int(time.time())}"
    request = SCRAPER_LIVE[engine, kind](keyword="which bike", location_code=2276, language_code="de", tag=tag)
    reply = referee.method(referee.ai, f"{engine}_llm_scraper_live_{kind}", [request])
    row = only(reply)
    (result,) = row.result
    assert reply.cost == row.cost == 0.004 and result.keyword == "which bike"
    if kind == "advanced":
        assert all(type(item).__name__ == ITEMS[item.type] for item in result.items)
    else:
        assert result.items[0].html.startswith("<!doctype html>")
    return row.id, tag, row.cost, f"llm_scraper/live/{kind}"


def live_is_not_kept(referee, task):
    reply = referee.method(referee.ai, "chat_gpt_llm_responses_task_get", task)
    assert reply.tasks[0].status_code == 40401, reply.tasks[0].status_code


def plain(base, path, key, body=None):
    """A call by plain HTTP: its status, its headers, and its JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + GATEWAY + path, data, {"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, reply.headers, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, json.load(error)


def fits(model, raw):
    """A reply by plain HTTP as the client's model reads it."""
    read = model.from_dict(raw)
    lost = list(differences(raw, read, "$"))
    assert not lost, "; ".join(lost[:5])
    return read


def gateway_sells(base, key):
    status, headers, raw = plain(base, "chat_gpt/llm_responses/live", key, [question("chat_gpt", "gateway.live")])
    assert status == 200 and headers["X-RateLimit-Limit-Requests"] == "60", (status, dict(headers))
    said("chat_gpt", only(fits(AiOptimizationChatGptLlmResponsesLiveResponseInfo, raw)).result[0])
    status, _, raw = plain(base, "chat_gpt/llm_responses/task_post", key, [question("chat_gpt", "gateway.post")])
    (row,) = fits(AiOptimizationChatGptLlmResponsesTaskPostResponseInfo, raw).tasks
    assert status == 200 and row.status_code == 20100 and row.cost == 0.0102
    return row.id


def gateway_keeps_its_own(referee, task):
    reply = referee.method(referee.ai, "chat_gpt_llm_responses_task_get", task)
    assert reply.tasks[0].status_code == 40001, reply.tasks[0].status_code


def gateway_refuses(base, key):
    for path, asked_with, expected, code in [
        ("chat_gpt/llm_responses/task_get/x", key, 404, "unknown_endpoint"),
        ("id_list", key, 404, "unknown_endpoint"),
        ("chat_gpt/llm_responses/live", "nobody", 401, "invalid_api_key"),
    ]:
        status, _, raw = plain(base, path, asked_with)
        error = raw["error"]
        assert (status, error["code"]) == (expected, code), (path, status, raw)
        assert error["type"] and error["message"] and error["request_id"]


def ready(referee, engine, function, task, tag):
    """Waits until the task is ready."""
    for _ in range(7):
        reply = only(referee.method(referee.ai, f"{engine}_{function}_tasks_ready"))
        for row in reply.result or []:
            if row.id == task:
                assert row.tag == tag and row.se == engine and row.date_posted
                if function == "llm_responses":
                    assert row.endpoint.endswith(f"/llm_responses/task_get/{task}") and row.se_type == function
                else:
                    assert row.endpoint_advanced.endswith(f"/task_get/advanced/{task}")
                    assert row.endpoint_html.endswith(f"/task_get/html/{task}")
                return
        time.sleep(1)
    raise AssertionError(f"{task} is not ready after 7 s")


def collected(referee, engine, function, task):
    reply = only(referee.method(referee.ai, f"{engine}_{function}_tasks_ready"))
    assert all(row.id != task for row in reply.result or []), "a collected task is still ready"


def advanced(referee, engine, task):
    row = only(referee.method(referee.ai, f"{engine}_llm_scraper_task_get_advanced", task))
    (result,) = row.result
    assert row.id == task and row.cost == 0
    assert result.keyword == "is 100% rye bread good with C++?", result.keyword
    assert (result.location_code, result.language_code) == (2276, "de")
    assert result.model and result.datetime and len(result.markdown) > 200
    assert result.items_count == len(result.items) > 0
    assert sorted(result.item_types) == sorted({item.type for item in result.items})
    for item in result.items:
        assert type(item).__name__ == ITEMS[item.type], f"{item.type} was read as {type(item).__name__}"
        assert item.rank_group and item.rank_absolute
    assert [item.rank_absolute for item in result.items] == list(range(1, len(result.items) + 1))
    assert all(source.type == f"{engine}_source" and source.url and source.domain for source in result.sources)
    tables = [item for item in result.items if item.type == f"{engine}_table"]
    assert tables and tables[0].table.table_header and tables[0].table.table_content
    if engine == "chat_gpt":
        assert result.check_url and result.brand_entities


def html(referee, engine, task):
    (result,) = only(referee.method(referee.ai, f"{engine}_llm_scraper_task_get_html", task)).result
    assert result.items_count == len(result.items) == 1 and result.keyword == "is 100% rye bread good with C++?"
    assert result.items[0].page == 1 and result.items[0].html.startswith("<!doctype html>")


def listed(referee, tasks):
    """All tasks are in the list, with their tags."""
    time.sleep(2)
    now = datetime.now(timezone.utc)
    asked = AppDataIdListRequestInfo(
        datetime_from=stamp(now - timedelta(minutes=2)),
        datetime_to=stamp(now - timedelta(seconds=1)),
        include_metadata=True,
        sort="desc",
    )
    rows = {row.id: row for row in only(referee.generic(ID_LIST, [asked])).result}
    for engine, task, tag, cost, endpoint in tasks:
        row = rows[task]
        assert row.url.endswith(f"/v3/ai_optimization/{engine}/{endpoint}"), row.url
        assert row.cost == cost and row.datetime_posted and row.datetime_done, (row.cost, cost)
        assert row.metadata["tag"] == tag and (row.metadata.get("keyword") or row.metadata["user_prompt"])


def no_errors(referee):
    row = only(referee.generic(ERRORS, [{"limit": 10}]))
    assert not row.result


def places(referee, engine):
    rows = only(referee.method(referee.ai, f"{engine}_llm_scraper_locations")).result
    germany = {row.location_code: row for row in rows}[2276]
    assert (germany.location_name, germany.country_iso_code) == ("Germany", "DE")
    assert germany.location_type == "Country" and germany.location_code_parent is None


def languages(referee, engine):
    rows = only(referee.method(referee.ai, f"{engine}_llm_scraper_languages")).result
    assert {row.language_code: row.language_name for row in rows}["en"] == "English"


def country(referee):
    (row,) = only(referee.method(referee.ai, "chat_gpt_llm_scraper_locations_country", "de")).result
    assert row.location_code == 2276


def user_data(referee):
    (row,) = only(referee.method(referee.appendix, "user_data")).result
    prices = row.price.ai_optimization.llm_scraper.task_post
    assert prices.priority_normal[0].cost == 0.0012 and prices.priority_high[0].cost == 0.0024
    responses = row.price.ai_optimization.llm_responses
    assert responses.task_post.priority_normal[0].cost == 0.0002 and responses.live.priority_normal[0].cost == 0.0006
    assert row.rates.limits.minute.ai_optimization.llm_responses.tasks_ready
    assert row.login == referee.client.configuration.username and row.money.balance < row.money.total
    assert row.rates.limits.minute.ai_optimization.llm_scraper.tasks_ready
    return row.money.balance


def status(referee):
    assert all(row.api for row in only(referee.method(referee.appendix, "appendix_status")).result)


def codes(referee):
    rows = only(referee.method(referee.appendix, "errors")).result
    assert {row.code: row.message for row in rows}[20100] == "Task Created."


def refuses(error, call):
    """The client raises this for a refused request."""
    try:
        call()
    except error:
        return
    raise AssertionError(f"no {error.__name__}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("base")
    parser.add_argument("--login", default="sandbox")
    parser.add_argument("--password", default="sandbox")
    parser.add_argument("--key", default="sandbox-key", help="of the gateway")
    args = parser.parse_args()
    referee = Referee(args.base.rstrip("/"), args.login, args.password)

    scraped, questions, sold = [], [], []
    for engine in ENGINES:
        posted = referee.check(f"POST {engine}/llm_scraper/task_post", lambda: post(referee, engine))
        if posted:
            scraped.append((engine, *posted))
            sold.append((engine, *posted, 0.0024, "llm_scraper/task_post"))
    for engine in ASK:
        posted = referee.check(f"POST {engine}/llm_responses/task_post", lambda: ask(referee, engine))
        if posted:
            questions.append((engine, *posted))
            sold.append((engine, *posted, 0.0102, "llm_responses/task_post"))
    for engine in ASK_LIVE:
        lived = referee.check(f"POST {engine}/llm_responses/live", lambda: ask_live(referee, engine))
        if lived:
            sold.append((engine, *lived))
            if engine == "chat_gpt":
                referee.check("a Live answer is not kept", lambda: live_is_not_kept(referee, lived[0]))
        referee.check(f"GET {engine}/llm_responses/models", lambda: models(referee, engine))
    for engine, kind in SCRAPER_LIVE:
        lived = referee.check(f"POST {engine}/llm_scraper/live/{kind}", lambda: scraper_live(referee, engine, kind))
        if lived:
            sold.append((engine, *lived))
    # All are done by now at that speed, so that few looks suffice and the limit of scans is kept.
    time.sleep(3)
    for engine, task, tag in scraped:
        scraper, at = f"GET {engine}/llm_scraper", (engine, "llm_scraper", task)
        referee.check(f"{scraper}/tasks_ready", lambda: ready(referee, *at, tag))
        referee.check(f"{scraper}/task_get/html", lambda: html(referee, engine, task))
        referee.check(f"{scraper}/task_get/advanced", lambda: advanced(referee, engine, task))
        referee.check(f"{scraper}/tasks_ready once collected", lambda: collected(referee, *at))
    for engine, task, tag in questions:
        responses, at = f"GET {engine}/llm_responses", (engine, "llm_responses", task)
        referee.check(f"{responses}/tasks_ready", lambda: ready(referee, *at, tag))
        referee.check(f"{responses}/task_get", lambda: asked(referee, engine, task))
        referee.check(f"{responses}/tasks_ready once collected", lambda: collected(referee, *at))
    for engine in ENGINES:
        referee.check(f"GET {engine}/llm_scraper/locations", lambda: places(referee, engine))
        referee.check(f"GET {engine}/llm_scraper/languages", lambda: languages(referee, engine))
    referee.check("GET chat_gpt/llm_scraper/locations/{country}", lambda: country(referee))
    referee.check("POST id_list", lambda: listed(referee, sold))
    referee.check("POST errors", lambda: no_errors(referee))
    referee.check("GET appendix/user_data", lambda: user_data(referee))
    referee.check("GET appendix/errors", lambda: codes(referee))
    referee.check("GET appendix/status", lambda: status(referee))
    base = args.base.rstrip("/")
    through = referee.check("the gateway sells", lambda: gateway_sells(base, args.key))
    if through:
        referee.check("what the gateway bought is its own", lambda: gateway_keeps_its_own(referee, through))
    referee.check("the gateway refuses in its own form", lambda: gateway_refuses(base, args.key))
    stranger = Referee(args.base.rstrip("/"), args.login, "wrong")
    referee.check("401 for a stranger", lambda: refuses(UnauthorizedException, stranger.appendix.user_data))
    wrong = ("/v3/ai_optimization/chat_gpt/llm_scraper/id_list", ID_LIST[1])
    referee.check("404 for a wrong path", lambda: refuses(NotFoundException, lambda: referee.generic(wrong, [{}])))

    print(f"{referee.passed} passed, {referee.failed} failed")
    sys.exit(1 if referee.failed else 0)


if __name__ == "__main__":
    main()
