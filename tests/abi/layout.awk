# SPDX-License-Identifier: MIT
# Reads berth.h, writes a C program that prints the size of every public struct, offset and size of
# every field, and the number of every public constant.

{ text = text "\n" $0 }

# Without comments and preprocessor lines (a line that ends in a backslash takes the next along).
function strip(s, out, at, end) {
    while ((at = index(s, "/*")) > 0) {
        out = out substr(s, 1, at - 1) " "
        s = substr(s, at + 2)
        end = index(s, "*/")
        s = substr(s, end + 2)
    }
    return out s
}

function directives(s, out, n, i, lines, inside) {
    n = split(s, lines, "\n")
    for (i = 1; i <= n; i++) {
        if (inside || lines[i] ~ /^[ \t]*#/) {
            inside = lines[i] ~ /\\$/
            continue
        }
        out = out lines[i] "\n"
    }
    return out
}

# The name in a declaration: "uint64_t reserved[4]" or "int32_t (*execute)(void *user_data, ...)".
function declared(s) {
    if (match(s, /\(\*[a-z_0-9]+\)/)) return substr(s, RSTART + 2, RLENGTH - 3)
    sub(/\[[^]]*\][ \n\t]*$/, "", s)
    match(s, /[A-Za-z_0-9]+[ \n\t]*$/)
    s = substr(s, RSTART, RLENGTH)
    gsub(/[ \n\t]/, "", s)
    return s
}

END {
    text = directives(strip(text))
    print "#include <berth.h>"
    print "#include <stdio.h>"
    print "#define SIZE(s) printf(\"struct %s size %zu\\n\", #s, sizeof(struct s));"
    print "#define FIELD(s, f) printf(\"struct %s.%s at %zu size %zu\\n\", #s, #f, \\"
    print "    offsetof(struct s, f), sizeof(((struct s *)0)->f));"
    print "#define CONSTANT(c) printf(\"constant %s %lld\\n\", #c, (long long)(c));"
    print "#define STATUS(name, number, message) CONSTANT(BERTH_##name)"
    print "int main(void) {"
    while (match(text, /(struct|enum) [a-z_0-9]+ \{/)) {
        head = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        body = substr(text, 1, index(text, "}") - 1)
        split(head, word, " ")
        name = word[2]
        if (word[1] == "struct") {
            print "    SIZE(" name ")"
            n = split(body, part, ";")
            for (i = 1; i < n; i++) print "    FIELD(" name ", " declared(part[i]) ")"
        } else {
            n = split(body, part, ",")
            for (i = 1; i <= n; i++)
                if (match(part[i], /BERTH_[A-Z_0-9]+[ \n]*=/)) {
                    constant = substr(part[i], RSTART, RLENGTH)
                    gsub(/[ \n=]/, "", constant)
                    print "    CONSTANT(" constant ")"
                }
        }
    }
    print "    BERTH_STATUS_MAP(STATUS)"
    print "    return 0;"
    print "}"
}
