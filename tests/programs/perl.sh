#!/usr/bin/env bash
# tests/programs/perl.sh - hashes, regular expressions, sorting, closures, packed data and
# interpreter threads of perl.
source "$(dirname "$0")/lib.sh"
need perl perl
perl -MDigest::SHA -MEncode -e 1 2>/dev/null || skip "perl lacks its modules (Debian package perl)"

check_loaded perl perl -e 'print "up\n"'
same words env PERL_HASH_SEED=0 perl "$INPUT/words.pl"
if perl -MConfig -e 'exit !$Config{useithreads}'; then
    same threads env PERL_HASH_SEED=0 perl "$INPUT/threads.pl"
else
    say "this perl is built without threads: that part does not apply"
fi
say "all equal"
