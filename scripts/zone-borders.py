#!/usr/bin/env python3
"""Writes tests/fixtures/zone-borders.txt: when the clocks of each time zone change from 2026 to 2028, by the IANA data in
the Python package `tzdata`, which is compiled by the reference compiler and owes nothing to the library that bursar uses.

    python3 scripts/zone-borders.py 2026.6 > tests/fixtures/zone-borders.txt

The package is loaded from PyPI into a temporary folder. Its version 2026.6 is release 2026f.
"""
import datetime
import io
import subprocess
import sys
import tempfile
import zipfile
import zoneinfo
from pathlib import Path

FROM = datetime.datetime(2025, 12, 30, tzinfo=datetime.timezone.utc)
TO = datetime.datetime(2028, 2, 2, tzinfo=datetime.timezone.utc)
STEP = datetime.timedelta(hours=3)


def offset(zone, at):
    return int(at.astimezone(zone).utcoffset().total_seconds())


def changes(zone):
    """The offset at the beginning, and each change: its second, and the offset from then on."""
    at, known = FROM, offset(zone, FROM)
    found = [str(known)]
    while at < TO:
        then = at + STEP
        if offset(zone, then) != known:
            before, after = at, then
            while after - before > datetime.timedelta(seconds=1):
                middle = (before + (after - before) / 2).replace(microsecond=0)
                before, after = (middle, after) if offset(zone, middle) == known else (before, middle)
            known = offset(zone, after)
            found.append(f"{int(after.timestamp())}:{known}")
        at = then
    return " ".join(found)


def main():
    version = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, f"tzdata=={version}"]
        subprocess.run(pip, check=True)
        wheel = zipfile.ZipFile(next(Path(folder).glob("*.whl")))
        facts = {}
        exec(wheel.read("tzdata/__init__.py"), facts)
        groups = {}
        for name in sorted(wheel.read("tzdata/zones").decode().split()):
            zone = zoneinfo.ZoneInfo.from_file(io.BytesIO(wheel.read(f"tzdata/zoneinfo/{name}")), key=name)
            groups.setdefault(changes(zone), []).append(name)
    print(f"# tzdata {facts['IANA_VERSION']}, from PyPI's tzdata {version}, by scripts/zone-borders.py.")
    print(f"# From {FROM:%Y-%m-%d} to {TO:%Y-%m-%d}: offset in seconds, then each change as UTC-second:offset; the zones.")
    for found, names in sorted(groups.items(), key=lambda group: group[1][0]):
        print(f"{found} | {' '.join(names)}")


main()
