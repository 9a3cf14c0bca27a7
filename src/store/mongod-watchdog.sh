#!/bin/sh
# Runs one mongod (the arguments) and ends it when the server that holds our standard input is gone, however it went (storage.md "The embedded server").
# The first line of output is mongod's process id; the exit status is mongod's.
exec 3<&0
"$@" </dev/null >/dev/null 2>&1 3<&- &
mongod=$!
echo "$mongod"
exec >/dev/null

guard() {
  while read -r _ <&3; do :; done
  kill -TERM "$mongod"
  # A clean stop takes well under a second; after ten it is stuck, and the journal makes a kill safe.
  tries=0
  while [ "$tries" -lt 40 ] && kill -0 "$mongod"; do
    sleep 0.25
    tries=$((tries + 1))
  done
  kill -KILL "$mongod"
}
guard 2>/dev/null &
guard=$!

wait "$mongod"
status=$?
kill "$guard" 2>/dev/null
exit "$status"
