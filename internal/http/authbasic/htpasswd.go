package authbasic

import (
	"bufio"
	"bytes"
	"io"
)

// lineMax is how much of a line is looked at.
const lineMax = 4096

// find returns what stands behind "user:" at the start of a line of a password
// file, up to the next colon. The first such line counts. An error is one of
// reading.
func find(file io.Reader, user string) (hash string, found bool, err error) {
	lines := bufio.NewReaderSize(file, lineMax)
	continued := false
	for {
		line, more, err := lines.ReadLine()
		if err == io.EOF {
			return "", false, nil
		}
		if err != nil {
			return "", false, err
		}
		if !continued {
			if hash, ok := cutUser(line, user); ok {
				return hash, true, nil
			}
		}
		continued = more
	}
}

// cutUser returns the hash of a line if it is the user's.
func cutUser(line []byte, user string) (hash string, ok bool) {
	if len(line) > 0 && (line[0] == '#' || line[0] == '\r') || user == "" {
		return "", false
	}
	if len(line) <= len(user) || string(line[:len(user)]) != user || line[len(user)] != ':' {
		return "", false
	}
	rest := line[len(user)+1:]
	if end := bytes.IndexAny(rest, ":\r\x00"); end >= 0 {
		rest = rest[:end]
	}
	return string(rest), true
}
