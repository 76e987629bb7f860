#!/bin/sh
# Runs the litmus tests in every tier: run.sh NEEDLETAIL LITMUS [ROUNDS]. Fails when an outcome came up that Arm forbids, or when
# this machine shows no reordering at all, because then nothing was tested. Wants a machine with nothing else to do.
set -eu
needletail=$1
litmus=$2
rounds=${3:-10000000}
status=0
for tier in interp block auto; do
    start=$(date +%s)
    echo "tier $tier, $rounds rounds each"
    "$needletail" --tier=$tier "$litmus" --rounds "$rounds" || status=1
    # Store buffers reorder on every host; if threads never meet closely enough to show it, the rest proves nothing either.
    "$needletail" --tier=$tier "$litmus" --rounds 100000000 --see SB_po_po || status=1
    echo "tier $tier: $(($(date +%s) - start)) s"
done
exit $status
