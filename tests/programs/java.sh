#!/usr/bin/env bash
# tests/programs/java.sh - javac compiles a program and the virtual machine runs it: many threads,
# direct buffers, zip streams, class loaders, and compiler threads of its own.
source "$(dirname "$0")/lib.sh"
need java default-jdk-headless
need javac default-jdk-headless

check_loaded java java -Xshare:auto -version
run_plain compile javac -d . "$INPUT/Churn.java"
run_preloaded compile javac -d . "$INPUT/Churn.java"
compare_file compile Churn.class
classes=$WORK/preloaded/compile/files
for collector in UseSerialGC UseG1GC; do
    same "$collector" java -XX:+$collector -Xmx160m -XX:-UsePerfData -cp "$classes" Churn
done
say "all equal"
