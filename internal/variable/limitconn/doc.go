// Package limitconn bounds how many requests are handled at once, per key: with
// HTTP/1 that is how many busy connections a client, or a server, has.
//
//	limit_conn_zone $binary_remote_addr zone=addr:10m;
//	location /download/ { limit_conn addr 1; }
//
// A request counts from the time its head has been read until it has ended. The
// counts are in a zone that all workers share; those of a worker that died are
// given back. How a request fared is in $limit_conn_status.
//
// See ngx_http_limit_conn_module in nginx's manual.
package limitconn
