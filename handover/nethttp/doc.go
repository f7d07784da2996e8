// Package nethttp lets an ordinary [net/http.Server] reload itself
// without losing a client: a new generation of worker processes takes over idle
// keep-alive connections, those whose request has just been answered, and hijacked
// connections such as WebSockets.
//
// A program is a [Server], whose New makes the http.Server that each worker runs.
// HUP starts new workers, which call New again. See testdata/chat for a whole program.
//
// An upgrade ([github.com/baton-project/baton/process.Control] with the verb
// "upgrade", or USR2) works like that of every program of package process, but is not
// reliable here yet: an old worker whose heirs come late may wait for connections
// that nobody takes, until it is told TERM. Use reload.
//
// A connection moves while nothing of a request has been read. Requests in progress
// are finished where they are; so is what is hijacked and not passed to
// [Conn.Follow]. TLS and HTTP/2 do not move: let a proxy speak them. Linux only.
package nethttp
