# What is done often. `.ci/run` is all that must hold before a change is taken.

# All of it, as before a change is taken
check:
    .ci/run

# The tests
test:
    cargo test --locked

# The figures; FLAGS go to the bench, for example `just bench --small`
bench *FLAGS:
    cargo bench --locked --bench figures -- {{FLAGS}}

# The demo job against a simulated provider, for play money; exit code 3: the budget is reached, as it is meant to be
demo:
    cargo run --locked --release -- run jobs/demo.toml --sandbox

# Leave out each rule of the protocol once: a named test must fail
mutants:
    cargo test --locked --features mutants --test mutants each_rule -- --nocapture

# The protocol as a model: every history of up to four tasks
model:
    BURSAR_MODEL_FULL=1 cargo test --locked --release --test model -- --nocapture

# Kill the real program N times and see that nothing is paid twice
kill N="10":
    BURSAR_KILLS={{N}} cargo test --locked --test kill -- --nocapture

# What befalls the real program (signals, a sleep, a rival, an older copy), each N times
hazards N="1":
    BURSAR_HAZARDS={{N}} cargo test --locked --test cli hazards

# Cut the power after every operation of a ledger's disk, N images or `all`; and let each operation fail
power-cuts N="all":
    BURSAR_POWER_CUTS={{N}} cargo test --locked --release --test power_cut -- --nocapture --test-threads 1

# One simulated campaign, told line by line
sim SEED:
    BURSAR_SIM_SEED={{SEED}} cargo test --locked --release --test sim campaigns -- --nocapture

# N simulated campaigns, and what struck in them; BURSAR_SIM_FROM says at which seed they begin
sim-many N="1000":
    BURSAR_SIM_MANY={{N}} cargo test --locked --release --test sim campaigns -- --nocapture

# Every crash point of every short scenario, of three every pair, and of two a third of all; half an hour on two processors
crash-points:
    BURSAR_CRASH_ALL=1 cargo test --locked --release --test sim -- --nocapture dies deaths

# Every fuzz target for so many seconds; what breaks one is written to a file that is named
fuzz SECONDS="60":
    BURSAR_FUZZ_SECONDS={{SECONDS}} cargo test --locked --release --test fuzz -- --nocapture
