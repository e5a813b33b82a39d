"""The vendor's own client against a sandbox: a referee that did not write the rules.

    referee.py BASE_URL [--login sandbox] [--password sandbox]

Drives every endpoint the sandbox has, for both engines, through the package `dataforseo-client`, and checks each
reply twice: what is asked of it here, and that the client's models take in every field of it and give the same
values back. The sandbox should run at `--speed 1000`, or tasks are not ready in time. Needs nothing but the client.
"""

import argparse
import json
import sys
import time
from datetime import datetime, timedelta, timezone

from dataforseo_client import ApiClient, Configuration
from dataforseo_client.api.ai_optimization_api import AiOptimizationApi
from dataforseo_client.api.appendix_api import AppendixApi
from dataforseo_client.exceptions import NotFoundException, UnauthorizedException
from dataforseo_client.models import (
    AiOptimizationChatGptLlmScraperTaskPostRequestInfo,
    AiOptimizationGeminiLlmScraperTaskPostRequestInfo,
    AppDataIdListRequestInfo,
)

ENGINES = {
    "chat_gpt": AiOptimizationChatGptLlmScraperTaskPostRequestInfo,
    "gemini": AiOptimizationGeminiLlmScraperTaskPostRequestInfo,
}
ITEMS = {
    "chat_gpt_text": "ChatGptTextElementItem",
    "chat_gpt_table": "ChatGptTableElementItem",
    "chat_gpt_navigation_list": "ChatGptNavigationListElementItem",
    "gemini_text": "GeminiTextElementItem",
    "gemini_table": "GeminiTableElementItem",
}
# The client has no method for these two, but models of the same shape for another API of the vendor's.
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


def ready(referee, engine, task, tag):
    """Waits until the task is ready."""
    for _ in range(7):
        reply = only(referee.method(referee.ai, f"{engine}_llm_scraper_tasks_ready"))
        for row in reply.result or []:
            if row.id == task:
                assert row.tag == tag and row.se == engine and row.date_posted
                assert row.endpoint_advanced.endswith(f"/task_get/advanced/{task}")
                assert row.endpoint_html.endswith(f"/task_get/html/{task}")
                return
        time.sleep(1)
    raise AssertionError(f"{task} is not ready after 7 s")


def collected(referee, engine, task):
    reply = only(referee.method(referee.ai, f"{engine}_llm_scraper_tasks_ready"))
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
    for engine, task, tag in tasks:
        row = rows[task]
        assert row.url.endswith(f"/v3/ai_optimization/{engine}/llm_scraper/task_post"), row.url
        assert row.cost == 0.0024 and row.datetime_posted and row.datetime_done
        assert row.metadata["tag"] == tag and row.metadata["keyword"]


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
    args = parser.parse_args()
    referee = Referee(args.base.rstrip("/"), args.login, args.password)

    tasks = []
    for engine in ENGINES:
        posted = referee.check(f"POST {engine}/llm_scraper/task_post", lambda: post(referee, engine))
        if posted:
            tasks.append((engine, *posted))
    for engine, task, tag in tasks:
        scraper = f"GET {engine}/llm_scraper"
        referee.check(f"{scraper}/tasks_ready", lambda: ready(referee, engine, task, tag))
        referee.check(f"{scraper}/task_get/html", lambda: html(referee, engine, task))
        referee.check(f"{scraper}/task_get/advanced", lambda: advanced(referee, engine, task))
        referee.check(f"{scraper}/tasks_ready once collected", lambda: collected(referee, engine, task))
    for engine in ENGINES:
        referee.check(f"GET {engine}/llm_scraper/locations", lambda: places(referee, engine))
        referee.check(f"GET {engine}/llm_scraper/languages", lambda: languages(referee, engine))
    referee.check("GET chat_gpt/llm_scraper/locations/{country}", lambda: country(referee))
    referee.check("POST id_list", lambda: listed(referee, tasks))
    referee.check("POST errors", lambda: no_errors(referee))
    referee.check("GET appendix/user_data", lambda: user_data(referee))
    referee.check("GET appendix/errors", lambda: codes(referee))
    referee.check("GET appendix/status", lambda: status(referee))
    stranger = Referee(args.base.rstrip("/"), args.login, "wrong")
    referee.check("401 for a stranger", lambda: refuses(UnauthorizedException, stranger.appendix.user_data))
    wrong = ("/v3/ai_optimization/chat_gpt/llm_scraper/id_list", ID_LIST[1])
    referee.check("404 for a wrong path", lambda: refuses(NotFoundException, lambda: referee.generic(wrong, [{}])))

    print(f"{referee.passed} passed, {referee.failed} failed")
    sys.exit(1 if referee.failed else 0)


if __name__ == "__main__":
    main()
