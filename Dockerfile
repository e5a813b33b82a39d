# The program in a small image: the certificates that TLS needs, and a user of its own.
#
#   docker build -t bursar .
#   docker run --rm -v "$PWD:/data" -e DATAFORSEO_LOGIN -e DATAFORSEO_PASSWORD bursar run jobs/daily.toml
#
# The ledger and the state folder have to lie on a volume that outlives the container, both of them: here they lie in /data.
# Without the state folder bursar takes the ledger for a restored one at each session, and reads the provider's list again.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 bursar
COPY --from=build /src/target/release/bursar /usr/local/bin/bursar
ENV XDG_STATE_HOME=/data/.state
USER bursar
WORKDIR /data
ENTRYPOINT ["bursar"]
