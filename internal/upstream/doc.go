// Package upstream is the servers that a request, a session or a pool can be
// sent to: which one is next, which one has failed, and which connections to
// them wait for their next use. It knows nothing of HTTP; http{}, stream{} and
// pools share it.
//
//	upstream{} or an address   --Set.Block, Set.Refer-->  Config
//	all of them                --Set.Compile-->           a Group each
//	one request                --Group.Begin-->           Session: Next, Free, Next, Free ...
//	an unused connection       --Group.Keep-->            cache --Group.Take--> Conn
//
// Behaviour, defaults and sentences are nginx's (ngx_http_upstream.c,
// ngx_http_upstream_round_robin.c, ngx_http_upstream_*_module.c).
//
// # Who counts
//
// Weights, failures and connections are counted in the worker, or, with a zone,
// in memory that all workers share and that a reload takes over when the servers
// are the same. Connections are counted there per worker as well, so that those
// of a worker that was killed are subtracted when another one takes its place.
package upstream
