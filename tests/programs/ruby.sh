#!/usr/bin/env bash
# tests/programs/ruby.sh - ruby with many threads, Ractors, fibers, forks and a collector that
# compacts.
source "$(dirname "$0")/lib.sh"
need ruby ruby

check_loaded '(ruby|ruby[0-9.]+)' ruby -e 'puts 1'
same threads ruby -W0 "$INPUT/threads.rb"
say "all equal"
