# The raw bytes of demo.h4mk: 12 scenes of 30 blocks, 1024 bytes a block. It writes ASCII only; ` { | } ~ stand for the
# bytes 0, 128, 192, 254 and 255, which tr puts in their place.
BEGIN {
    for (block = 0; block < 360; block++) {
        scene = int(block / 30)
        place = block % 30
        bytes = ""
        if (scene == 0 || scene == 8) prose()
        else if (scene == 1) object()
        else if (scene == 2 || scene == 10) counters()
        else if (scene == 3 || scene == 11) silence()
        else if (scene == 4) gradient()
        else if (scene == 5) noise(1024)
        else if (scene == 6 || scene == 9) picture()
        else pulse()
        printf "%s", substr(bytes fill(" ", 1024), 1, 1024)
    }
}

# A character, n times.
function fill(c, n,    s) {
    for (s = c; length(s) < n; s = s s) continue
    return substr(s, 1, n)
}

# The next number of Park and Miller's generator, from 0 to n - 1; exact in doubles.
function random(n) {
    if (seed == 0) seed = 20260101
    seed = (seed * 16807) % 2147483647
    return seed % n
}

# n characters without a pattern.
function noise(n) {
    while (n-- > 0) bytes = bytes substr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/", random(64) + 1, 1)
}

# Lines of text, a little different in every block.
function prose(    line) {
    for (line = 0; length(bytes) < 1024; line++)
        bytes = bytes "scene " scene ", block " block ", line " line ": a container is read chunk by chunk, and every chunk says how long it is.\n"
}

# A JSON object.
function object() {
    bytes = "{\"block\": " block ", \"pts_us\": " block * 33333 ", \"kind\": \"telemetry\", \"speed\": " random(1000) / 10 ", \"ok\": true, \"samples\": [" random(4096)
    while (length(bytes) < 900) bytes = bytes ", " random(4096)
    bytes = bytes "]}"
}

# A counter that goes on from block to block.
function counters(    n) {
    for (n = 0; n < 128; n++) bytes = bytes sprintf("%07d\n", block * 128 + n)
}

# Zeros; a short burst of 255 in every tenth block.
function silence() {
    bytes = fill("`", 512) ((place % 10 == 5) ? fill("~", 40) : "") fill("`", 512)
}

# Steps from dark to bright, one step further in every block.
function gradient(    n) {
    for (n = 0; n < 32; n++) bytes = bytes fill(substr("`!#$%&'()*+,-./:;<=>?@[]^_{|}~", (n + place) % 30 + 1, 1), 32)
}

# A whole picture first, then what changes in it.
function picture() {
    if (place == 0) { noise(1024); return }
    bytes = fill("`", place * 30) "block " block " plays at " block * 33333 " us; "
    if (block == 275) bytes = bytes "here is the needle; "
    noise(4 + random(60))
    bytes = bytes fill("`", 1024)
}

# Runs that get shorter until the middle of the scene, and longer again.
function pulse(    n, run) {
    run = 2 + (place < 15 ? 15 - place : place - 15) * 4
    for (n = 0; length(bytes) < 1024; n++) bytes = bytes fill(n % 2 ? "}" : "{", run)
}
