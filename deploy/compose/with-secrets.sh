#!/bin/bash
# Hands each file in /run/secrets, as a variable of the file's name, to a program that reads secrets from variables alone.
# One that is missing or empty ends the start: Keycloak would take an unset variable's own name for a client's secret.
set -euo pipefail
for file in /run/secrets/*; do
  value=$(<"$file")
  if [ -z "$value" ]; then
    echo "$file is empty; expected a secret" >&2
    exit 1
  fi
  export "${file##*/}=$value"
done
exec "$@"
