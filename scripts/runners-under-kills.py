#!/usr/bin/env python3
"""How often does a runner pay twice when its process is killed while it buys?

Three runners buy the same 4,000 questions, 40 requests of 100 tasks, one request at a time, from `bursar sandbox`: the simulated
provider, a process of its own that is never killed. It charges a request when it takes it, and answers 200 ms later. Each
runner gets SIGKILL 20 times, 0 to 300 ms after the provider has charged something to the process that now runs (the delays come
from a fixed seed, the same ones for each runner), is started again after each kill, and is left alone at the end until it is
done. A question is bought twice if the provider's own bill lists it twice.

- `checkpoint`: the provider's official Python client (dataforseo-client 2.1.10) in a loop that writes down each finished
  request with an fsync, and skips it the next time.
- `dbos`: the same call as a step of a durable workflow (dbos 3.4.0 on SQLite), which is recovered at each start.
- `bursar`: `bursar run`, limited to one request at a time.

The control is each of them once without a kill: it must buy each question once.

    cargo build --release && scripts/runners-under-kills.py target/release/bursar

It needs the network for the two packages, takes some minutes, and ends with an error once the behaviour it describes changes.

Seen on 2026-12-01 with Python 3.11:

    runner     kills   sold twice or more     bill
    checkpoint     0   4000             0   4.8000
    checkpoint    20   6000           900   7.2000
    dbos           0   4000             0   4.8000
    dbos          20   6000           900   7.2000
    bursar         0   4000             0   4.8000
    bursar        20   4000             0   4.8000

The first two cannot know better: they record a request after its reply, and the provider has no idempotency key. DBOS says that a
step runs at least once.

"""

import base64
import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request

QUESTIONS, EACH, KILLS, LATE_MS, SPREAD_MS, SEED = 4000, 100, 20, 200, 300, 1

COMMON = f"""
import os, pathlib, sys
import dataforseo_client
from dataforseo_client.api.ai_optimization_api import AiOptimizationApi
from dataforseo_client.models.ai_optimization_chat_gpt_llm_scraper_task_post_request_info import (
    AiOptimizationChatGptLlmScraperTaskPostRequestInfo as Ask)

client = dataforseo_client.ApiClient(dataforseo_client.Configuration(
    host=os.environ["BASE"], username="sandbox", password="sandbox"))
prompts = pathlib.Path("prompts.txt").read_text().splitlines()
parts = [prompts[at:at + {EACH}] for at in range(0, len(prompts), {EACH})]

def buy(part):
    reply = AiOptimizationApi(client).chat_gpt_llm_scraper_task_post(
        [Ask(keyword=prompt, location_code=2840, language_code="en") for prompt in parts[part]])
    return [task.id for task in reply.tasks]
"""

CHECKPOINT = COMMON + """
done = set(pathlib.Path("done.txt").read_text().split()) if os.path.exists("done.txt") else set()
with open("done.txt", "a") as log:
    for part in range(len(parts)):
        if str(part) not in done:
            buy(part)
            log.write(f"{part}\\n")
            log.flush()
            os.fsync(log.fileno())
"""

DURABLE = COMMON + """
from dbos import DBOS, SetWorkflowID

DBOS(config={"name": "kills", "system_database_url": "sqlite:///dbos.sqlite",
             "log_level": "ERROR"})

@DBOS.step()
def bought(part):
    return buy(part)

@DBOS.workflow()
def campaign():
    for part in range(len(parts)):
        bought(part)

DBOS.launch()
with SetWorkflowID("campaign"):
    DBOS.start_workflow(campaign).get_result()
os._exit(0)
"""

JOB = """
name = "kills"
[budget]
run = "100"
[[prompt_set]]
name = "all"
file = "prompts.txt"
engine = "chat_gpt"
locations = ["United States"]
languages = ["English"]
"""

CONFIG = """
state_dir = "state"
[accounts.main]
route = "sandbox"
base_url = "{base}"
login_env = "LOGIN"
password_env = "PASSWORD"
limits = {{ calls_per_minute = 6000, in_flight = 1, tasks_ready_per_minute = 60, id_list_per_minute = 30, user_data_per_minute = 18 }}
timing = {{ quarantine = "5s", sweep_gap = "1s", lag_max = "1s", sweep_every = "2s", poll_min = "500ms", poll_max = "2s", give_up = "1m" }}
"""


def get(base, path):
    ask = urllib.request.Request(base + path, headers={"Authorization": "Basic " + base64.b64encode(b"sandbox:sandbox").decode()})
    with urllib.request.urlopen(ask) as reply:
        return reply.read().decode()


def sold(base):
    return json.loads(get(base, "/sandbox/bill"))["tasks"]


def trial(runner, command, folder, bursar, kills):
    """The runner's copies of each question at the provider, and how many kills it got."""
    folder.mkdir()
    (folder / "prompts.txt").write_text("".join(f"Which crm is best for a firm of {at} people?\n" for at in range(QUESTIONS)))
    (folder / "faults.toml").write_text(f'[[fault]]\nkind = "answer_late"\ncall = "task_post"\nafter = "{LATE_MS}ms"\n')
    provider = subprocess.Popen([bursar, "sandbox", "--speed", "3000", "--calls-per-minute", "6000", "--faults", "faults.toml"],
                                cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        base = provider.stdout.readline().split()[-1]
        (folder / "bursar.toml").write_text(CONFIG.format(base=base))
        (folder / "job.toml").write_text(JOB)
        environment = dict(os.environ, BASE=base, LOGIN="sandbox", PASSWORD="sandbox")
        delays, killed = random.Random(SEED), 0
        while True:
            before, log = sold(base), open(folder / "log.txt", "a")
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
            if killed < kills:
                while process.poll() is None and sold(base) == before:
                    time.sleep(0.005)
                if process.poll() is None:
                    time.sleep(delays.uniform(0, SPREAD_MS) / 1000)
                    process.kill()
                    process.wait()
                    killed += 1
                    continue
            code = process.wait()
            if code != 0:
                sys.exit(f"{runner}: exit code {code}, see {folder}/log.txt")
            break
        copies = collections.Counter(json.loads(line)["keyword"] for line in get(base, "/sandbox/bill/tasks").splitlines())
        return copies, killed, json.loads(get(base, "/sandbox/bill"))["total_nano_usd"]
    finally:
        provider.terminate()
        provider.wait()


def main():
    bursar = str(pathlib.Path(sys.argv[1]).resolve())
    temp = pathlib.Path(tempfile.mkdtemp())
    python = temp / "venv/bin/python"
    subprocess.run([sys.executable, "-m", "venv", temp / "venv"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                    "dataforseo-client==2.1.10", "dbos==3.4.0"], check=True)
    for name, text in ("checkpoint", CHECKPOINT), ("dbos", DURABLE):
        (temp / f"run_{name}.py").write_text(textwrap.dedent(text))
    runners = {name: [python, temp / f"run_{name}.py"] for name in ("checkpoint", "dbos")} | {"bursar": [bursar, "run", "job.toml"]}
    print(f"{'runner':10} {'kills':>5} {'sold':>6} {'twice or more':>13} {'bill':>8}")
    seen = {}
    for name, command in runners.items():
        for kills in 0, KILLS:
            copies, killed, nano = trial(name, command, temp / f"{name}-{kills}", bursar, kills)
            twice = sum(1 for count in copies.values() if count > 1)
            seen[name, kills] = twice
            assert len(copies) == QUESTIONS, f"{name} asked {len(copies)} of {QUESTIONS} questions"
            print(f"{name:10} {killed:5} {sum(copies.values()):6} {twice:13} {nano / 1e9:8.4f}", flush=True)
    assert all(seen[name, 0] == 0 for name in runners), "the control failed"
    assert seen["bursar", KILLS] == 0 and seen["checkpoint", KILLS] > 0 and seen["dbos", KILLS] > 0, "the behaviour has changed"


main()
