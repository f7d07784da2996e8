// Package listen turns listen directives into sockets: it parses addresses and
// parameters, decides which addresses share a socket, and opens, reuses and
// hands out the sockets.
//
//	listen 127.0.0.1:80 backlog=9;  --Parse-->  Directive
//	servers' directives             --Ports.Add, Ports.Groups-->  groups, each with a Spec
//	specs of all groups             --Open-->  Set (master) --Handout, Adopt-->  Set (worker)
//
// A [Set] belongs to one cycle. It is built beside the old one, out of the same
// sockets where addresses are the same; then one of Commit and Abort decides
// which of the two goes on. A connection that waits in the kernel's queue of an
// address that both have is not lost.
//
// Sentences and behaviour are nginx's (ngx_inet.c, ngx_connection.c,
// ngx_cycle.c, ngx_http.c).
package listen
