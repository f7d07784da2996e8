// Package nethttp lets an ordinary [net/http.Server] reload and upgrade itself
// without losing a client: a new generation of worker processes takes over idle
// keep-alive connections, those whose request has just been answered, and hijacked
// connections such as WebSockets.
//
// A program is a [Server], whose New makes the http.Server that each worker runs.
// HUP, or the [Server.Command] "reload", starts new workers, which call New again.
// "upgrade" does so with the program's file as it is now, and goes on as before when
// that does not start. See testdata/chat for a whole program.
//
// A connection moves while nothing of a request has been read. Requests in progress
// are finished where they are; so is what is hijacked and not passed to
// [Conn.Follow]. TLS and HTTP/2 do not move: let a proxy speak them. Linux only.
package nethttp
