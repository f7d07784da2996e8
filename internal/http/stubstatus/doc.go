// Package stubstatus answers with the counters of all workers together, in
// nginx's text, and has them as variables: $connections_active,
// $connections_reading, $connections_writing, $connections_waiting.
//
//	location = /status { stub_status; }
//
// The sums go on over reloads and changes of the binary; what a worker that died
// had open is not counted any more. See ngx_http_stub_status_module in nginx's
// manual.
package stubstatus
