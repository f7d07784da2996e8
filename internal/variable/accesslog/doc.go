// Package accesslog writes one line for each request that has ended, before its
// connection is closed.
//
//	log_format timed '$remote_addr "$request" $status $request_time';
//	access_log logs/access.log timed if=$loggable;
//	access_log logs/all.log.gz timed gzip flush=5m;
//	access_log logs/$host.log timed;
//	access_log syslog:server=unix:/dev/log;
//
// A level with access_log directives of its own does not write the logs of the
// enclosing level. Without any, http{} has one in nginx's combined format.
// A file with a buffer has one in each worker, which is written when it is full,
// after flush=, on reopening and before the worker ends. A path with variables
// is opened by the worker, as its user.
//
//	format.go       log_format, taken apart
//	escape.go       how values are escaped
//	directives.go   the directives
//	options.go      buffers, and files that stay open
//	handler.go      the log phase
//
// See ngx_http_log_module in nginx's manual.
package accesslog
