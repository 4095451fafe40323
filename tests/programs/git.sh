#!/usr/bin/env bash
# tests/programs/git.sh - a repository is made by commits and by a fast import, repacked by threads,
# collected, checked, cloned and searched.
source "$(dirname "$0")/lib.sh"
need git git

check_loaded git git -c alias.up='!git --version' up
perl "$INPUT/history.pl" >"$WORK/history"
same life sh "$INPUT/repository.sh" "$WORK/history"
compare_file life objects.sum

# What the preloaded git wrote is sound for the plain one, pack by pack.
repository=$WORK/preloaded/life/files/repository
run_plain verify git -C "$repository" fsck --full --strict
run_plain packs sh -c 'git -C "$0" verify-pack "$0"/.git/objects/pack/*.idx' "$repository"
say "all equal: $(grep -c . "$WORK/plain/life/files/objects.sum") digests"
