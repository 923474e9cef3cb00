#!/bin/sh
# One connection to the database: a line `get NAME` is answered with the row, `set NAME VALUE` keeps it.
while read -r verb name value; do
  case $name in '' | *[!a-z_]*) echo "error: bad name $name" ; continue ;; esac
  case $verb in
    get) [ ! -e "/data/$name" ] || cat "/data/$name" ;;
    set) printf '%s\n' "$value" >"/data/$name.new" && sync && mv "/data/$name.new" "/data/$name" && echo stored ;;
    *) echo "error: no command $verb" ;;
  esac
done
