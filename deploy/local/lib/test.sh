# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# test.sh - every test and linter there is, in stages, and one line of totals.
help_test() { echo; }
command_test() { die "later"; }
