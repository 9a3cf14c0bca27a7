#!/bin/sh
# Stands in for mongod (CPIS_MONGOD) in a run of the fault harness: the real one listens on FAULTS_MONGOD_PORT, and the port that was asked for is written to FAULTS_PORT_FILE, where a proxy then listens.
asked=
before=
for argument in "$@"; do
  shift
  if [ "$before" = --port ]; then
    asked=$argument
    argument=$FAULTS_MONGOD_PORT
  fi
  before=$argument
  set -- "$@" "$argument"
done
if [ -n "$asked" ]; then
  echo "$asked" >"$FAULTS_PORT_FILE.new"
  mv "$FAULTS_PORT_FILE.new" "$FAULTS_PORT_FILE"
  # A member that cannot reach itself under its own name when it starts takes no part in its set.
  tries=0
  while [ "$(cat "$FAULTS_PORT_FILE.open" 2>/dev/null)" != "$asked" ] && [ "$tries" -lt 1000 ]; do
    sleep 0.01
    tries=$((tries + 1))
  done
fi
exec "$FAULTS_MONGOD" "$@"
