#!/usr/bin/env bash
# promtool 2.42.0 against node exporter 1.5.0, both from Debian 12.
# Two files of metrics in the text format: one has a series with a time stamp, one has a series twice.
# `promtool check metrics` says nothing about either and ends with 0. The node exporter
# - drops every series of the file with the time stamp, and sets node_textfile_scrape_error to 1;
# - gives the doubled series once, says so in its own log only, and leaves the error at 0.
# So a check of the file before it is put there tells neither, and the metric tells the first alone.
set -euo pipefail
work=$(mktemp -d); trap 'kill %1 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
for package in prometheus=2.42.0+ds-5+deb12u1 prometheus-node-exporter=1.5.0-1+b6; do
  apt-get download --quiet=2 "$package"
done
for file in ./*.deb; do dpkg-deb --extract "$file" .; done

mkdir metrics
printf '# HELP stamped s\n# TYPE stamped gauge\nstamped 1 1700000000000\n# HELP beside b\n# TYPE beside gauge\nbeside 1\n' >metrics/stamped.prom
printf '# HELP doubled d\n# TYPE doubled gauge\ndoubled 1\ndoubled 1\n' >metrics/doubled.prom
for file in doubled stamped; do
  usr/bin/promtool check metrics <"metrics/$file.prom" && echo "promtool passes $file.prom"
done

scraped() {
  usr/bin/prometheus-node-exporter --collector.disable-defaults --collector.textfile \
    --collector.textfile.directory="$work/metrics" --web.listen-address=127.0.0.1:19477 2>log &
  for _ in $(seq 50); do
    python3 -c 'import urllib.request as u; print(u.urlopen("http://127.0.0.1:19477/metrics").read().decode())' \
      2>/dev/null >answer && break
    sleep 0.2
  done
  kill %1; wait %1 || true
  grep -E '^(beside|doubled|stamped|node_textfile_scrape_error)' answer | tee seen
}
echo 'node exporter, both files:'
scraped
[ "$(tr '\n' ' ' <seen)" = 'doubled 1 node_textfile_scrape_error 1 ' ]
grep -q 'client-side timestamps' log
rm metrics/stamped.prom
echo 'node exporter, the doubled series alone:'
scraped
[ "$(tr '\n' ' ' <seen)" = 'doubled 1 node_textfile_scrape_error 0 ' ]
grep -q 'collected before with the same name and label values' log
