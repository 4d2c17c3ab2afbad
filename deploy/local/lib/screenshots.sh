# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the parts share their names
# screenshots.sh - the pictures of the pages that the documents show.

help_screenshots() {
    cat <<'END'
Usage: ./stack screenshots [FOLDER]

Takes pictures of the pages of this stack, which has to be up, into FOLDER (docs/images): the live page with orders on their
way, wide and narrow, Swagger UI, the events. Places some hundred sample orders for that. Installs Chromium, and
playwright-core from npm, where they are missing. The times in the pictures are this machine's: take them while it is idle.
END
}

command_screenshots() {
    local into=${1:-$root/docs/images}
    [[ $# -le 1 && $into != -* ]] || die "screenshots takes one folder and nothing else, not '$*'"
    curl -fsS "${trust[@]}" -m 10 -o /dev/null "$base_url/api/utility/readiness" 2>/dev/null ||
        die "nothing is ready at $base_url: ./stack up starts a stack"
    if [[ ! -x /usr/bin/chromium || ! -d $root/node_modules/playwright-core ]]; then
        as_root "$@"
        step_logs=$root/build/screenshots
        mkdir -p "$step_logs"
        install_packages chromium
        step npm "npm parts" "Check the network and 'npm config get registry', then run it again." npm_parts
    fi
    exec node "$root/tests/browser/screenshots.js" "$base_url" "$into"
}
