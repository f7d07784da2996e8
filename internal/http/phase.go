package http

// A Result is what a handler says to the engine that called it. Apart from the
// names below it is a status: the request is answered with it, and error_page
// applies. Statuses are 201, 204 and 300 to 599.
type Result int

const (
	// Declined: not mine; the next handler of the phase, then the next phase.
	Declined Result = 0
	// OK: this phase is satisfied, go on with the next one. In [Content] it ends
	// the request as Done does.
	OK Result = -1
	// Done: the request is answered, or its connection is broken. It is also
	// what a handler returns after an error of SendHeader, Write, SendFile or
	// Finish: the core knows what went wrong.
	Done Result = -2

	// restart is what InternalRedirect and NamedLocation return: the engine
	// goes on from the phase that they have noted.
	restart Result = -3
)

// statusClose is nginx's 444: close the connection without an answer.
// statusClientClosed (499) is only ever logged.
const (
	StatusNoResponse   Result = 444
	StatusClientClosed Result = 499

	statusHeaderTooLarge Result = 494
)

// A Handler does one phase's work for a request. It runs on the request's own
// goroutine and may block in the calls of Request.
type Handler func(r *Request) Result

// A HeaderFilter sees the head of a response before it is sent. Declined goes
// on to the next filter; a status drops the response and answers with that
// status instead (the caller of SendHeader gets an error and returns Done).
type HeaderFilter func(r *Request) Result

// A Phase is a stage of a request, in nginx's order. Choosing the location
// lies between ServerRewrite and Rewrite.
type Phase uint8

const (
	PostRead      Phase = iota // the head has been read; the server is known
	ServerRewrite              // rewrite directives of the server block
	Rewrite                    // rewrite directives of the location
	Preaccess                  // limits
	Access                     // who may come in; satisfy applies
	Precontent                 // try_files, mirror
	Content                    // who makes the answer
	Log                        // after the answer; results are ignored
	phaseCount
)
