package accesslog

import (
	"fmt"
	"strings"
)

// piece is one part of a log_format: literal text, or a variable by name.
type piece struct {
	text     string // literal text; empty for a variable
	variable string // name without "$"; empty for literal text
}

// parseFormat takes the arguments of log_format that follow its name: an
// optional escape= and the strings, which are joined without a separator.
// Its errors are nginx's sentences, without the place.
func parseFormat(args []string) (escape, []piece, error) {
	esc := escapeDefault
	if len(args) > 0 {
		if word, ok := strings.CutPrefix(args[0], "escape="); ok {
			switch word {
			case "default":
			case "json":
				esc = escapeJSON
			case "none":
				esc = escapeNone
			default:
				return 0, nil, fmt.Errorf("unknown log format escaping \"%s\"", word)
			}
			args = args[1:]
		}
	}
	var pieces []piece
	for _, arg := range args {
		for arg != "" {
			p, rest, err := nextPiece(arg)
			if err != nil {
				return 0, nil, err
			}
			pieces = appendPiece(pieces, p)
			arg = rest
		}
	}
	return esc, pieces, nil
}

// appendPiece adds p, and joins literal text to literal text so that it is
// copied in one go.
func appendPiece(pieces []piece, p piece) []piece {
	if n := len(pieces); n > 0 && p.variable == "" && pieces[n-1].variable == "" {
		pieces[n-1].text += p.text
		return pieces
	}
	return append(pieces, p)
}

// nextPiece takes the first piece off s, which is not empty.
func nextPiece(s string) (piece, string, error) {
	if s[0] != '$' {
		n := strings.IndexByte(s, '$')
		if n < 0 {
			n = len(s)
		}
		return piece{text: s[:n]}, s[n:], nil
	}
	name, braced := strings.CutPrefix(s[1:], "{")
	n := 0
	for n < len(name) && nameByte(name[n]) {
		n++
	}
	rest := name[n:]
	name = name[:n]
	if braced && rest == "" && name == "" {
		return piece{}, "", fmt.Errorf("invalid parameter \"%s\"", s)
	}
	if braced {
		var closed bool
		if rest, closed = strings.CutPrefix(rest, "}"); !closed {
			return piece{}, "", fmt.Errorf("the closing bracket in \"%s\" variable is missing", name)
		}
	}
	if name == "" {
		return piece{}, "", fmt.Errorf("invalid parameter \"%s\"", s)
	}
	return piece{variable: name}, rest, nil
}

// nameByte reports whether c may stand in a variable's name.
func nameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
