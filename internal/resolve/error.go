package resolve

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Codes of an [Error]. Those of a name server are RFC 1035's.
const (
	ServerFailure = 2
	NotFound      = 3
	TimedOut      = int(unix.ETIMEDOUT)
)

// An Error says why a name has no addresses.
type Error struct {
	Name string
	Code int
}

// Error is nginx's sentence: `x could not be resolved (3: Host not found)`.
func (e *Error) Error() string {
	return fmt.Sprintf("%s could not be resolved (%s)", e.Name, e.Reason())
}

// Reason is the code with its name: "3: Host not found".
func (e *Error) Reason() string { return fmt.Sprintf("%d: %s", e.Code, codeText(e.Code)) }

var codeTexts = [...]string{"Format error", "Server failure", "Host not found", "Unimplemented", "Operation refused"}

func codeText(code int) string {
	switch {
	case code >= 1 && code <= len(codeTexts):
		return codeTexts[code-1]
	case code == TimedOut:
		return "Operation timed out"
	}
	return "Unknown error"
}
