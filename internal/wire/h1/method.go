package h1

// Method is a request method known to nginx, one bit each so that sets of them
// (limit_except) are masks. MethodOther is any other well-formed method.
type Method uint16

const (
	MethodOther Method = 0
	GET         Method = 1 << (iota - 1)
	HEAD
	POST
	PUT
	DELETE
	MKCOL
	COPY
	MOVE
	OPTIONS
	PROPFIND
	PROPPATCH
	LOCK
	UNLOCK
	PATCH
	TRACE
	CONNECT
)

// MethodNamed is the method with this name, which is in upper case.
func MethodNamed(name string) Method { return methodOf([]byte(name)) }

// methodOf is the method with this name.
func methodOf(name []byte) Method {
	switch string(name) {
	case "GET":
		return GET
	case "HEAD":
		return HEAD
	case "POST":
		return POST
	case "PUT":
		return PUT
	case "DELETE":
		return DELETE
	case "MKCOL":
		return MKCOL
	case "COPY":
		return COPY
	case "MOVE":
		return MOVE
	case "OPTIONS":
		return OPTIONS
	case "PROPFIND":
		return PROPFIND
	case "PROPPATCH":
		return PROPPATCH
	case "LOCK":
		return LOCK
	case "UNLOCK":
		return UNLOCK
	case "PATCH":
		return PATCH
	case "TRACE":
		return TRACE
	case "CONNECT":
		return CONNECT
	}
	return MethodOther
}

// Version is major * 1000 + minor.
type Version uint16

const (
	HTTP09 Version = 9
	HTTP10 Version = 1000
	HTTP11 Version = 1001
)

// Connection is what a Connection header asks for.
type Connection uint8

const (
	ConnectionUnset     Connection = iota
	ConnectionClose                // close after this response
	ConnectionKeepAlive            //
	ConnectionUpgrade              // responses only: 101
)
