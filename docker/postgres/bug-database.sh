#!/bin/sh
# The bug database and its role. The PostgreSQL image runs this once, when its volume is empty.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$BUG_DATABASE_PASSWORD" \
    --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
CREATE ROLE hotfix LOGIN PASSWORD :'password';
CREATE DATABASE hotfix OWNER hotfix TEMPLATE template0 ENCODING 'UTF8';
REVOKE CONNECT ON DATABASE hotfix FROM PUBLIC;
SQL
