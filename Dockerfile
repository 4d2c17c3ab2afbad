# One image for everything of ours: order-api, outbox-relay, the workers, orderctl, migrations and the static site.

# ---- the site and dbmate, from npm's pinned packages ----
FROM node:22-bookworm-slim AS site
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3 python3-yaml && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY openapi openapi
RUN openapi/build /out/www && install -D -m 0755 "$(find node_modules/@dbmate -path '*/bin/dbmate' -type f | head -n 1)" /out/bin/dbmate

# ---- the programs ----
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        cmake gcc libc6-dev libcjson-dev libcurl4-openssl-dev libfcgi-dev libhiredis-dev libmicrohttpd-dev libpq-dev librdkafka-dev libssl-dev \
        ninja-build pkg-config postgresql-client-15 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY common common
COPY fcgi fcgi
COPY workers workers
COPY ctl ctl
COPY deploy/topics deploy/topics
# Preset `failpoints` is for the tests: it lets them make a process die at a named place.
ARG PRESET=release
RUN cmake --preset "$PRESET" && cmake --build --preset "$PRESET" && cp -r "build/$PRESET/bin" /out

# ---- what runs ----
FROM debian:bookworm-slim
# 101 is the group of nginx in its official image: the FastCGI socket is open to it alone.
RUN apt-get update && apt-get install -y --no-install-recommends \
        curl libcjson1 libcurl4 libfcgi-bin libfcgi0ldbl libhiredis0.14 libmicrohttpd12 libpq5 librdkafka1 libreadline8 libssl3 \
        multiwatch spawn-fcgi \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin orderline \
    && install -d -o 10001 -g 101 -m 0750 /run/orderline \
    && install -d -o 10001 -g 101 -m 0755 /site
# The one program of postgresql-client, which would bring Perl.
COPY --from=build /usr/lib/postgresql/15/bin/psql /usr/local/bin/
COPY --from=build /out/ /usr/local/bin/
COPY --from=site /out/bin/dbmate /usr/local/bin/
COPY --from=site /out/www /srv/orderline/www
COPY nginx /srv/orderline/nginx
COPY sql /srv/orderline/sql
COPY workers/services/letters /srv/orderline/letters
COPY deploy/compose/order-api-pool deploy/compose/order-api-health deploy/compose/site /usr/local/bin/
USER 10001:101
WORKDIR /srv/orderline
CMD ["order-api", "--help"]
