// Package limitreq bounds how fast requests come, per key: a client's address, a
// server, anything that variables say.
//
//	limit_req_zone $binary_remote_addr zone=one:10m rate=1r/s;
//	location /search/ { limit_req zone=one burst=5; }
//
// Requests over the rate wait, as many as burst says, or with nodelay do not;
// those beyond are refused. The state is in a zone that all workers share, and
// goes on over reloads and changes of the binary. How a request fared is in
// $limit_req_status.
//
// See ngx_http_limit_req_module in nginx's manual.
package limitreq
