#!/usr/bin/env bash
# tests/programs/node.sh - node with worker threads that come and go, shared and transferred
# buffers, compression and hashing in its thread pool.
source "$(dirname "$0")/lib.sh"
need node nodejs

check_loaded node node -e 'console.log(1)'
for ((round = 1; round <= 3; round++)); do
    same "workers$round" node --max-old-space-size=300 "$INPUT/workers.js" "$round"
done
say "all equal"
